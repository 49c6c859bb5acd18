"""Make frozen records quickly: folding a ledger does little else."""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import fields
from itertools import repeat
from operator import attrgetter, call
from typing import Any, NamedTuple, TypeVar

Record = TypeVar("Record")


class _Plan(NamedTuple):
    """How to read all fields of a kind at once, and how to set each of them."""

    read: Callable[[Any], tuple[object, ...]]
    places: dict[str, int]
    setters: tuple[Callable[[Any, object], None], ...]
    check: Callable[[Any], None] | None


# Takes what an iterator yields and forgets it: a loop in C.
_run_through = deque[object](maxlen=0).extend
_PLANS: dict[type[Any], _Plan] = {}


def _planned(kind: type[Any]) -> _Plan:
    names = [item.name for item in fields(kind)]
    _PLANS[kind] = _Plan(
        attrgetter(*names),
        {name: at for at, name in enumerate(names)},
        tuple(getattr(kind, name).__set__ for name in names),
        getattr(kind, "__post_init__", None),
    )
    return _PLANS[kind]


def made(kind: type[Record], values: Sequence[object]) -> Record:
    """Return a record of values that somebody else has checked.

    Args:
        kind: A frozen dataclass with slots; what it does after its making is left out.
        values: One for each field, in their order.
    """
    plan = _PLANS.get(kind) or _planned(kind)
    record = object.__new__(kind)
    _run_through(map(call, plan.setters, repeat(record), values))
    return record


def evolve(record: Record, **new: object) -> Record:
    """Return a record with some fields replaced.

    What :func:`dataclasses.replace` does, in half of its time. For records with slots,
    of two fields or more.

    Args:
        record: A dataclass instance.
        new: Fields to replace.

    Raises:
        TypeError: A name is no field's.
    """
    kind: type[Record] = type(record)
    plan = _PLANS.get(kind) or _planned(kind)
    values = list(plan.read(record))
    places = plan.places
    for name, value in new.items():
        if name not in places:
            message = f"{kind.__name__} has no field {name!r}"
            raise TypeError(message)
        values[places[name]] = value
    changed = object.__new__(kind)
    _run_through(map(call, plan.setters, repeat(changed), values))
    if plan.check is not None:
        plan.check(changed)
    return changed
