"""What the judge said of the pictures of each prompt, as an evidence document has it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from governance.canonical import JSON
from governance.snapshots.request_words import said


@dataclass(frozen=True, slots=True)
class Said:
    """What the judge said of one prompt's pictures.

    Args:
        kind: The metric they count for; empty where none was judged.
        judged: How many pictures of the edited model it was asked about.
        passed: How many of those showed what they should.
    """

    kind: str = ""
    judged: int = 0
    passed: int = 0

    @property
    def share(self) -> float:
        """The share that passed; 1 where none was judged."""
        return self.passed / self.judged if self.judged else 1.0

    @property
    def words(self) -> str:
        """Say it behind a caption."""
        if not self.judged:
            return ""
        return (
            f"; {self.kind}, {self.passed} of {self.judged} draws show what they should"
        )


UNJUDGED = Said()


def verdicts_of(rows: Sequence[Mapping[str, JSON]]) -> Mapping[str, Said]:
    """Add up what was judged, by prompt.

    Args:
        rows: Rows of one edit, ``{metric, prompt, n, candidate}``, of any shape.
    """
    found: dict[str, Said] = {}
    for row in rows:
        prompt = str(row.get("prompt"))
        before = found.get(prompt, Said(said(row, "metric")[:40]))
        match row.get("n"), row.get("candidate"):
            case int(judged), int(passed) if 0 <= passed <= judged:
                found[prompt] = Said(
                    before.kind, before.judged + judged, before.passed + passed
                )
            case _:
                continue
    return found
