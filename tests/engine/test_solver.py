"""Theorems about the shared multiplier."""

import pytest
import torch
from torch import Tensor

from governance.engine.solver import EditRows, Multiplier, solve
from governance.errors import EngineError


def random_rows(n: int, d: int, seed: int, weight: float = 2.0) -> EditRows:
    generator = torch.Generator().manual_seed(seed)
    keys = torch.randn(n, d, generator=generator, dtype=torch.float64)
    targets = torch.randn(n, d, generator=generator, dtype=torch.float64)
    return EditRows(keys, targets, torch.full((n,), weight, dtype=torch.float64))


def preserve(
    m: int, d: int, scale: float, seed: int = 9
) -> list[tuple[Tensor, Tensor]]:
    generator = torch.Generator().manual_seed(seed)
    rows = torch.randn(m, d, generator=generator, dtype=torch.float64)
    weights = torch.full((m,), scale, dtype=torch.float64)
    half = m // 2
    return [(rows[:half], weights[:half]), (rows[half:], weights[half:])]


def dense(found: Multiplier) -> Tensor:
    return found.left if found.down is None else found.left @ found.down


def by_definition(rows: EditRows, kept: list[tuple[Tensor, Tensor]]) -> Tensor:
    d = rows.keys.shape[1]
    G = torch.eye(d, dtype=torch.float64)
    right = torch.zeros(d, d, dtype=torch.float64)
    for k, c, s in zip(rows.keys, rows.targets, rows.weights, strict=True):
        G += s * torch.outer(k, k)
        right += s * torch.outer(c - k, k)
    for chunk, weights in kept:
        for p, t in zip(chunk, weights, strict=True):
            G += t * torch.outer(p, p)
    inverse: Tensor = torch.linalg.inv(G)
    return right @ inverse


@pytest.mark.parametrize(
    ("n", "m", "d"), [(1, 0, 6), (3, 2, 17), (3, 40, 17), (30, 4, 17), (17, 5, 17)]
)
def test_every_path_gives_the_multiplier_of_the_definition(
    n: int, m: int, d: int
) -> None:
    rows, kept = random_rows(n, d, seed=n), preserve(m, d, 0.7)
    found = solve(rows, kept, m)
    expected = by_definition(rows, kept)
    error = torch.linalg.norm(dense(found) - expected) / torch.linalg.norm(expected)
    assert float(error) < 1e-12
    assert (found.down is None) == (n >= d)
    assert found.rank == min(n, d)


@pytest.mark.parametrize(("n", "m"), [(2, 1), (2, 60), (25, 3)])
def test_factors_give_the_same_weights_as_the_dense_change(n: int, m: int) -> None:
    d, rows = 11, random_rows(n, 11, seed=3)
    found = solve(rows, preserve(m, d, 1.0), m)
    W = torch.randn(
        7, d, dtype=torch.float64, generator=torch.Generator().manual_seed(5)
    )
    up, down = found.factors(W)
    assert up.shape == (7, min(n, d))
    assert down.shape == (min(n, d), d)
    assert torch.allclose(up @ down, found.delta(W), atol=1e-13)
    assert torch.allclose(found.delta(W), W @ dense(found), atol=1e-13)
    assert torch.allclose(
        found.change(rows.keys), rows.keys @ dense(found).T, atol=1e-12
    )


def test_zero_residual_rows_change_nothing_and_still_protect() -> None:
    d = 9
    rows = random_rows(4, d, seed=1)
    still = EditRows(rows.keys, rows.keys.clone(), rows.weights)
    found = solve(still, [], 0)
    assert found.rank == 0
    assert torch.equal(found.change(rows.keys), torch.zeros_like(rows.keys))

    edit = random_rows(1, d, seed=2)
    both = EditRows(
        torch.cat([edit.keys, rows.keys]),
        torch.cat([edit.targets, rows.keys]),
        torch.cat([edit.weights, rows.weights]),
    )
    alone = solve(edit, [], 0).change(rows.keys)
    beside = solve(both, [], 0).change(rows.keys)
    assert float(beside.norm()) < float(alone.norm())


def test_an_edit_is_met_within_what_the_prior_allows() -> None:
    # One row alone: what is left of its gap is exactly 1/(1 + s|k|^2).
    rows = random_rows(1, 12, seed=4, weight=10.0)
    left = solve(rows, [], 0).change(rows.keys) - (rows.targets - rows.keys)
    share = float(left.norm() / (rows.targets - rows.keys).norm())
    assert share == pytest.approx(1 / (1 + 10 * float(rows.keys.square().sum())))


def test_drift_falls_as_the_preserve_scale_grows() -> None:
    rows, drifts = random_rows(2, 15, seed=6), []
    for scale in (0.0, 0.1, 1.0, 10.0, 100.0):
        kept = preserve(5, 15, scale)
        found = solve(rows, kept, 5)
        moved = sum(float(found.change(chunk).square().sum()) for chunk, _ in kept)
        drifts.append(moved)
    assert drifts == sorted(drifts, reverse=True)
    assert drifts[-1] < drifts[0] / 100


def test_the_condition_is_close_to_the_true_one_and_never_above_it() -> None:
    for n, m, d in [(3, 4, 17), (3, 60, 17), (40, 4, 17)]:
        rows, kept = random_rows(n, d, seed=8), preserve(m, d, 0.5)
        found = solve(rows, kept, m)
        G = torch.eye(d, dtype=torch.float64) + (rows.keys.T * rows.weights) @ rows.keys
        for chunk, weights in kept:
            G += (chunk.T * weights) @ chunk
        true = float(torch.linalg.cond(G))
        assert 0.9 * true <= found.condition <= true * (1 + 1e-9)


def test_an_ill_conditioned_system_is_refused_with_its_condition() -> None:
    rows = random_rows(3, 5, seed=1, weight=1e14)
    with pytest.raises(
        EngineError, match=r"has condition \d\.\de\+1\d; expected at most"
    ):
        solve(rows, [], 0)


def test_a_system_that_is_not_finite_is_refused() -> None:
    rows = random_rows(3, 5, seed=1, weight=1e308)
    with pytest.raises(EngineError, match="joint system of all edits"):
        solve(rows, [], 0)
