"""Strangers' words inside a Markdown page: always words, never markup."""

import re
from collections.abc import Iterable, Sequence

from governance.text import safe

_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
# CommonMark lets a backslash stand before any ASCII punctuation. Some of it means
# something anywhere; some only where a line begins, or where an address, a name or
# a picture would become a link by itself.
_MARKUP = re.compile(
    r"""[\\`*_{}\[\]|~\#$^@]      # anywhere
    |^[-+=:]                      # lists, rules and headings
    |!(?=\[)|:(?=[^\W\d]|/)      # pictures, smileys, schemes
    |(?<=[^\W\d])\.(?=[^\W\d])   # x.org
    |(?<=[wW]{3})\.              # www.163.com
    """,
    re.VERBOSE,
)


def words(text: str, limit: int = 500) -> str:
    """Return text as one line that Markdown and HTML show exactly as it is.

    Args:
        text: Anything.
        limit: Most characters shown.
    """
    escaped = _MARKUP.sub(lambda match: f"\\{match[0]}", safe(text, limit).strip())
    escaped = re.sub(r"^(\d+)([.)])", r"\1\\\2", escaped)
    return re.sub("[&<>]", lambda match: _ENTITIES[match[0]], escaped)


def code(text: str, limit: int = 500) -> str:
    """Return text as a code span; in one, only the backtick means anything.

    Args:
        text: Digests, keys and the like, which look wrong with escapes.
        limit: Most characters shown.
    """
    return f"`{safe(text, limit).replace('`', chr(0x2019)).replace('|', chr(0xA6))}`"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table.

    Args:
        head: Column names.
        rows: Cells, escaped already.
    """
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def number(value: object) -> str:
    """Return a number in four significant digits, anything else as words."""
    if isinstance(value, float):
        return f"{value:.4g}"
    return words(str(value), 40)
