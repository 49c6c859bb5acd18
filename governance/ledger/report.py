"""What a verification found."""

from dataclasses import dataclass

from governance.canonical import JSON
from governance.domain.signoff import Head


@dataclass(frozen=True, slots=True)
class BadEntry:
    """The first entry that is not what was appended.

    Args:
        sequence: The entry.
        problem: What is wrong with it.
    """

    sequence: int
    problem: str

    def document(self) -> dict[str, JSON]:
        """Return the entry as JSON."""
        return {"sequence": self.sequence, "problem": self.problem}


@dataclass(frozen=True, slots=True)
class VerifyReport:
    """What a verification found.

    Args:
        ok: Whether every entry is what was appended, and every held head is kept.
        entries: How many entries were found to be.
        head: Head over exactly those.
        first_bad: The first that is not, or ``None``.
    """

    ok: bool
    entries: int
    head: Head
    first_bad: BadEntry | None = None

    def document(self) -> dict[str, JSON]:
        """Return the report as JSON."""
        bad = None if self.first_bad is None else self.first_bad.document()
        return {
            "ok": self.ok,
            "entries": self.entries,
            "head": self.head.document(),
            "first_bad": bad,
        }
