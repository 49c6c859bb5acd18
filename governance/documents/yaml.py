"""Read YAML strictly: one meaning per document, or none.

The parser's events are used, never its constructors: no aliases (bombs, hidden
sharing), no tags (objects), no duplicate keys (the last one wins silently
otherwise), no guessing of types.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import yaml
from yaml import events

from governance.documents.nodes import Listing, Node, Scalar, Table
from governance.documents.secret import KEY_FOUND, KEY_HINT, holds_key
from governance.errors import NotFoundError, RequestError
from governance.text import safe

MAX_BYTES = 4 * 1024 * 1024
MAX_DEPTH = 24
_LOADER = yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader


def read_documents(path: Path, max_bytes: int = MAX_BYTES) -> tuple[Node, ...]:
    """Read every document of a YAML file.

    Args:
        path: The file.
        max_bytes: Largest file that is read.

    Returns:
        One node per document, at least one.

    Raises:
        NotFoundError: There is no such file.
        RequestError: It is unreadable, too large, not UTF-8, or not strict YAML.
    """
    return parse_documents(_decoded(path, max_bytes), path.name)


def parse_documents(text: str, file: str) -> tuple[Node, ...]:
    """Parse YAML text.

    Args:
        text: The text.
        file: Its name, for messages.

    Returns:
        One node per document, at least one.

    Raises:
        RequestError: The text is not strict YAML.
    """
    try:
        documents = tuple(_Builder(text, file).documents())
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise RequestError(
            f"not valid YAML: {safe(error.problem or 'cannot be parsed', 200)}",
            "Correct the line; check indentation, quotes and brackets.",
            file=safe(file, 200),
            line=mark.line + 1 if mark else None,
        ) from None
    except yaml.YAMLError as error:
        raise RequestError(
            f"not valid YAML: {safe(str(error).splitlines()[0], 200)}",
            "Remove control characters; save the file as UTF-8 text.",
            file=safe(file, 200),
        ) from None
    if not documents:
        raise RequestError(
            "expected a YAML document, found an empty file",
            "Start from an example in the README.",
            file=safe(file, 200),
        )
    return documents


def _decoded(path: Path, max_bytes: int) -> str:
    name = safe(path.name, 200)
    try:
        with path.open("rb") as stream:
            data = stream.read(max_bytes + 1)
    except FileNotFoundError:
        raise NotFoundError(
            f"{safe(str(path), 300)}: no such file", "Check the path."
        ) from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise RequestError(
            f"cannot be read: {reason}", "Name a readable YAML file.", file=name
        ) from None
    if len(data) > max_bytes:
        raise RequestError(
            f"expected at most {max_bytes:,} bytes, found more",
            "Move long lists to a concepts_file or preserve_file.",
            file=name,
        )
    if holds_key(data):
        raise RequestError(
            f"expected a YAML document, {KEY_FOUND}", KEY_HINT, file=name
        )
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise RequestError(
            f"expected UTF-8 text, found byte 0x{data[error.start]:02x} "
            f"at offset {error.start}",
            "Save the file as UTF-8.",
            file=name,
            line=data.count(b"\n", 0, error.start) + 1,
        ) from None


class _Builder:
    """Builds nodes from parser events.

    Args:
        text: YAML text.
        file: Its name, for messages.
    """

    def __init__(self, text: str, file: str) -> None:
        self._events = yaml.parse(text, Loader=_LOADER)
        self._file = safe(file, 200)

    def documents(self) -> Iterator[Node]:
        for event in self._events:
            if isinstance(event, events.DocumentStartEvent):
                yield self._node(self._next(), 1)

    def _next(self) -> events.Event:
        return next(self._events)

    def _node(self, event: events.Event, depth: int) -> Node:
        self._check(event, depth)
        line = _line(event)
        if isinstance(event, events.MappingStartEvent):
            return Table(self._entries(depth), line)
        if isinstance(event, events.SequenceStartEvent):
            return Listing(tuple(self._items(depth)), line)
        written = event.value if isinstance(event, events.ScalarEvent) else ""
        style = event.style if isinstance(event, events.ScalarEvent) else None
        return Scalar(written, plain=not style, line=line)

    def _items(self, depth: int) -> Iterator[Node]:
        while not isinstance(event := self._next(), events.SequenceEndEvent):
            yield self._node(event, depth + 1)

    def _entries(self, depth: int) -> dict[str, Node]:
        found: dict[str, Node] = {}
        while not isinstance(event := self._next(), events.MappingEndEvent):
            key = self._node(event, depth + 1)
            if not isinstance(key, Scalar):
                self._refuse(event, "expected a word as key", "Write `name: value`.")
            if key.written in found:
                self._refuse(
                    event,
                    f"duplicate key `{safe(key.written, 80)}`, "
                    f"first on line {found[key.written].line}",
                    "Remove one of them: YAML would silently keep the last.",
                )
            found[key.written] = self._node(self._next(), depth + 1)
        return found

    def _check(self, event: events.Event, depth: int) -> None:
        if depth > MAX_DEPTH:
            self._refuse(
                event,
                f"expected at most {MAX_DEPTH} levels of nesting, found more",
                "Flatten the document.",
            )
        if isinstance(event, events.AliasEvent) or getattr(event, "anchor", None):
            self._refuse(
                event,
                "YAML anchors and aliases are refused",
                "Write the value out in each place.",
            )
        if getattr(event, "tag", None):
            self._refuse(event, "YAML tags are refused", "Remove the `!tag`.")

    def _refuse(self, event: events.Event, message: str, hint: str) -> NoReturn:
        raise RequestError(message, hint, file=self._file, line=_line(event))


def _line(event: events.Event) -> int | None:
    return event.start_mark.line + 1 if event.start_mark else None
