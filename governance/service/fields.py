"""JSON values of a known type, or an error that names the field."""

from collections.abc import Mapping, Sequence
from typing import TypeVar

from governance.canonical import JSON
from governance.errors import UsageError

Found = TypeVar("Found")


def _expect(value: object, kind: type[Found], name: str, expected: str) -> Found:
    if not isinstance(value, kind):
        found = type(value).__name__
        raise UsageError(f"{name}: expected {expected}, found {found}")
    return value


def text(document: Mapping[str, JSON], name: str) -> str:
    """Return a text field.

    Raises:
        UsageError: It is missing or no text.
    """
    return _expect(document.get(name), str, name, "a text")


def optional_text(document: Mapping[str, JSON], name: str) -> str | None:
    """Return a text field that may be missing or null.

    Raises:
        UsageError: It is something else than a text.
    """
    return None if document.get(name) is None else text(document, name)


def whole(document: Mapping[str, JSON], name: str) -> int:
    """Return a whole number.

    Raises:
        UsageError: It is missing or no whole number.
    """
    value = document.get(name)
    if isinstance(value, bool):
        raise UsageError(f"{name}: expected a whole number, found bool")
    return _expect(value, int, name, "a whole number")


def number(document: Mapping[str, JSON], name: str) -> float:
    """Return a number.

    Raises:
        UsageError: It is missing or no number.
    """
    value = document.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        found = type(value).__name__
        raise UsageError(f"{name}: expected a number, found {found}")
    return float(value)


def optional_whole(document: Mapping[str, JSON], name: str) -> int | None:
    """Return a whole number that may be missing or null.

    Raises:
        UsageError: It is something else.
    """
    return None if document.get(name) is None else whole(document, name)


def listing(document: Mapping[str, JSON], name: str) -> Sequence[JSON]:
    """Return a list field.

    Raises:
        UsageError: It is missing or no list.
    """
    value = document.get(name)
    if not isinstance(value, list | tuple):
        found = type(value).__name__
        raise UsageError(f"{name}: expected a list, found {found}")
    return value


def texts(document: Mapping[str, JSON], name: str) -> tuple[str, ...]:
    """Return a list of texts.

    Raises:
        UsageError: It is missing or holds something else.
    """
    return tuple(
        _expect(item, str, name, "a list of texts") for item in listing(document, name)
    )


def table(document: Mapping[str, JSON], name: str) -> Mapping[str, JSON]:
    """Return a field that is an object.

    Raises:
        UsageError: It is missing or no object.
    """
    value = document.get(name)
    if not isinstance(value, Mapping):
        found = type(value).__name__
        raise UsageError(f"{name}: expected an object, found {found}")
    return value


def tables(document: Mapping[str, JSON], name: str) -> tuple[Mapping[str, JSON], ...]:
    """Return a list of objects.

    Raises:
        UsageError: It is missing or holds something else.
    """
    found = []
    for item in listing(document, name):
        if not isinstance(item, Mapping):
            kind = type(item).__name__
            raise UsageError(f"{name}: expected a list of objects, found {kind}")
        found.append(item)
    return tuple(found)


def floats(document: Mapping[str, JSON]) -> dict[str, float]:
    """Return an object of numbers, such as seconds per step.

    Raises:
        UsageError: A value is no number.
    """
    return {name: number(document, name) for name in document}
