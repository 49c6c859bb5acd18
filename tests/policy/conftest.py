from collections.abc import Callable
from pathlib import Path

import pytest

from governance.domain.request import Action, Attribute, Concept, EditRequest, Method
from governance.policy.files import find_policy, find_suite, load_policy
from governance.policy.model import Policy

POLICY = """\
apiVersion: governance/v1
kind: Policy
metadata: {name: trial, version: 3}
spec:
  required_approvals: 1
  distinct_from_proposer: true
  roles: {reviewer: 1, lawyer: 0}
  actions:
    erase: {methods: [uce], limits: {concepts: {max: 2}, lambda: {min: 0.1, max: 1}}}
    debias: {methods: [uce]}
  thresholds:
    - {metric: specificity, op: ">=", value: 0.7, bound: ci_lower, min_n: 40}
    - {metric: efficacy, op: ">=", value: 0.8, actions: [erase]}
    - {metric: "ratio.*", op: within, value: 0.15, bound: ci_upper, min_n: 10, actions: [debias]}
  protected_concepts:
    - {name: minors, words: [child, little girl], rule: refuse, reason: Never.}
    - {name: faith, words: [nun], rule: approvals, required_approvals: 3}
  suite: quick
"""

WritePolicy = Callable[..., Path]
LoadPolicy = Callable[..., Policy]


@pytest.fixture
def write_policy(tmp_path: Path) -> WritePolicy:
    """Write the trial policy with some words replaced."""

    def write(*changes: tuple[str, str]) -> Path:
        text = POLICY
        for old, new in changes:
            assert old in text, old
            text = text.replace(old, new)
        path = tmp_path / "trial.yaml"
        path.write_text(text)
        return path

    return write


@pytest.fixture
def trial(write_policy: WritePolicy) -> LoadPolicy:
    """Load the trial policy with some words replaced."""
    return lambda *changes: load_policy(write_policy(*changes))


@pytest.fixture(scope="session")
def default() -> Policy:
    """The policy that ships."""
    assert find_suite("quick").is_file()
    return load_policy(find_policy("default"))


def request_of(
    *sources: str,
    action: Action = Action.ERASE,
    method: Method = Method.UCE,
    destination: str | None = "art",
    preserve: tuple[str, ...] = (),
    attributes: tuple[Attribute, ...] = (),
    parameters: dict[str, object] | None = None,
) -> EditRequest:
    """Return a request that the trial policy allows, unless told otherwise."""
    return EditRequest(
        title="t",
        model="miniature",
        rationale="r",
        action=action,
        method=method,
        concepts=tuple(Concept(source, destination) for source in sources or ("Kora",)),
        preserve=preserve,
        attributes=attributes,
        parameters={"lambda": 0.5, **(parameters or {})},  # type: ignore[dict-item]
    )
