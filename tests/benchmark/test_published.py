"""The transcription is the published equation, and its time is scaled as stated."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pytest
import torch

from governance.benchmark.exactness import effect, error, reference
from governance.benchmark.loop import LoopConcept, edited
from governance.benchmark.measured import Seconds
from governance.benchmark.published import Inputs, choose_layers, inputs
from governance.benchmark.run import spec_of
from governance.benchmark.task import Task
from governance.engine.joint import solve_jointly
from governance.engine.reader import Reader
from governance.pipeline.base import PipelineBase
from governance.pipeline.folder import open_pipeline
from tests.engine import oracles


@dataclass(frozen=True)
class FakeSite:
    key: str
    shape: tuple[int, int]
    projection: Literal["k", "v"] = "k"


@pytest.mark.parametrize(
    ("method", "edits", "preserve"),
    [
        ("uce", 1, 0),
        ("uce", 3, 7),
        ("uce", 60, 5),
        ("uce-2023", 2, 3),
        ("time", 2, 0),
    ],
)
def test_the_loop_in_float64_is_our_solve(
    tiny: Path, method: str, edits: int, preserve: int
) -> None:
    base = PipelineBase(open_pipeline(tiny), dtype="float64")
    spec = spec_of(Task("tiny", edits, preserve, method))
    encoder = base.encoder({})
    given = inputs(spec, encoder, Reader(encoder, torch.float64))
    solution = solve_jointly([spec], base, precision="float64")
    seen = 0
    for key, up, down in solution.factors():
        W = base.weights.read_key(key).double()
        change = edited(W, given.concepts, given.ridge) - W
        wrong = torch.linalg.norm(up @ down - change) / torch.linalg.norm(change)
        assert float(wrong) < 1e-9
        seen += 1
    assert seen == 10


def test_the_loop_and_the_reference_are_the_oracle_of_the_engine() -> None:
    torch.manual_seed(3)
    W = torch.randn(7, 5, dtype=torch.float64)
    key, target, kept = (torch.randn(1, 5, dtype=torch.float64) for _ in range(3))
    wanted = torch.from_numpy(
        oracles.uce(
            W.numpy(),
            [(key[0].numpy(), target[0].numpy())],
            [kept[0].numpy()],
            ridge=0.3,
            edit_scale=2.0,
            preserve_scale=0.7,
        )
    )
    concepts = (LoopConcept(key, target, 2.0), LoopConcept(kept, kept, 0.7))
    assert torch.allclose(edited(W, concepts, 0.3), wanted, atol=1e-13)
    given = Inputs(concepts[:1], concepts[1:], 0.3, (kept,))
    exact = reference(W, given)
    assert torch.allclose(exact, wanted, atol=1e-7)  # weights pass through float32
    assert error(W, wanted, wanted) == 0
    assert error(W, W, wanted) == pytest.approx(1)
    unchanged = effect({"w": W}, {"w": W}, given)
    assert unchanged.residual == pytest.approx(1)
    assert unchanged.drift == 0
    solved = effect({"w": W}, {"w": wanted}, given)
    assert 0 < solved.residual < 1
    assert solved.drift > 0


SITES = [
    FakeSite("a", (3, 4)),
    FakeSite("b", (3, 4)),
    FakeSite("c", (5, 4)),
    FakeSite("d", (3, 4)),
]


def test_a_loop_that_fits_its_budget_is_timed_on_every_matrix() -> None:
    layers = choose_layers(SITES, rows=2, budget=10)
    assert list(layers.timed) == ["a", "b", "c", "d"]
    assert not layers.extrapolated
    each = {"a": 1.0, "b": 3.0, "c": 10.0, "d": 2.0}
    seconds = {key: Seconds(value, 2 * value) for key, value in each.items()}
    assert layers.scaled(seconds) == Seconds(16, 32)


def test_a_loop_that_is_too_long_is_timed_on_one_matrix_of_each_shape_and_scaled() -> (
    None
):
    layers = choose_layers(SITES, rows=10**9, budget=10)
    assert list(layers.timed) == ["a", "c"]
    assert layers.extrapolated
    seconds = {"a": Seconds(1.0, 1.5), "c": Seconds(10.0, 20.0)}
    assert layers.scaled(seconds) == Seconds(3 * 1 + 10, 3 * 1.5 + 20)
