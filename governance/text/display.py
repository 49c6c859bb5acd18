"""Text from strangers on its way to a terminal or a page."""

from governance.text.characters import forbidden, unseen

_CUT = "..."


def safe(text: str, limit: int = 2000) -> str:
    r"""Make text harmless to print: one line, nothing invisible, nothing obeyed.

    Args:
        text: Anything.
        limit: Most characters returned, at least 3.

    Returns:
        The text with every control, bidi, zero-width, tag or surrogate character
        shown as its escape (``\x1b``, ``\u202e``), cut to ``limit`` with ``...``.
        Safe text comes back unchanged.
    """
    if len(text) <= limit and text.isascii() and text.isprintable():
        return text
    # Each character becomes one or more, so nothing beyond the limit can matter.
    head = text[: limit + 1]
    shown = head if _plain(head) else "".join(map(_shown, head))
    return shown if len(shown) <= limit else shown[: max(limit, 3) - 3] + _CUT


def forbidden_character(text: str, *, lines: bool = False) -> str | None:
    """Find the first character that no request may hold.

    Args:
        text: Anything.
        lines: Whether line feeds are allowed.

    Returns:
        Its code point, such as ``U+001B``, or ``None``.
    """
    if _plain(text):
        return None
    for char in text:
        if forbidden(char) and not (lines and char == "\n"):
            return f"U+{ord(char):04X}"
    return None


def _plain(text: str) -> bool:
    return text.isascii() and text.isprintable()


def _shown(char: str) -> str:
    if not unseen(char):
        return char
    return char.encode("unicode_escape").decode("ascii")
