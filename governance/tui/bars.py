"""A measured value as a bar: sure part, interval, and where the limit stands."""

import re
from dataclasses import dataclass

from textual.content import Content

from governance.service.views import RuleResult
from governance.tui.paint import own
from governance.tui.words import Tone

_ROOM = 4 / 3
_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")


@dataclass(frozen=True, slots=True)
class Strokes:
    """Drawing characters of a bar."""

    sure: str = "━"
    interval: str = "─"
    empty: str = "╌"
    value: str = "●"
    limit: str = "┃"


FANCY = Strokes()
PLAIN = Strokes(sure="=", interval="-", empty=".", value="o", limit="|")


def limit_values(limit: str) -> tuple[float, ...]:
    """Read where a limit stands out of its words.

    Args:
        limit: Such as ``>= 0.8``, or ``0.5 +- 0.15``, which has two ends.

    Returns:
        One place, two, or none: ``within 0.15`` alone is a distance from nobody
        knows what, and has no place on the scale.
    """
    numbers = [float(found) for found in _NUMBER.findall(limit)]
    if limit.startswith("within"):
        return ()
    if "+-" in limit and len(numbers) == 2:
        middle, reach = numbers
        return (middle - reach, middle + reach)
    return tuple(numbers[:1])


def bar(rule: RuleResult, width: int, strokes: Strokes, tone: Tone) -> Content:
    """Draw a rule's figure against its limit.

    The scale runs from 0 to 1 for shares, else a third beyond the largest figure.

    Args:
        rule: The rule with what was measured.
        width: Cells.
        strokes: Drawing characters.
        tone: Hue of the measured part.
    """
    limits = limit_values(rule.limit)
    figures = [rule.value, rule.low, rule.high, *limits]
    known = [item for item in figures if item is not None and abs(item) < float("inf")]
    if rule.value is None or rule.value != rule.value:
        return own(strokes.empty * width, Tone.DIM)
    top = _top(rule, [abs(item) for item in known])

    def place(value: float) -> int:
        return max(0, min(width - 1, round(value / top * (width - 1))))

    low = place(rule.value if rule.low is None else rule.low)
    high = place(rule.value if rule.high is None else rule.high)
    marks = {place(rule.value): (strokes.value, tone.value)}
    marks |= dict.fromkeys(map(place, limits), (strokes.limit, Tone.STRONG.value))
    cells = []
    for at in range(width):
        inside = (
            (strokes.sure, tone.value)
            if at < low
            else (strokes.interval, tone.value)
            if at <= high
            else (strokes.empty, "$rule")
        )
        cells.append(own(*marks.get(at, inside)))
    return Content("").join(cells).simplify()


def _top(rule: RuleResult, figures: list[float]) -> float:
    """Return the right end of the scale; an interval means that it is a share."""
    largest = max(figures)
    if rule.low is not None and largest <= 1.0:
        return 1.0
    return largest * _ROOM or 1.0
