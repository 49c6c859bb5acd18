"""What a JSON document may hold: its very keys, each of one type.

A key that nobody knows is a place to say what nobody checks, so none is passed over.
"""

import math
import re
from collections.abc import Callable, Mapping
from typing import TypeAlias

from governance.canonical import JSON
from governance.errors import IntegrityError
from governance.text import safe

# (value, where it stands); raises an IntegrityError where it is not of that shape
Shape: TypeAlias = Callable[[JSON, str], None]

_TIME = re.compile(
    r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|\+00:00)", re.ASCII
)
_DIGEST = re.compile(r"[0-9a-f]{64}", re.ASCII)


def anything(value: JSON, place: str) -> None:
    """Take any value: something else compares it."""
    del value, place


def text(value: JSON, place: str) -> None:
    """Take text."""
    if not isinstance(value, str):
        raise _odd(place, "text", value)


def time(value: JSON, place: str) -> None:
    """Take a time, RFC 3339 UTC."""
    if not isinstance(value, str) or not _TIME.fullmatch(value):
        raise _odd(place, "a time, RFC 3339 UTC", value)


def digest(value: JSON, place: str) -> None:
    """Take a SHA-256 in hex."""
    if not isinstance(value, str) or not _DIGEST.fullmatch(value):
        raise _odd(place, "64 hex digits", value)


def count(value: JSON, place: str) -> None:
    """Take a whole number from 0 on."""
    if type(value) is not int or value < 0:
        raise _odd(place, "a whole number", value)


def number(value: JSON, place: str) -> None:
    """Take a finite number."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _odd(place, "a number", value)
    if isinstance(value, float) and not math.isfinite(value):
        raise _odd(place, "a finite number", value)


def false(value: JSON, place: str) -> None:
    """Take false."""
    if value is not False:
        raise _odd(place, "false", value)


def empty(value: JSON, place: str) -> None:
    """Take an empty list."""
    if not isinstance(value, list) or value:
        raise _odd(place, "an empty list", value)


def word(wanted: str) -> Shape:
    """Take one text."""

    def check(value: JSON, place: str) -> None:
        if value != wanted:
            raise _odd(place, repr(wanted), value)

    return check


def nullable(shape: Shape) -> Shape:
    """Take null too."""

    def check(value: JSON, place: str) -> None:
        if value is not None:
            shape(value, place)

    return check


def many(shape: Shape) -> Shape:
    """Take a list of one shape."""

    def check(value: JSON, place: str) -> None:
        if not isinstance(value, list):
            raise _odd(place, "a list", value)
        for position, item in enumerate(value):
            shape(item, f"{place}[{position}]")

    return check


def table(shape: Shape) -> Shape:
    """Take an object of any keys, with values of one shape."""

    def check(value: JSON, place: str) -> None:
        if not isinstance(value, Mapping):
            raise _odd(place, "an object", value)
        for key, item in value.items():
            shape(item, f"{place}.{key}")

    return check


def keyed(
    shapes: Mapping[str, Shape], optional: Mapping[str, Shape] | None = None
) -> Shape:
    """Take an object of exactly these keys.

    Args:
        shapes: Key to what stands there.
        optional: Keys that may be missing.
    """
    known = {**shapes, **(optional or {})}

    def check(value: JSON, place: str) -> None:
        if not isinstance(value, Mapping):
            raise _odd(place, "an object", value)
        for key in sorted(shapes.keys() - value.keys()):
            raise IntegrityError(f"{_at(place, key)} is missing")
        for key in sorted(value.keys() - known.keys()):
            raise IntegrityError(f"{_at(place, key)} is a key that no export has")
        for key, item in value.items():
            known[key](item, f"{place}.{key}" if place else key)

    return check


def _at(place: str, key: str) -> str:
    return safe(f"{place}.{key}" if place else key, 200)


def _odd(place: str, expected: str, found: JSON) -> IntegrityError:
    shown = safe(repr(found), 80)
    where = safe(place, 200) or "the document"
    return IntegrityError(f"{where}: expected {expected}, found {shown}")
