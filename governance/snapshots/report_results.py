"""Measured figures of a report, against what policy wants of them."""

import math
import re
from collections.abc import Sequence
from typing import TypeAlias

from governance.snapshots.glossary import glossary, shown
from governance.snapshots.html import Html, bullets, join, paragraph, table, tag, words
from governance.snapshots.inputs import ExportedResult, Measured
from governance.snapshots.request_words import BOUNDS

_LIMIT = re.compile(r"[<>=!]+\s*(\d+(?:\.\d+)?)")
_WIDTH, _LEFT, _RIGHT = 152, 4, 148
_Number: TypeAlias = int | float


def results(found: Sequence[ExportedResult]) -> Html:
    """Return a table of what was measured.

    Args:
        found: The figures; none where nothing was measured.
    """
    if not found:
        return paragraph(words("Nothing was measured."))
    head = ("Metric", "Before", "After", "Interval", "Policy wants", "Outcome")
    caption = (
        "Value, interval and number of trials (n), on the base model and on the "
        "edited one, same prompts and seeds. In the drawing the open mark is before, "
        "the full one after, the upright line the threshold, on a scale from 0 to 1."
    )
    ordered = sorted(found, key=lambda item: item.after is None)
    return table(words(caption), head, (_row(item) for item in ordered))


def meanings() -> Html:
    """Return what the figures mean."""
    return join(
        (
            tag("h3", words("What the figures mean")),
            bullets(words(line, 600) for line in glossary()),
        )
    )


def _row(item: ExportedResult) -> Sequence[Html]:
    wanted = f"{item.limit} {BOUNDS.get(item.bound, item.bound)}".strip()
    return (
        tag("span", words(shown(item.metric)), class_="number"),
        _figure(item.before),
        _figure(item.after, item.value),
        _drawing(item),
        words(wanted or "no threshold"),
        outcome(item.outcome),
    )


def outcome(said: str) -> Html:
    """Return a rule's outcome, in its colour and in words."""
    kind = "pass" if said == "PASS" else "fail"
    if not said:
        return words("not judged")
    return tag("span", words(said, 20), class_=f"outcome {kind}")


def _figure(found: Measured | None, value: float | None = None) -> Html:
    if found is None:
        return words("" if value is None else f"{value:.4g}")
    interval = f"{found.low:.3f} to {found.high:.3f}, n = {found.n}"
    return join(
        (words(f"{found.value:.3f}"), tag("span", words(interval), class_="range"))
    )


def _drawing(item: ExportedResult) -> Html:
    marks = [(item.before, 9, "before"), (item.after, 19, "after")]
    drawn = [
        _mark(found, height, kind)
        for found, height, kind in marks
        if found is not None and _is_share(found)
    ]
    if not drawn:
        return words("")
    axis = _line(_LEFT, _RIGHT, 14, "axis")
    limit = _LIMIT.fullmatch(item.limit.strip())
    if limit and float(limit[1]) <= 1:
        x = _at(float(limit[1]))
        drawn.append(tag("line", x1=x, x2=x, y1="2", y2="26", class_="limit"))
    return tag(
        "svg",
        axis,
        *drawn,
        viewBox=f"0 0 {_WIDTH} 28",
        aria_hidden="true",
        focusable="false",
    )


def _is_share(found: Measured) -> bool:
    figures = (found.low, found.value, found.high)
    return all(math.isfinite(one) and 0 <= one <= 1 for one in figures)


def _mark(found: Measured, height: int, kind: str) -> Html:
    low, high = (_LEFT + (_RIGHT - _LEFT) * end for end in (found.low, found.high))
    dot = tag("circle", cx=_at(found.value), cy=str(height), r="3", class_=kind)
    return join((_line(low, high, height, kind), dot))


def _line(start: _Number, end: _Number, height: int, kind: str) -> Html:
    y = str(height)
    return tag("line", x1=f"{start:.1f}", x2=f"{end:.1f}", y1=y, y2=y, class_=kind)


def _at(share: float) -> str:
    return f"{_LEFT + (_RIGHT - _LEFT) * share:.1f}"
