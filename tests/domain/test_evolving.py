"""Changing a few fields of a frozen record."""

from dataclasses import dataclass, fields, replace

import pytest

from governance.domain.evolving import evolve, made, made_of
from governance.domain.state import WorkspaceState


@dataclass(frozen=True, slots=True)
class Checked:
    """Refuses a negative count, and holds a default."""

    name: str
    count: int = 0

    def __post_init__(self) -> None:
        """Refuse what is below zero."""
        if self.count < 0:
            raise ValueError(self.name)


def test_what_is_not_named_stays_and_the_old_record_too() -> None:
    old = WorkspaceState(origin="a", size=1)
    assert evolve(old, size=2) == replace(old, size=2)
    assert old.size == 1


def test_a_new_record_is_checked_like_any() -> None:
    with pytest.raises(ValueError, match="apple"):
        evolve(Checked("apple"), count=-1)


def test_a_name_that_is_no_field_is_refused() -> None:
    with pytest.raises(TypeError, match="weight"):
        evolve(Checked("apple"), weight=1)


@dataclass(frozen=True, slots=True)
class Crowded:
    """Has fields called as what makes it calls things."""

    kind: str
    record: int
    names: str
    old: str
    values: str
    found: str


CROWDED = Crowded("a", 1, "b", "c", "d", "e")


def test_a_record_is_made_of_values_and_of_names_as_by_its_own_way() -> None:
    assert made(Crowded, ("a", 1, "b", "c", "d", "e")) == CROWDED
    by_name = {item.name: getattr(CROWDED, item.name) for item in fields(CROWDED)}
    assert made_of(Crowded, {**by_name, "more": 1}) == CROWDED
    assert made(Checked, ("apple", -1)).count == -1, "it was checked elsewhere"
    assert made(Checked, ("apple", -1)) == made_of(
        Checked, {"name": "apple", "count": -1}
    )
    assert evolve(CROWDED, old="z") == replace(CROWDED, old="z")


def test_too_few_values_make_no_record() -> None:
    with pytest.raises(ValueError, match="unpack"):
        made(Checked, ("apple",))
    with pytest.raises(KeyError):
        made_of(Checked, {"name": "apple"})
