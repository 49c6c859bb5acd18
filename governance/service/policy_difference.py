"""How two policies differ, line by line, for a person to read."""

import difflib
from collections.abc import Mapping

from governance.canonical import JSON
from governance.service.views import to_json


def policy_difference(
    before: Mapping[str, JSON], after: Mapping[str, JSON], *, context: int = 1
) -> tuple[str, ...]:
    """Return a unified difference of two policies as written in YAML.

    Args:
        before: The policy in force.
        after: The policy that is proposed.
        context: Unchanged lines shown around each changed one.

    Returns:
        Lines with their marks; empty where the policies are the same. Anything
        beyond ASCII stands escaped.
    """
    return tuple(
        difflib.unified_diff(
            _written(before),
            _written(after),
            "in force",
            "proposed",
            lineterm="",
            n=context,
        )
    )


def _written(document: Mapping[str, JSON]) -> list[str]:
    import yaml

    body = yaml.safe_dump(to_json(document), sort_keys=True, allow_unicode=False)
    return body.splitlines()
