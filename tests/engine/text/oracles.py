"""Plain float64 transcriptions of the published formulas, nothing of the engine in them.

ReFACT's insertion (arXiv:2306.00738, after ROME, arXiv:2202.05262, eq. 2) and stage two
of EMCID (arXiv:2403.13807, after MEMIT, arXiv:2210.07229, algorithm 1).
"""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]
Network = Callable[[Mapping[int, Matrix], str, int], tuple[Vector, Vector, Vector]]
"""Weights, prompt and layer to the fc2 input, the fc2 output with its bias, and the
residual stream after the layer, all at the last subject token."""


def refact(
    W: Matrix, b: Vector, C0: Matrix, key: Vector, bare: Vector, value: Vector
) -> Matrix:
    """(v* - b - W k0) u^T / (k0 . u), u = C0^-1 k."""
    u = np.linalg.inv(C0) @ key
    change: Matrix = np.outer(value - b - W @ bare, u) / (bare @ u)
    return change


def emcid(
    network: Network,
    base: Mapping[int, Matrix],
    layers: Sequence[int],
    prompts: Sequence[Sequence[str]],
    zs: Matrix,
    covariances: Mapping[int, Matrix],
    *,
    ridge: float,
    alpha: float,
    published: bool,
) -> dict[int, Matrix]:
    """Spread each gap over the layers that remain; re-read keys after each layer."""
    weights = dict(base)
    changes: dict[int, Matrix] = {}
    for done, layer in enumerate(layers):
        reads = [[network(weights, text, layer) for text in group] for group in prompts]
        K = np.array(
            [np.mean([key for key, _, _ in group], axis=0) for group in reads]
        ).T
        if published:
            now = [np.mean([out for _, out, _ in group], axis=0) for group in reads]
        else:
            last = layers[-1]
            now = [
                np.mean([network(weights, text, last)[2] for text in group], axis=0)
                for group in prompts
            ]
        R = (zs - np.array(now)).T / (len(layers) - done)
        # As published: covariance and rows both scaled by the edit's weight over 0.5.
        C = ridge * covariances[layer] * (1 - alpha) / 0.5
        K, R = K * (alpha / 0.5) ** 0.5, R * (alpha / 0.5) ** 0.5
        change = R @ np.linalg.inv(C + K @ K.T).T.dot(K).T
        changes[layer] = change
        weights[layer] = base[layer] + change
    return changes
