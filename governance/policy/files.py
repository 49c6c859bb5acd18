"""Policy files: found by name or path, loaded strictly, rebuilt from the store."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path

from governance.canonical import JSON, canonical_bytes
from governance.documents.fields import Field
from governance.documents.models import model_of
from governance.documents.nodes import node_of
from governance.documents.suite import (
    Suite,
    load_suite,
    single_document,
    suite_from_document,
)
from governance.errors import NotFoundError
from governance.policy.model import Policy, PolicyDocument
from governance.text import safe

_PACKAGE = Path(__file__).resolve().parent.parent
# An installed package carries the shipped policies; a source tree has them beside it.
_FOLDERS = (_PACKAGE / "_policies", _PACKAGE.parent / "policies")


def find_policy(name_or_file: str) -> Path:
    """Find a policy by the name of a shipped one, or by path.

    Args:
        name_or_file: ``default``, or a path.

    Returns:
        The file.

    Raises:
        NotFoundError: There is neither.
    """
    shipped = shipped_policies()
    if name_or_file in shipped:
        return shipped[name_or_file]
    path = Path(name_or_file)
    if "\0" not in name_or_file and path.is_file():
        return path
    raise NotFoundError(
        f"policy '{safe(name_or_file, 200)}': expected a file or one of "
        f"{', '.join(sorted(shipped))}, found neither",
        "Name a shipped policy or the path of a policy file.",
    )


def shipped_policies() -> Mapping[str, Path]:
    """Return the policies that come with the program, by name."""
    return _shipped("*.yaml")


def shipped_cases() -> tuple[Path, ...]:
    """Return the files with cases that come with the program's policies."""
    return tuple(_shipped("tests/*.yaml").values())


def load_policy(path: Path) -> Policy:
    """Load a policy file and the suite it names.

    Args:
        path: YAML file with one document.

    Returns:
        The policy.

    Raises:
        NotFoundError: The policy or its suite does not exist.
        RequestError: Something in either is wrong; says what and where.
    """
    root = single_document(path)
    return _policy(root, lambda name: load_suite(_suite_path(root, path.parent, name)))


def suite_file(path: Path) -> Path:
    """Return the file of the suite a policy file names.

    Args:
        path: The policy file.

    Raises:
        NotFoundError: Policy or suite does not exist.
        RequestError: The policy is wrong.
    """
    root = single_document(path)
    parsed = model_of(PolicyDocument, root)
    return _suite_path(root, path.parent, parsed.spec.suite)


def policy_from_document(
    document: Mapping[str, JSON], read: Callable[[str], bytes]
) -> Policy:
    """Rebuild a policy from its stored document.

    Args:
        document: The canonical document.
        read: Returns the stored bytes of a digest, here of the suite.

    Returns:
        The policy, with the same digest.
    """
    root = Field(node_of(document))
    return _policy(root, lambda digest: suite_from_document(json.loads(read(digest))))


def find_suite(name_or_file: str) -> Path:
    """Find a suite by the name of a shipped one, or by path.

    Args:
        name_or_file: ``quick``, or a path.

    Returns:
        The file.

    Raises:
        NotFoundError: There is neither.
    """
    shipped = _shipped("suites/*.yaml")
    if name_or_file in shipped:
        return shipped[name_or_file]
    path = Path(name_or_file)
    if "\0" not in name_or_file and path.is_file():
        return path
    raise NotFoundError(
        f"suite '{safe(name_or_file, 200)}': expected a file or one of "
        f"{', '.join(sorted(shipped))}, found neither",
        "Name a shipped suite or the path of a suite file.",
    )


def _shipped(pattern: str) -> Mapping[str, Path]:
    for folder in _FOLDERS:
        if folder.is_dir():
            return {path.stem: path for path in sorted(folder.glob(pattern))}
    return {}


def _suite_path(root: Field, folder: Path, name: str) -> Path:
    shipped = _shipped("suites/*.yaml")
    if name in shipped:
        return shipped[name]
    path = (folder / name).resolve()
    if not path.is_relative_to(folder.resolve()):
        root.at(("spec", "suite")).refuse(
            "expected a suite inside the policy's folder, this path leads outside",
            "Copy the suite beside the policy, or name a shipped one such as quick.",
        )
    if not path.is_file():
        raise NotFoundError(
            f"{root.file}: spec.suite names '{safe(name, 200)}': expected a suite file "
            f"at {path}, or one of {', '.join(sorted(shipped))}, found neither",
            "Put the suite there, or name a shipped one. `governance policy show NAME "
            "--output DIR` copies a shipped policy together with its suite.",
        )
    return path


def _policy(root: Field, suite_named: Callable[[str], Suite]) -> Policy:
    parsed = model_of(PolicyDocument, root)
    suite = suite_named(parsed.spec.suite)
    document = {key: field.json() for key, field in root.entries().items()}
    spec = document["spec"]
    rules = dict(spec) if isinstance(spec, Mapping) else {}
    document["spec"] = {**rules, "suite": suite.digest}
    return Policy(
        parsed.metadata, parsed.spec, suite, document, canonical_bytes(document)
    )
