"""What a verification says, in the contract's words."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from governance.canonical import JSON
from governance.snapshots.names import printable

Problem: TypeAlias = Literal["changed", "added", "missing", "signature", "proof"]
Trust: TypeAlias = Literal["self", "pinned"]


@dataclass(frozen=True, slots=True)
class ExportFinding:
    """One thing in an export that is not as it should be.

    Args:
        path: Path relative to the export, POSIX.
        problem: ``changed``, ``added`` and ``missing`` are about a file's bytes,
            ``signature`` about who signed what, ``proof`` about digests that do not
            lead to one another.
        message: What exactly, for people.
    """

    path: str
    problem: Problem
    message: str


@dataclass(frozen=True, slots=True)
class ExportVerdict:
    """What verifying an export found.

    Args:
        ok: Whether nothing was found.
        trust: ``pinned`` if a key the caller brought signed for this very snapshot;
            ``self`` if the export only agrees with itself, or if its model files were
            derived from what was signed and are not the very bytes.
        findings: Everything that was found, sorted by path.
        derived: Which form the signed snapshot was brought to; empty where none.
        notes: What could not be compared, and so is not vouched for.
        checked: What was checked and against what, where nothing was found.
    """

    ok: bool
    trust: Trust
    findings: tuple[ExportFinding, ...]
    derived: str = ""
    notes: tuple[str, ...] = ()
    checked: Mapping[str, JSON] = field(default_factory=dict)


def finding(path: str, problem: Problem, message: str) -> ExportFinding:
    """Return a finding whose path any encoding can hold."""
    return ExportFinding(printable(path), problem, message)
