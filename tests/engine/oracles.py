"""Plain float64 transcriptions of the published formulas, one vector at a time.

Written from arXiv:2308.14761 (UCE, eq. 7 and 9) and arXiv:2303.08084 (TIME, eq. 2),
without anything of the engine: no shared multiplier, no factors, no Cholesky.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]


def uce(
    W: Matrix,
    edits: Sequence[tuple[Vector, Vector]],
    preserve: Sequence[Vector],
    *,
    ridge: float,
    edit_scale: float = 1.0,
    preserve_scale: float = 1.0,
) -> Matrix:
    """(lambda W + sum s v* k^T + sum t W p p^T)(lambda I + sum s k k^T + sum t p p^T)^-1."""
    width = W.shape[1]
    left = ridge * W
    right = ridge * np.eye(width)
    for key, value_from in edits:
        left = left + edit_scale * np.outer(W @ value_from, key)
        right = right + edit_scale * np.outer(key, key)
    for row in preserve:
        left = left + preserve_scale * np.outer(W @ row, row)
        right = right + preserve_scale * np.outer(row, row)
    return left @ np.linalg.inv(right)


def time(W: Matrix, pairs: Sequence[tuple[Matrix, Matrix]], *, ridge: float) -> Matrix:
    """(lambda W + sum v* c^T)(lambda I + sum c c^T)^-1 over all rows of all prompts."""
    left = ridge * W
    right = ridge * np.eye(W.shape[1])
    for source, destination in pairs:
        for key, value_from in zip(source, destination, strict=True):
            left = left + np.outer(W @ value_from, key)
            right = right + np.outer(key, key)
    return left @ np.linalg.inv(right)
