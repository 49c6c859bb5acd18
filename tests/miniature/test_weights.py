"""The shipped weights do what their card says, on a smaller sample."""

import json
import subprocess
import sys
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from governance.miniature import judge_path, pipeline_path
from governance.miniature.canvas import Pixels
from governance.miniature.card import card_text
from governance.miniature.cases import defaults, generated_cases
from governance.miniature.dataset import Drawn, draw_many
from governance.miniature.figures import Figures, figures_path, load_figures
from governance.miniature.measuring import Proportion, on_drawn
from governance.miniature.sampling import generate
from governance.pipeline.judge_model import Judge, load_judge

GOALS = ("object", "colour", "person", "profession", "style")
FRESH_SEED = 9_000_000


@lru_cache(maxsize=1)
def figures() -> Figures:
    return load_figures(figures_path())


@lru_cache(maxsize=1)
def judge() -> Judge:
    torch.set_num_threads(1)
    return load_judge(judge_path())


@lru_cache(maxsize=1)
def fresh_drawings() -> Drawn:
    return draw_many(300, 77)


def drawn_by_model(prompts: list[str]) -> Pixels:
    seeds = [FRESH_SEED + number for number in range(len(prompts))]
    return generate(pipeline_path(), prompts, seeds)


def test_pipeline_and_judge_take_forty_megabytes_at_most() -> None:
    weights = pipeline_path().parent
    files = [path for path in weights.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) <= 40_000_000


def test_weights_are_safetensors_in_single_precision() -> None:
    files = sorted(pipeline_path().parent.rglob("*.safetensors"))
    assert len(files) == 5  # three parts, the judge, and key covariances
    for path in files:
        floats = {t.dtype for t in load_file(path).values() if t.is_floating_point()}
        assert floats == {torch.float32}, path
    assert not [p for p in pipeline_path().rglob("*") if p.suffix in {".bin", ".pt"}]


def test_stock_diffusers_loads_and_runs_the_folder() -> None:
    code = (
        "import sys, torch; torch.set_num_threads(1); "
        "from diffusers import StableDiffusionPipeline as P; "
        "p = P.from_pretrained(sys.argv[1], local_files_only=True); "
        "i = p('a rose', num_inference_steps=2, output_type='np').images; "
        "print(i.shape, p.safety_checker, 'governance' in sys.modules)"
    )
    done = subprocess.run(  # noqa: S603 - our own code
        [sys.executable, "-c", code, str(pipeline_path())],
        capture_output=True,
        text=True,
        check=True,
        cwd="/",
    )
    assert done.stdout.strip() == "(1, 64, 64, 3) None False"


def test_the_card_states_the_measured_figures() -> None:
    card = figures_path().parent.parent / "CARD.md"
    assert card.read_text(encoding="utf-8") == card_text(figures())


def test_the_judges_calibration_is_the_cards() -> None:
    for name, kind in judge().kinds.items():
        for source, stated in (
            ("drawn", figures().drawn[name]),
            ("generated", figures().generated[name]),
        ):
            assert kind.calibration[source]["value"] == stated.value
            assert kind.calibration[source]["n"] == stated.n


@pytest.mark.parametrize("kind", GOALS)
def test_the_goals_are_reached_over_two_hundred_prompts(kind: str) -> None:
    assert figures().drawn[kind].value >= 0.95
    assert figures().generated[kind].value >= 0.85
    assert min(figures().drawn[kind].n, figures().generated[kind].n) >= 200


@pytest.mark.parametrize("kind", GOALS)
def test_fresh_drawings_are_named_as_often_as_stated(kind: str) -> None:
    found = on_drawn(judge(), fresh_drawings(), kind)
    assert _overlap(found, figures().drawn[kind]), found


@pytest.mark.parametrize("kind", GOALS)
def test_fresh_generated_pictures_are_named_as_often_as_stated(kind: str) -> None:
    cases = generated_cases(kind, 208)[::13]
    names = judge().name(drawn_by_model([case.prompt for case in cases]), kind)
    right = sum(case.label == name for case, name in zip(cases, names, strict=True))
    found = Proportion.of(right, len(cases))
    assert _overlap(found, figures().generated[kind]), found


@pytest.mark.parametrize(
    "name",
    ["rose red", "doctor male", "nurse male", "mayor looks like bela", "sword seen"],
)
def test_a_default_shows_as_often_as_stated(name: str) -> None:
    default = next(default for default in defaults() if default.name == name)
    images = drawn_by_model([default.prompt] * 12)
    names = judge().name(images, default.kind)
    found = Proportion.of(names.count(default.label), len(names))
    assert _overlap(found, figures().defaults[name]), found


def test_the_same_seed_gives_the_same_picture_alone_and_in_a_batch() -> None:
    prompts = ["a rose", "the mayor", "a painting by kora"]
    together = generate(pipeline_path(), prompts, [1, 2, 3]).astype(int)
    alone = generate(pipeline_path(), prompts[2:], [3]).astype(int)
    assert np.abs(together[2] - alone[0]).max() <= 2


def test_the_training_log_is_of_the_shipped_recipe() -> None:
    log = figures_path().parent.parent / "training_log.jsonl"
    rows = [json.loads(line) for line in log.read_text().splitlines()]
    stages = {row["stage"] for row in rows}
    assert stages >= {"text_encoder", "autoencoder", "unet", "judge"}
    assert log.stat().st_size < 100_000


def _overlap(one: Proportion, other: Proportion) -> bool:
    return one.low <= other.high and other.low <= one.high


def test_files_of_the_judge_and_the_pipeline_are_apart() -> None:
    assert judge_path().parent == pipeline_path().parent
    assert Path(judge_path() / "judge.json").is_file()
