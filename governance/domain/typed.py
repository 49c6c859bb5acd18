"""Are an entry's fields of the types that its event has? Asked once, for every fold."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields

from governance.domain.event import Document, Event


def _text(value: object) -> bool:
    return type(value) is str


def _text_or_none(value: object) -> bool:
    return value is None or type(value) is str


def _whole(value: object) -> bool:
    return type(value) is int


def _table(value: object) -> bool:
    return type(value) is dict or isinstance(value, Mapping)


def _texts(value: object) -> bool:
    return isinstance(value, list | tuple) and all(map(_text, value))


def _tables(value: object) -> bool:
    return isinstance(value, list | tuple) and all(map(_table, value))


def _table_of_tables(value: object) -> bool:
    return isinstance(value, Mapping) and all(map(_table, value.values()))


_KINDS: Mapping[object, Callable[[object], bool]] = {
    str: _text,
    str | None: _text_or_none,
    int: _whole,
    Document: _table,
    Sequence[str]: _texts,
    Sequence[Document]: _tables,
    Mapping[str, Document]: _table_of_tables,
}

Types = tuple[tuple[str, Callable[[object], bool]], ...]


def types_of(kind: type[Event]) -> Types:
    """Return an event's fields, each with the test of its type.

    Args:
        kind: The event.

    Raises:
        KeyError: A field has a type that no other event has.
    """
    return tuple((item.name, _KINDS[item.type]) for item in fields(kind))


def mistyped(types: Types, data: Document) -> str | None:
    """Return the name of a field that is not of its type, if one is not.

    Args:
        types: The event's, as of :func:`types_of`.
        data: An entry's data; it has these fields.
    """
    for name, fits in types:
        if not fits(data[name]):
            return name
    return None
