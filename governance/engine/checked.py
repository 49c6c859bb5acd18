"""Single parameter values, validated where they come in."""

from collections.abc import Callable

from governance.canonical import JSON
from governance.errors import RequestError

LONGEST = 300
"""Longest template, in characters."""


def refuse(field: str, expected: str, found: object) -> RequestError:
    """Build the error for one wrong field.

    Args:
        field: Dotted path of the field in the request.
        expected: What would have been right.
        found: What was found; shown cut to a line.
    """
    shown = ascii(found)[:60]
    return RequestError(
        f"{field} is wrong: expected {expected}, found {shown}",
        "Correct the field and try again.",
        field=field,
    )


def number(low: float, high: float, *, open_low: bool = False) -> Callable[..., float]:
    """Return a check for a finite number between two bounds.

    Args:
        low: Smallest allowed value.
        high: Largest allowed value.
        open_low: Whether ``low`` itself is refused.
    """
    sign = "above" if open_low else "of at least"
    expected = f"a number {sign} {low:g} and at most {high:g}"

    def check(field: str, value: JSON) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise refuse(field, expected, value)
        if not low <= value <= high:  # false for NaN too
            raise refuse(field, expected, value)
        if open_low and value == low:
            raise refuse(field, expected, value)
        return float(value)

    return check


def whole(low: int, high: int) -> Callable[..., int]:
    """Return a check for a whole number between two bounds, both included."""
    expected = f"a whole number from {low} to {high}"

    def check(field: str, value: JSON) -> int:
        if isinstance(value, bool) or not isinstance(value, int):
            raise refuse(field, expected, value)
        if not low <= value <= high:
            raise refuse(field, expected, value)
        return value

    return check


def choice(*allowed: str) -> Callable[..., str]:
    """Return a check for one of a few words."""
    expected = " or ".join(allowed)

    def check(field: str, value: JSON) -> str:
        if not isinstance(value, str) or value not in allowed:
            raise refuse(field, expected, value)
        return value

    return check


def projections(field: str, value: JSON) -> tuple[str, ...]:
    """Check which projections an edit touches: [k, v] or [v]."""
    if not isinstance(value, list | tuple) or list(value) not in (["k", "v"], ["v"]):
        raise refuse(field, "[k, v] or [v]", value)
    return tuple(str(item) for item in value)


def templates(field: str, value: JSON) -> tuple[str, ...]:
    """Check a list of templates, each holding ``{}`` exactly once."""
    expected = "a list of 1 to 100 texts, each holding {} once"
    if not isinstance(value, list | tuple) or not 1 <= len(value) <= 100:
        raise refuse(field, expected, value)
    for item in value:
        sound = isinstance(item, str) and len(item) <= LONGEST and item.isprintable()
        if not sound or str(item).count("{}") != 1:
            raise refuse(field, expected, item)
    if len(set(map(str, value))) != len(value):
        raise refuse(field, "every template once", value)
    return tuple(str(item) for item in value)
