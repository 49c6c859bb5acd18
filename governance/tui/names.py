"""Weights have long names that differ in the middle: say the rest once."""

from collections.abc import Sequence
from itertools import takewhile

_JOINTS = "./:"


def shared_ends(names: Sequence[str]) -> tuple[str, str]:
    """Return what all names begin and end with, cut at a joint.

    Args:
        names: At least two names, or there is nothing to share.
    """
    if len(names) < 2:
        return "", ""
    start = _common(names)
    start = start[: max(start.rfind(joint) for joint in _JOINTS) + 1]
    rest = [name[len(start) :] for name in names]
    end = _common([name[::-1] for name in rest])[::-1]
    places = [place for joint in _JOINTS if (place := end.find(joint)) >= 0]
    return start, end[min(places) :] if places else ""


def without_ends(name: str, ends: tuple[str, str]) -> str:
    """Return what is left of a name."""
    return name.removeprefix(ends[0]).removesuffix(ends[1])


def _common(names: Sequence[str]) -> str:
    # What the first and the last in order share, all between them share too.
    pairs = zip(min(names), max(names), strict=False)
    return "".join(a for a, _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
