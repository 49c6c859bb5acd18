"""Rows of many edits, read from an encoder in one pass."""

from collections.abc import Callable, Sequence
from itertools import chain

import torch
from torch import Tensor

from governance.engine.text.protocols import Place


def means(
    read: Callable[[Sequence[Place]], Tensor], groups: Sequence[Sequence[Place]]
) -> Tensor:
    """Return the mean row of every group of places, each place read once.

    Args:
        read: Places to rows [m, d].
        groups: Places of each group, none of them empty.

    Returns:
        [n, d], float64; a group's rows are summed in its own order.
    """
    places = list(dict.fromkeys(chain.from_iterable(groups)))
    rows = read(places)
    found = dict(zip(places, rows.to(torch.float64), strict=True))
    parts = [torch.stack([found[p] for p in group]).mean(dim=0) for group in groups]
    if not parts:
        return torch.empty((0, rows.shape[1]), dtype=torch.float64)
    return torch.stack(parts)
