"""HTML in which a stranger's words are always words, never markup."""

import html
from collections.abc import Iterable, Sequence
from typing import NewType

from governance.text import safe

Html = NewType("Html", str)
"""Markup that this program wrote; everybody else's text comes in through ``words``."""
_VOID = frozenset({"br", "hr", "img", "meta"})
# No safe character grows by more than this when it is shown as its escape.
_GROWTH = 10


def words(text: str, limit: int = 500) -> Html:
    """Return text as one line that a browser shows exactly as it is.

    Args:
        text: Anything.
        limit: Most characters shown.
    """
    return Html(html.escape(safe(text, limit), quote=True))


def lines(text: str, limit: int = 200_000) -> Html:
    """Return text of several lines, each of them harmless.

    Args:
        text: Anything; only line feeds are kept of what cannot be seen.
        limit: Most characters shown.
    """
    shown = (words(line, limit) for line in text[:limit].split("\n"))
    cut = "\n..." if len(text) > limit else ""
    return Html("\n".join(shown) + cut)


def join(parts: Iterable[Html], between: str = "") -> Html:
    """Return pieces one after the other."""
    return Html(between.join(parts))


def tag(name: str, /, *inside: Html, **attributes: str) -> Html:
    """Return one element.

    Args:
        name: Its name.
        inside: What it holds.
        attributes: Its attributes, escaped here; ``class_`` is ``class``, and
            ``http_equiv`` is ``http-equiv``.
    """
    said = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{_value(value)}"'
        for key, value in attributes.items()
    )
    if name in _VOID:
        return Html(f"<{name}{said}>")
    return Html(f"<{name}{said}>{''.join(inside)}</{name}>")


def _value(value: str) -> str:
    return html.escape(safe(value, _GROWTH * len(value) + 3), quote=True)


def mono(text: str, limit: int = 500) -> Html:
    """Return a digest, a key or a path, which breaks anywhere."""
    return tag("code", words(text, limit))


def paragraph(*inside: Html, **attributes: str) -> Html:
    """Return a paragraph."""
    return tag("p", *inside, **attributes)


def table(caption: Html, head: Sequence[str], rows: Iterable[Sequence[Html]]) -> Html:
    """Return a table with headers for columns and, in the first column, for rows.

    Args:
        caption: What it shows.
        head: Column names.
        rows: Cells.
    """
    columns = (tag("th", words(name), scope="col") for name in head)
    return tag(
        "table",
        tag("caption", caption),
        tag("thead", tag("tr", *columns)),
        tag("tbody", *(_row(row) for row in rows)),
    )


def facts(rows: Iterable[tuple[str, Html]]) -> Html:
    """Return a list of what is called what; empty values are left out."""
    found = [
        tag("div", tag("dt", words(name)), tag("dd", value))
        for name, value in rows
        if value
    ]
    return tag("dl", *found) if found else Html("")


def bullets(items: Iterable[Html]) -> Html:
    """Return a list; nothing where it has no items."""
    found = [tag("li", item) for item in items]
    return tag("ul", *found) if found else Html("")


def _row(cells: Sequence[Html]) -> Html:
    first, *others = cells
    return tag(
        "tr", tag("th", first, scope="row"), *(tag("td", cell) for cell in others)
    )
