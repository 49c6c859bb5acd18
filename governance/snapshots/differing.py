"""Where a document says otherwise than it should, in words."""

from collections.abc import Mapping, Sequence

from governance.canonical import JSON
from governance.text import safe

_SHOWN = 80
_Difference = tuple[str, JSON, JSON]


def difference(wanted: JSON, found: JSON, place: str = "") -> str | None:
    """Say where a JSON value is not the one it should be, naming the key.

    Args:
        wanted: What should be there.
        found: What is there; numbers count by value, but no boolean is a number.
        place: What the value is called.

    Returns:
        The first difference; ``None`` where there is none.
    """
    first = _first(wanted, found, place)
    if first is None:
        return None
    where, expected, there = first
    return f"{safe(where, 200)}: expected {_shown(expected)}, found {_shown(there)}"


def _shown(value: JSON) -> str:
    if isinstance(value, _Nothing):
        return "nothing"
    return safe(repr(value), _SHOWN)


class _Nothing(str):
    """What stands where a key is missing."""

    __slots__ = ()


def _first(wanted: JSON, found: JSON, place: str) -> _Difference | None:
    if isinstance(wanted, Mapping) and isinstance(found, Mapping):
        return _in_objects(wanted, found, place)
    if _is_list(wanted) and _is_list(found):
        return _in_lists(wanted, found, place)  # type: ignore[arg-type]
    same = wanted == found and isinstance(wanted, bool) == isinstance(found, bool)
    return None if same else (place, wanted, found)


def _is_list(value: JSON) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str)


def _in_objects(
    wanted: Mapping[str, JSON], found: Mapping[str, JSON], place: str
) -> _Difference | None:
    for key in sorted({*wanted, *found}):
        one, other = wanted.get(key, _Nothing()), found.get(key, _Nothing())
        inside = _first(one, other, f"{place}.{key}" if place else key)
        if inside is not None:
            return inside
        if isinstance(one, _Nothing) != isinstance(other, _Nothing):
            return f"{place}.{key}", one, other
    return None


def _in_lists(
    wanted: Sequence[JSON], found: Sequence[JSON], place: str
) -> _Difference | None:
    for number, (one, other) in enumerate(zip(wanted, found, strict=False)):
        inside = _first(one, other, f"{place}[{number}]")
        if inside is not None:
            return inside
    if len(wanted) != len(found):
        return f"the length of {place}", len(wanted), len(found)
    return None
