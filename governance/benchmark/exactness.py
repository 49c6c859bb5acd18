"""How exact new weights are, and what they do, from the weights alone."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from governance.benchmark.published import Inputs


@dataclass(frozen=True)
class Effect:
    """What some edited matrices do.

    Args:
        residual: Distance of all edit rows to their targets over what it was.
        drift: Change of what should stay over its size.
    """

    residual: float
    drift: float


def reference(W: Tensor, given: Inputs) -> Tensor:
    """Edit one matrix in float64, all sums as products and no inverse.

    Args:
        W: [d_out, d].
        given: The texts.

    Returns:
        W' [d_out, d] = (lambda W + V S K^T)(lambda I + K S K^T)^-1, float64.
    """
    old = W.double()
    keys = torch.cat([c.keys for c in given.concepts]).double()
    targets = torch.cat([c.targets for c in given.concepts]).double()
    scales = [torch.full((len(c.keys),), c.weight) for c in given.concepts]
    weighted = keys * torch.cat(scales).double()[:, None]
    mat1 = given.ridge * old + (targets @ old.T).T @ weighted
    mat2 = given.ridge * torch.eye(old.shape[1], dtype=torch.float64)
    mat2 += keys.T @ weighted
    found: Tensor = torch.linalg.solve(mat2, mat1, left=False)
    return found


def error(old: Tensor, new: Tensor, exact: Tensor) -> float:
    """Return how far a change of weights is from the exact one, relatively."""
    wanted = exact - old.double()
    size = float(torch.linalg.norm(wanted))
    return float(torch.linalg.norm(new.double() - exact)) / size if size else 0.0


def effect(
    old: Mapping[str, Tensor], new: Mapping[str, Tensor], given: Inputs
) -> Effect:
    """Measure residual and drift over some matrices, in float64.

    Args:
        old: W by key.
        new: W' by key, the same keys.
        given: The texts.
    """
    keys = torch.cat([c.keys for c in given.edits]).double()
    targets = torch.cat([c.targets for c in given.edits]).double()
    kept = [rows.double() for rows in given.measured]
    left = gap = moved = size = 0.0
    for key, before in old.items():
        W, changed = before.double(), new[key].double()
        wanted = targets @ W.T
        left += _energy([keys @ changed.T - wanted])
        gap += _energy([keys @ W.T - wanted])
        moved += _energy(rows @ (changed - W).T for rows in kept)
        size += _energy(rows @ W.T for rows in kept)
    return Effect(
        math.sqrt(left / gap) if gap else 0.0, math.sqrt(moved / size) if size else 0.0
    )


def _energy(parts: Iterable[Tensor]) -> float:
    return sum(float(part.square().sum()) for part in parts)
