"""The one closed form, solved once for every matrix that reads the same rows.

For W [d_out, d], keys k_i that shall be read as c*_i with weight s_i, and preserved
rows p_j with weight t_j, the weights W' that minimise

    sum_i s_i |W' k_i - W c*_i|^2 + sum_j t_j |W' p_j - W p_j|^2 + |W' - W|^2

(UCE, arXiv:2308.14761, eq. 7; TIME, arXiv:2303.08084, eq. 2; both divided by their
lambda) are W' = W (I + X) with one X for all of them:

    X = (C* - K) S K^T G^-1,   G = I + K S K^T + P T P^T
"""

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor

from governance.errors import EngineError

WORST_CONDITION = 1e12
WORST_RESIDUAL = {torch.float64: 1e-8, torch.float32: 1e-2}
_ITERATIONS = 40


@dataclass(frozen=True)
class Multiplier:
    """X, as factors where it has fewer edit rows than width, else dense.

    Args:
        left: (C* - K) [d, n], or X itself [d, d] where ``down`` is None.
        down: S K^T G^-1 [n, d], or None.
        condition: Condition number of G, in the 2-norm, estimated from below.
        residual: Relative residual of the linear solve itself.
    """

    left: Tensor
    down: Tensor | None
    condition: float
    residual: float

    @property
    def rank(self) -> int:
        """Return the largest rank the change can have."""
        return int(self.left.shape[1])

    def change(self, rows: Tensor) -> Tensor:
        """Return X r for every row r.

        Args:
            rows: [m, d].

        Returns:
            [m, d].
        """
        if self.down is None:
            return rows @ self.left.T
        return (rows @ self.down.T) @ self.left.T

    def factors(self, weight: Tensor) -> tuple[Tensor, Tensor]:
        """Return up [d_out, r] and down [r, d] with W' = W + up . down.

        Args:
            weight: W [d_out, d], in the multiplier's dtype.
        """
        if self.down is None:
            return self.up(weight), torch.eye(self.rank).to(self.left)
        return self.up(weight), self.down

    def up(self, weight: Tensor) -> Tensor:
        """Return W left [d_out, r].

        Args:
            weight: W [d_out, d], in the multiplier's dtype.
        """
        if self.down is None:
            return weight @ self.left
        # A thin product is faster as the transpose of its transpose.
        return (self.left.T @ weight.T).T

    def delta(self, weight: Tensor) -> Tensor:
        """Return W X [d_out, d], the change of one matrix.

        Args:
            weight: W [d_out, d], in the multiplier's dtype.
        """
        up = self.up(weight)
        return up if self.down is None else up @ self.down


@dataclass(frozen=True)
class EditRows:
    """Edit rows of all edits of one system.

    Args:
        keys: K^T [n, d].
        targets: C*^T [n, d].
        weights: Diagonal of S [n].
    """

    keys: Tensor
    targets: Tensor
    weights: Tensor


Chunks = Iterable[tuple[Tensor, Tensor]]


def solve(rows: EditRows, preserve: Chunks, preserve_count: int) -> Multiplier:
    """Find the shared multiplier by one Cholesky factorisation.

    Args:
        rows: Edit rows, in canonical order.
        preserve: Rows [m, d] and their weights [m], a chunk at a time.
        preserve_count: How many preserve rows there are in all.

    Returns:
        The multiplier; its change is zero where every target equals its key.

    Raises:
        EngineError: The system is ill-conditioned or was not solved accurately.
    """
    active = (rows.keys != rows.targets).any(dim=1)
    edited = EditRows(rows.keys[active], rows.targets[active], rows.weights[active])
    still = (rows.keys[~active], rows.weights[~active])
    width = rows.keys.shape[1]
    if len(rows.keys) + preserve_count < width:
        return _solve_by_rows(edited, [still, *preserve])
    return _solve_by_columns(edited, [still], preserve)


def _solve_by_rows(edited: EditRows, others: Chunks) -> Multiplier:
    """Solve in the space of rows: S A (I + A^T S A)^-1 = (S^-1 + A A^T)^-1 A."""
    parts = [(edited.keys, edited.weights), *others]
    roots = torch.cat([weights for _, weights in parts]).sqrt()
    scaled = torch.cat([keys for keys, _ in parts]) * roots[:, None]
    gram = scaled @ scaled.T
    gram.diagonal().add_(1)
    solution = torch.cholesky_solve(scaled, _cholesky(gram))
    count = len(edited.keys)
    return _checked(
        Multiplier(
            left=(edited.targets - edited.keys).T,
            down=roots[:count, None] * solution[:count],
            # With fewer rows than columns, the smallest eigenvalue of G is its ridge.
            condition=_highest(gram),
            residual=_relative(gram @ solution - scaled, scaled),
        )
    )


def _solve_by_columns(edited: EditRows, still: Chunks, preserve: Chunks) -> Multiplier:
    """Solve in the space of columns, forming G [d, d] a chunk at a time."""
    width = edited.keys.shape[1]
    gram = torch.eye(width).to(edited.keys)
    for keys, weights in ((edited.keys, edited.weights), *still):
        gram.addmm_(keys.T * weights, keys)
    for keys, weights in preserve:
        gram.addmm_(keys.T * weights, keys)
    weighted = edited.keys.T * edited.weights
    gaps = edited.targets - edited.keys
    factored = len(edited.keys) < width
    right = weighted if factored else weighted @ gaps
    lower = _cholesky(gram)
    solution = torch.cholesky_solve(right, lower)
    found = solution.T.contiguous()
    return _checked(
        Multiplier(
            left=gaps.T if factored else found,
            down=found if factored else None,
            condition=_highest(gram) * _highest_inverse(lower),
            residual=_relative(gram @ solution - right, right),
        )
    )


def _cholesky(gram: Tensor) -> Tensor:
    lower: Tensor
    lower, failed = torch.linalg.cholesky_ex(gram)
    if int(failed):
        raise EngineError(
            "the joint system of all edits is not positive definite in floating point",
            "Raise lambda, or edit fewer concepts at once.",
        )
    return lower


def _checked(found: Multiplier) -> Multiplier:
    limit = WORST_RESIDUAL[found.left.dtype]
    if not found.condition <= WORST_CONDITION:
        raise EngineError(
            f"the joint system of all edits has condition {found.condition:.1e}; "
            f"expected at most {WORST_CONDITION:.0e}",
            "Raise lambda, or edit fewer concepts at once.",
        )
    if not found.residual <= limit:
        raise EngineError(
            f"the joint system was solved to a residual of {found.residual:.1e}; "
            f"expected at most {limit:.0e}",
            "Raise lambda, or use precision mixed.",
        )
    return found


def _relative(error: Tensor, whole: Tensor) -> float:
    size = float(torch.linalg.norm(whole))
    return float(torch.linalg.norm(error)) / size if size else 0.0


def _start(gram: Tensor) -> Tensor:
    # A fixed vector without symmetries, so that the estimate is repeatable and does
    # not start orthogonal to what it looks for.
    count = torch.arange(1, len(gram) + 1).to(gram)
    return torch.cos(count * count)[:, None]


def _highest(gram: Tensor) -> float:
    """Estimate the largest eigenvalue from below, by power iteration."""
    vector = _start(gram)
    value = 0.0
    for _ in range(_ITERATIONS):
        vector = gram @ (vector / torch.linalg.norm(vector))
        value = float(torch.linalg.norm(vector))
    return value


def _highest_inverse(lower: Tensor) -> float:
    """Estimate the inverse's largest eigenvalue from below, by power iteration."""
    vector = _start(lower)
    value = 0.0
    for _ in range(_ITERATIONS):
        vector = torch.cholesky_solve(vector / torch.linalg.norm(vector), lower)
        value = float(torch.linalg.norm(vector))
    return value
