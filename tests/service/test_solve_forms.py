"""What ``solve`` writes for the shipped miniature, through stock diffusers."""

from pathlib import Path

import pytest
import torch
from torch import Tensor

import governance.miniature
from governance.engine.edit import Concept, EditSpec
from governance.errors import PipelineError
from governance.service.solve import SolveReport, solve
from governance.snapshots.forms import ADAPTER, Keys
from tests.pipeline.tiny import build
from tests.snapshots import stock

MINIATURE = Path(governance.miniature.__file__).parent / "weights" / "pipeline"
PROMPTS = ("a painting by Kora of the mayor", "a painting by Lume")
BOTH: tuple[Keys, ...] = ("kohya", "diffusers")


def edits() -> list[EditSpec]:
    """One edit of cross-attention and one of a text encoder, solved jointly."""
    generator = torch.Generator().manual_seed(3)
    wanted = torch.randn(1, 128, generator=generator, dtype=torch.float64)
    return [
        EditSpec(
            "1" * 64,
            "erase",
            "uce",
            (Concept("Kora", "art"), Concept("doctor", "nurse")),
            preserve=("Lume",),
        ),
        EditSpec(
            "2" * 64,
            "update",
            "refact",
            (Concept("Bela", "Caro", prompt="the mayor"),),
            parameters={"layer": 2, "prior": "identity"},
            values={"value.2": 0.5 * wanted},
        ),
    ]


def write(model: Path, place: Path, fmt: str, keys: Keys = "kohya") -> SolveReport:
    return solve(model, edits(), place, fmt=fmt, keys=keys)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def solved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("solved")
    write(MINIATURE, root / "merged", "diffusers")
    for keys in BOTH:
        write(MINIATURE, root / keys, "lora", keys)
    return root


def drawn(pipeline: object) -> list[Tensor]:
    return [stock.image(pipeline, prompt, steps=3, size=64) for prompt in PROMPTS]


def largest(first: list[Tensor], second: list[Tensor]) -> float:
    pairs = zip(first, second, strict=True)
    return max(float((a - b).abs().max()) for a, b in pairs)


def test_the_miniature_with_its_adapter_draws_what_the_merged_one_draws(
    solved: Path,
) -> None:
    pipeline = stock.load(MINIATURE)
    before, base = stock.state(pipeline), drawn(pipeline)
    merged = drawn(stock.load(solved / "merged"))
    assert largest(base, merged) > 0.1
    for keys in BOTH:
        pipeline.load_lora_weights(solved / keys)
        assert stock.adapted(pipeline) == 15
        assert largest(drawn(pipeline), merged) < 1e-4
        assert stock.untouched(pipeline, before)
        pipeline.unload_lora_weights()
        assert largest(drawn(pipeline), base) == 0.0
        assert stock.untouched(pipeline, before)


def test_over_a_base_of_16_bits_only_the_rounding_of_merging_is_between_them(
    tmp_path: Path,
) -> None:
    half = tmp_path / "half"
    stock.load(MINIATURE, torch.float16).save_pretrained(half)
    write(half, tmp_path / "merged", "diffusers")
    write(half, tmp_path / "lora", "lora")
    # Computed in float32: a base and adapters that differ by no rounding of their own.
    pipeline = stock.load(half)
    pipeline.load_lora_weights(tmp_path / "lora")
    merged = drawn(stock.load(tmp_path / "merged"))
    assert 0 < largest(drawn(pipeline), merged) < 2e-3


def test_two_runs_write_the_same_adapter_and_say_its_size_first(
    solved: Path, tmp_path: Path
) -> None:
    told: list[str] = []

    def on_progress(step: str, done: int, total: int) -> None:
        del done, total
        told.append(step)
        # Nothing of the adapter is on the disk when its size is said.
        if step.startswith("write adapter"):
            assert not list(tmp_path.rglob(ADAPTER))

    again = solve(
        MINIATURE, edits(), tmp_path / "a", fmt="lora", on_progress=on_progress
    )
    twin = (solved / "kohya" / ADAPTER).read_bytes()
    assert (tmp_path / "a" / ADAPTER).read_bytes() == twin
    assert again.written == (
        "adapter of 15 modules, rank text_encoder 1, unet 2, 0.03 MiB"
    )
    assert told.count(f"write {again.written}") == 1


@pytest.mark.parametrize("family", ["sd3", "flux"])
def test_an_adapter_for_another_architecture_is_refused_by_name(
    family: str, tmp_path: Path
) -> None:
    folder = build(tmp_path / "tiny", family)  # type: ignore[arg-type]
    with pytest.raises(PipelineError, match=rf"not written for {family}"):
        write(folder, tmp_path / "out", "lora")
    assert [path.name for path in tmp_path.iterdir()] == ["tiny"]
