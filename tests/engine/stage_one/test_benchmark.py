"""The benchmark of stage one: both sides do the same work, and it prints what it says."""

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType

import pytest
import torch

SCRIPT = Path(__file__).resolve().parents[3] / "benchmarks" / "stage_one.py"


@pytest.fixture(scope="module")
def bench() -> ModuleType:
    spec = importlib.util.spec_from_file_location("stage_one_benchmark", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def test_the_published_refact_loop_finds_what_ours_finds(
    bench: ModuleType, tmp_path: Path
) -> None:
    torch.manual_seed(0)
    both = bench.Bench(bench.SHAPES["tiny"], tmp_path, "cpu", steps=8)
    tail = both._tail
    layer = bench.refact_layer(bench._refact(8), tail.depth)
    concept = bench._concepts(1)[0]
    unedited = tail.outputs([(concept.phrase, 1)], layer)[0]
    ours = both._ours("refact", 1)[0] - unedited
    theirs = both._theirs("refact").double()
    assert theirs.norm() > 0.1
    assert (ours - theirs).norm() < 1e-3 * theirs.norm()


def test_it_times_both_methods_at_every_batch_size(
    bench: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ["--shape", "tiny", "--steps", "1", "--batch", "1", "2"]
    assert bench.main(asked) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["steps"] == 1
    for method in ("refact", "emcid"):
        spent = found[method]["seconds_per_concept"]
        assert spent["loop"] > 0
        assert set(spent["ours"]) == set(found[method]["ratio"]) == {"1", "2"}
