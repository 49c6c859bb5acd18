"""Drift is measured on every preserved row; how large they are, on some of them."""

import pytest
import torch

from governance.engine.apply import apply
from governance.engine.compose import compose
from governance.engine.edit import Concept, EditSpec
from governance.engine.meter import FEWEST, MOST, sized
from tests.engine.fakes import FakeEncoder, weights


def erase(count: int, method: str = "uce", digest: str = "a") -> EditSpec:
    kept = tuple(f"kept{number}" for number in range(count))
    return EditSpec(
        digest * 64, "erase", method, (Concept("kora", "art"),), (), None, kept
    )


def energies(spec: EditSpec, width: int) -> tuple[float, torch.Tensor]:
    """The change of every preserved row in all matrices, and each one's size."""
    base, encoder = weights(width), FakeEncoder(width)
    edited = apply(compose([spec], encoder), base)
    rows = encoder.encode_at([(text, 1) for text in spec.preserve])
    changed, size = 0.0, torch.zeros(len(rows), dtype=torch.float64)
    for key, W in base.matrices.items():
        changed += float((rows @ (edited.tensors[key] - W).T).square().sum())
        size += (rows @ W.T).square().sum(dim=1)
    return changed, size


@pytest.mark.parametrize("width", [40, 500])
def test_up_to_so_many_rows_all_of_them_say_how_large_they_are(width: int) -> None:
    spec = erase(MOST)
    edited = apply(compose([spec], FakeEncoder(width)), weights(width))
    changed, size = energies(spec, width)
    expected = (changed / float(size.sum())) ** 0.5
    assert edited.certificates[0].drift == pytest.approx(expected, rel=1e-9)
    assert edited.drift == pytest.approx(expected, rel=1e-9)


def test_of_more_rows_the_change_is_of_all_and_the_size_of_some() -> None:
    spec, width = erase(3 * MOST), 500
    edited = apply(compose([spec], FakeEncoder(width)), weights(width))
    changed, size = energies(spec, width)
    some = size[::3]
    expected = (changed / (3 * float(some.sum()))) ** 0.5
    assert edited.certificates[0].drift == pytest.approx(expected, rel=1e-9)
    exact = (changed / float(size.sum())) ** 0.5
    assert edited.certificates[0].drift == pytest.approx(exact, rel=0.05)


def test_rows_are_spread_evenly_and_prompts_of_many_rows_are_fewer() -> None:
    encoder = FakeEncoder()
    (plan,) = compose([erase(300)], encoder).plans
    chosen = [pick.text for pick in sized(plan, "prompt")]
    assert len(chosen) == MOST
    assert chosen[:3] == ["kept0", "kept2", "kept4"]
    assert chosen[-1] == "kept297"
    (plan,) = compose([erase(300, "uce-2023")], encoder).plans
    assert len(sized(plan, "prompt")) == MOST // encoder.length >= FEWEST


def test_many_edits_with_many_rows_are_measured_alike_in_narrow_and_wide_spaces() -> (
    None
):
    # More measured rows than the width of a row: their sizes are read off W^T W.
    specs = [erase(5, digest="a"), erase(90, "uce-2023", digest="b")]
    edited = apply(compose(specs, FakeEncoder(60)), weights(60))
    alone = erase(5, digest="a")
    base, encoder = weights(60), FakeEncoder(60)
    rows = encoder.encode_at([(text, 1) for text in alone.preserve])
    changed = size = 0.0
    for key, W in base.matrices.items():
        changed += float((rows @ (edited.tensors[key] - W).T).square().sum())
        size += float((rows @ W.T).square().sum())
    first = next(c for c in edited.certificates if c.digest == alone.digest)
    assert first.drift == pytest.approx((changed / size) ** 0.5, rel=1e-9)
