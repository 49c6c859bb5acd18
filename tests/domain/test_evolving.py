"""Changing a few fields of a frozen record."""

from dataclasses import dataclass, replace

import pytest

from governance.domain.evolving import evolve
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
