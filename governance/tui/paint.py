"""Outside text becomes something a terminal may show, here and nowhere else."""

from collections.abc import Iterable
from datetime import UTC, datetime

from textual.content import Content

from governance.text import safe
from governance.tui.words import Tone

SHORT = 12
"""Hex digits of a digest where the full one does not fit."""


def shown(text: object, tone: str = Tone.PLAIN) -> Content:
    """Return any outside value as one safe line; no markup is ever parsed."""
    return Content.styled(safe(str(text)), tone)


def own(text: str, tone: str = Tone.PLAIN) -> Content:
    """Return the program's own words."""
    return Content.styled(text, tone)


def line(*parts: Content | str) -> Content:
    """Join own words and safe contents to one line."""
    pieces = [Content(part) if isinstance(part, str) else part for part in parts]
    return Content("").join(pieces)


def lines(rows: Iterable[Content]) -> Content:
    """Join lines to one text."""
    return Content("\n").join(list(rows))


def paragraph(text: object, tone: str = Tone.PLAIN) -> list[Content]:
    """Return an outside text as safe lines, keeping its own line breaks."""
    return [shown(part, tone) for part in str(text).split("\n")]


def cell(content: Content, width: int, *, right: bool = False) -> Content:
    """Cut or pad to exactly ``width`` cells."""
    cut = content.truncate(max(width, 0), ellipsis=True)
    gap = max(width - cut.cell_length, 0)
    return cut.pad_left(gap) if right else cut.pad_right(gap)


def hanging(head: Content, body: Content, width: int) -> list[Content]:
    """Put a text beside its head; where it wraps, it goes on under itself.

    Args:
        head: What stands left.
        body: The text.
        width: Cells for both.
    """
    room = max(width - head.cell_length, 8)
    first, *more = body.wrap(room) or [Content("")]
    pad = " " * head.cell_length
    return [head + first, *(Content(pad) + piece for piece in more)]


def middle(text: str, width: int) -> Content:
    """Return a name that keeps both its ends where it is too long."""
    name = safe(text)
    if len(name) <= width:
        return Content(name)
    left = max((width - 1) // 2, 1)
    right = max(width - 1 - left, 1)
    return Content(f"{name[:left]}…{name[-right:]}")


def short(digest: str | None) -> str:
    """Return the first digits of a digest, or a dash where there is none."""
    return digest[:SHORT] if digest else "-"


def number(value: float | None) -> str:
    """Format a measured number; a missing or NaN one says so."""
    if value is None:
        return "missing"
    if value != value:
        return "NaN"
    if value == 0:
        return "0"
    size = abs(value)
    if size >= 100_000 or size < 0.001:
        return f"{value:.1e}"
    return f"{value:.3g}" if size < 100 else f"{value:.0f}"


def age(then: str, now: datetime) -> str:
    """Say how long ago an RFC 3339 time was, in at most four cells."""
    moment = parse_time(then)
    if moment is None:
        return "?"
    seconds = int((now - moment).total_seconds())
    if seconds < 0:
        return "0s"
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "m")):
        if seconds >= size:
            return f"{min(seconds // size, 999)}{unit}"
    return f"{seconds}s"


def parse_time(text: str) -> datetime | None:
    """Read an RFC 3339 time; ``None`` where the text is none."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
