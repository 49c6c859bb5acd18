"""Status words: the word carries the meaning, glyph and hue repeat it."""

from dataclasses import dataclass
from enum import StrEnum

from textual.content import Content

from governance.domain.lifecycle import EditState, EvidenceStatus


class Tone(StrEnum):
    """How strongly a text speaks; three hues, two weights, no more."""

    PLAIN = ""
    DIM = "$dim"
    STRONG = "bold"
    GOOD = "$good"
    WAIT = "$wait"
    BAD = "$bad"


@dataclass(frozen=True, slots=True)
class Word:
    """A status word with its glyphs.

    Args:
        word: What it says.
        glyph: One cell of Unicode.
        plain: One ASCII character for ``--ascii``.
        tone: Hue.
    """

    word: str
    glyph: str
    plain: str
    tone: Tone


_WORDS = {
    item.word: item
    for item in (
        Word("DRAFT", "◌", ".", Tone.DIM),
        Word(EditState.PROPOSED, "○", "o", Tone.PLAIN),
        Word(EditState.APPLIED, "◐", "%", Tone.WAIT),
        Word(EditState.LIVE, "●", "*", Tone.GOOD),
        Word("ACTIVE", "●", "*", Tone.GOOD),
        Word(EditState.REJECTED, "✕", "x", Tone.BAD),
        Word(EditState.REVERTED, "↶", "<", Tone.DIM),
        Word(EditState.WITHDRAWN, "⊘", "-", Tone.DIM),
        Word(EvidenceStatus.PASS, "✓", "+", Tone.GOOD),
        Word(EvidenceStatus.FAIL, "✗", "!", Tone.BAD),
        Word(EvidenceStatus.STALE, "≈", "~", Tone.WAIT),
        Word(EvidenceStatus.NOT_RUN, "·", ".", Tone.DIM),
        Word("MISSING", "?", "?", Tone.WAIT),
        Word("QUEUED", "○", "o", Tone.PLAIN),
        Word("RUNNING", "◐", "%", Tone.WAIT),
        Word("STOPPING", "◐", "%", Tone.WAIT),
        Word("RECORDING", "◐", "%", Tone.WAIT),
        Word("DONE", "✓", "+", Tone.GOOD),
        Word("FAILED", "✗", "!", Tone.BAD),
        Word("CANCELLED", "⊘", "-", Tone.DIM),
    )
}


def word_for(status: str) -> Word:
    """Return the word for a status; one nobody knows is shown plainly."""
    return _WORDS.get(status, Word(status, "·", ".", Tone.PLAIN))


def badge(status: str, *, ascii_only: bool) -> Content:
    """Return glyph and word in their hue.

    Args:
        status: A status word of the ledger or of a job.
        ascii_only: Use the ASCII glyph.
    """
    word = word_for(status)
    glyph = word.plain if ascii_only else word.glyph
    return Content.styled(f"{glyph} {word.word}", word.tone)
