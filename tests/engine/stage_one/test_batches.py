"""Concepts in batches, and what happens where memory runs out."""

from collections.abc import Sequence

import pytest
import torch

from governance.engine.stage_one.batches import in_batches
from governance.errors import EngineError, ExitCode


class Device:
    """Holds a few items at once, and no more."""

    def __init__(self, room: int) -> None:
        self.room = room
        self.tried: list[int] = []

    def __call__(self, some: Sequence[int]) -> list[int]:
        self.tried.append(len(some))
        if len(some) > self.room:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return [item * item for item in some]


def test_batches_hold_everything_once_and_in_order() -> None:
    device = Device(9)
    found = list(in_batches(range(10), 4, device))
    assert device.tried == [4, 4, 2]
    assert [r for _, results in found for r in results] == [n * n for n in range(10)]


@pytest.mark.parametrize("room", [1, 2, 3])
def test_too_little_memory_gives_smaller_batches_and_the_same_result(
    room: int,
) -> None:
    told: list[int] = []
    device = Device(room)
    found = list(in_batches(range(10), 8, device, told.append))
    assert [r for _, results in found for r in results] == [n * n for n in range(10)]
    assert told
    assert told == sorted(told, reverse=True)
    assert told[-1] <= room
    # Once it is known how much fits, no more is tried.
    last = max(place for place, size in enumerate(device.tried) if size > room)
    assert set(device.tried[last + 1 :]) <= set(range(1, room + 1))


def test_a_device_that_holds_not_even_one_is_an_engine_error() -> None:
    with pytest.raises(EngineError, match="too little memory for one concept") as error:
        list(in_batches(range(3), 2, Device(0)))
    assert error.value.exit_code is ExitCode.ENGINE
    assert "--device" in (error.value.hint or "")


def test_no_items_are_no_batches() -> None:
    assert list(in_batches([], 4, Device(1))) == []
