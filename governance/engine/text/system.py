"""One layer: soft rows (EMCID) and hard rows (ReFACT), solved together.

With unit prior C0 [d, d], soft rows K (weights S, residuals R = targets - W K) and hard
rows of mean keys K_h whose residuals R_h must be met exactly at the bare keys K_0:

    M   = C0 + K S K^T
    D_s = R S K^T M^-1                                   (MEMIT, arXiv:2210.07229, eq. 14)
    U   = M^-1 K_h
    D   = D_s + (R_h - D_s K_0) (U^T K_0)^-1 U^T

Without soft rows and with one hard row this is ReFACT's insertion (arXiv:2306.00738;
ROME, arXiv:2202.05262, eq. 2), with K_h = K_0 the constrained optimum. It is a function
of the set of rows: their order changes nothing but rounding.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from governance.engine.solver import WORST_CONDITION, WORST_RESIDUAL
from governance.engine.text.spectrum import highest, highest_inverse
from governance.errors import EngineError

LEAST_ANGLE = 1e-6
"""Smallest singular value of U^T K_0, in units of its rows' and columns' own lengths."""


@dataclass(frozen=True)
class LayerRows:
    """Rows of all edits at one layer, as rows of matrices, float64.

    Args:
        keys: Soft keys K^T [n, d].
        weights: Diagonal of S [n].
        hard: Mean keys K_h^T [m, d].
        bare: Keys K_0^T [m, d] at which the constraints hold.
        names: How messages name each hard row.
    """

    keys: Tensor
    weights: Tensor
    hard: Tensor
    bare: Tensor
    names: Sequence[str]


@dataclass(frozen=True)
class LayerSystem:
    """The solved layer: D = up . down for whatever residuals a weight has.

    Args:
        down: [n + m, d], soft rows first.
        cross: D_s K_0 by soft residuals, [m, n].
        condition: Condition number of M in the 2-norm, estimated from below.
        residual: Relative residual of the linear solve itself.
    """

    down: Tensor
    cross: Tensor
    condition: float
    residual: float

    def factors(self, soft: Tensor, hard: Tensor) -> tuple[Tensor, Tensor]:
        """Return up [d_out, r] and down [r, d] with D = up . down.

        Args:
            soft: Residuals R^T [n, d_out] of the soft rows.
            hard: Residuals R_h^T [m, d_out] of the hard rows.
        """
        up = torch.cat([soft, hard - self.cross @ soft]).T.contiguous()
        width = self.down.shape[1]
        if len(self.down) <= width:
            return up, self.down
        return up @ self.down, torch.eye(width, dtype=up.dtype, device=up.device)


def solve_layer(prior: Tensor, rows: LayerRows, place: str) -> LayerSystem:
    """Solve one layer by one Cholesky factorisation.

    Args:
        prior: C0 [d, d], float64, symmetric positive definite.
        rows: The rows of all edits there, in canonical order.
        place: How messages name the layer.

    Returns:
        The system; its change is zero where every residual is.

    Raises:
        EngineError: The system is ill-conditioned, was not solved accurately, or two
            hard rows cannot both be met.
    """
    gram = torch.addmm(prior, rows.keys.T * rows.weights, rows.keys)
    right = torch.cat([rows.keys * rows.weights[:, None], rows.hard, rows.bare]).T
    lower = _cholesky(gram, place)
    found = torch.cholesky_solve(right, lower)
    error = _relative(gram @ found - right, right)
    condition = highest(gram) * highest_inverse(lower)
    _check(condition, error, place)
    counts = [len(rows.keys), len(rows.hard), len(rows.bare)]
    soft, hard, bare = torch.split(found.T, counts)
    if len(rows.hard):
        meet = hard @ rows.bare.T  # (U^T K_0), [key, bare]
        lengths = _lengths(hard, rows.hard)[:, None] * _lengths(bare, rows.bare)
        _check_apart(meet / lengths, rows.names, place)
        hard = torch.linalg.solve(meet, hard)
    return LayerSystem(
        down=torch.cat([soft, hard]).contiguous(),
        cross=rows.bare @ soft.T,
        condition=condition,
        residual=error,
    )


def check_prior(prior: Tensor, name: str) -> None:
    """Refuse a prior that no layer could be solved against, as solving judges it.

    Args:
        prior: C0 [d, d], float64, symmetric.
        name: What to call it in messages.

    Raises:
        EngineError: It has not full rank in float64, or is too ill-conditioned.
    """
    lower, failed = torch.linalg.cholesky_ex(prior)
    condition = math.inf if int(failed) else highest(prior) * highest_inverse(lower)
    if condition <= WORST_CONDITION:
        return
    rank = int(torch.linalg.matrix_rank(prior, hermitian=True))
    raise EngineError(
        f"{name} has rank {rank} of {len(prior)} and condition {condition:.1e} in "
        f"float64; expected full rank and a condition of at most {WORST_CONDITION:.0e}",
        "Compute statistics from more captions, of more different words.",
    )


def _lengths(inverse: Tensor, rows: Tensor) -> Tensor:
    """Return the length of every row in the metric M^-1."""
    return (inverse * rows).sum(dim=1).sqrt()


def _cholesky(gram: Tensor, place: str) -> Tensor:
    lower: Tensor
    lower, failed = torch.linalg.cholesky_ex(gram)
    if int(failed):
        raise EngineError(
            f"the system of {place} is not positive definite in floating point",
            "Compute statistics from more captions: the covariance must have full "
            "rank.",
        )
    return lower


def _check(condition: float, error: float, place: str) -> None:
    if not condition <= WORST_CONDITION:
        raise EngineError(
            f"the system of {place} has condition {condition:.1e}; expected at most "
            f"{WORST_CONDITION:.0e}",
            "Compute statistics from more captions, or raise lambda.",
        )
    limit = WORST_RESIDUAL[torch.float64]
    if not error <= limit:
        raise EngineError(
            f"the system of {place} was solved to a residual of {error:.1e}; expected "
            f"at most {limit:.0e}",
            "Compute statistics from more captions, or raise lambda.",
        )


def _check_apart(cosines: Tensor, names: Sequence[str], place: str) -> None:
    _, values, right = torch.linalg.svd(cosines)
    if float(values[-1]) >= LEAST_ANGLE:
        return
    # The bare keys that cancel each other in the direction nothing can be written to.
    shares = right[-1].abs()
    worst = torch.argsort(shares, descending=True, stable=True)[:2].tolist()
    guilty = sorted(i for i in worst if float(shares[i]) > 0.1)
    if len(guilty) == 1:
        raise EngineError(
            f"{names[guilty[0]]} cannot be inserted at {place}: its key over the "
            "templates does not meet that of the bare phrase",
            "Use templates nearer to the bare phrase.",
        )
    one, other = (names[i] for i in guilty)
    raise EngineError(
        f"{one} and {other} cannot both be inserted at {place}: the model reads "
        "the same key for both",
        "Keep one of the two edits, or edit at another layer.",
    )


def _relative(error: Tensor, whole: Tensor) -> float:
    size = float(torch.linalg.norm(whole))
    return float(torch.linalg.norm(error)) / size if size else 0.0
