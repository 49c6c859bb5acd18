"""Largest eigenvalues, estimated well enough to report a condition number."""

import torch
from torch import Tensor

_ITERATIONS = 40


def _start(gram: Tensor) -> Tensor:
    # A fixed vector without symmetries: repeatable, and not orthogonal to the answer.
    count = torch.arange(1, len(gram) + 1).to(gram)
    return torch.cos(count * count)[:, None]


def highest(gram: Tensor) -> float:
    """Estimate the largest eigenvalue from below, by power iteration.

    Args:
        gram: Symmetric positive definite [d, d].
    """
    vector, value = _start(gram), 0.0
    for _ in range(_ITERATIONS):
        vector = gram @ (vector / torch.linalg.norm(vector))
        value = float(torch.linalg.norm(vector))
    return value


def highest_inverse(lower: Tensor) -> float:
    """Estimate the inverse's largest eigenvalue from below, by power iteration.

    Args:
        lower: Cholesky factor [d, d].
    """
    vector, value = _start(lower), 0.0
    for _ in range(_ITERATIONS):
        unit = vector / torch.linalg.norm(vector)
        # Two triangular solves of one column cost a sixth of cholesky_solve.
        half = torch.linalg.solve_triangular(lower, unit, upper=False)
        vector = torch.linalg.solve_triangular(lower.mT, half, upper=True)
        value = float(torch.linalg.norm(vector))
    return value
