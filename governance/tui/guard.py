"""Second line of defence: no control byte passes, whoever rendered it."""

import unicodedata

from rich.segment import Segment
from rich.style import Style
from textual.color import Color
from textual.filter import LineFilter

# Cc: C0, DEL, C1. Cf: bidi, zero-width, tags. Zl/Zp: line and paragraph breaks.
_DROPPED = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


def without_controls(text: str) -> str:
    """Return the text without anything a terminal might obey."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(char for char in text if unicodedata.category(char) not in _DROPPED)


class ControlFilter(LineFilter):
    """Drop control characters from every line that is about to be painted.

    A segment without a style would be written as it is, past Textual's escaping;
    it gets the null style.
    """

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:  # noqa: ARG002
        """Return the line with clean, styled segments; control segments vanish."""
        return [
            Segment(without_controls(segment.text), segment.style or Style.null())
            for segment in segments
            if not segment.control
        ]


class AsciiFilter(LineFilter):
    """Draw rules, bars and cuts of the toolkit with ASCII, each as wide as before.

    Words of other scripts stay: leaving letters out would change what they say.
    """

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:  # noqa: ARG002
        """Return the line with every decoration replaced."""
        return [
            segment
            if segment.text.isascii()
            else Segment(segment.text.translate(_DECORATION), segment.style)
            for segment in segments
        ]


_DECORATION = {
    **dict.fromkeys(range(9600, 9632), "#"),
    **dict.fromkeys(range(9472, 9600), "+"),
    **dict.fromkeys(map(ord, "─━┄┅┈┉╌╍═▁▔▂▀▄"), "-"),
    **dict.fromkeys(map(ord, "│┃┆┇┊┋╎╏║▏▎▌▐▕▍"), "|"),
    ord("…"): ".",
    ord("•"): "*",
}
