"""Concepts in batches that fit the device, whatever its memory."""

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

import torch

from governance.errors import EngineError

T = TypeVar("T")
R = TypeVar("R")


def in_batches(
    items: Sequence[T],
    size: int,
    run: Callable[[Sequence[T]], R],
    on_smaller: Callable[[int], None] | None = None,
) -> Iterator[tuple[Sequence[T], R]]:
    """Run items a batch at a time; where memory runs out, in smaller batches.

    Args:
        items: What is to be done; items do not depend on each other.
        size: Items in a batch, at first.
        run: Does one batch.
        on_smaller: Told the new size whenever memory ran out.

    Yields:
        Each batch and its result.

    Raises:
        EngineError: Not even one item fits.
    """
    done = 0
    while done < len(items):
        some = items[done : done + size]
        try:
            result = run(some)
        except torch.OutOfMemoryError as error:
            if len(some) == 1:
                raise EngineError(
                    "the device has too little memory for one concept at a time",
                    "Use another device with --device, such as cpu.",
                ) from error
            size = len(some) // 2
            torch.cuda.empty_cache()  # does nothing where there is no CUDA
            if on_smaller is not None:
                on_smaller(size)
            continue
        yield some, result
        done += len(some)
