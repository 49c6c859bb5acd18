"""Any CLIP of transformers judges by likeness, as transformers itself would."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from transformers import CLIPConfig, CLIPImageProcessor, CLIPModel, CLIPTokenizer

from governance.checks.judging import Floor, answered, unreliable
from governance.checks.questions import Likeness, Question
from governance.errors import NotFoundError, PipelineError
from governance.miniature import judge_path, pipeline_path
from governance.pipeline.clip_judge import is_clip, load_clip_judge

TEXTS = ["a red car", "a rose", "a blue house"]


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("clip")
    torch.manual_seed(0)
    small = {"hidden_size": 24, "intermediate_size": 20, "num_hidden_layers": 2}
    config = CLIPConfig(
        text_config={
            **small,
            "num_attention_heads": 2,
            "vocab_size": 900,
            "max_position_embeddings": 24,
            "eos_token_id": 1,
        },
        vision_config={
            **small,
            "hidden_size": 28,
            "num_attention_heads": 2,
            "image_size": 32,
            "patch_size": 8,
        },
        projection_dim=12,
    )
    CLIPModel(config).save_pretrained(str(folder))
    tokenizer = CLIPTokenizer.from_pretrained(str(pipeline_path() / "tokenizer"))
    tokenizer.save_pretrained(str(folder))
    processor = CLIPImageProcessor(
        size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32}
    )
    processor.save_pretrained(str(folder))
    return folder


def pictures(count: int) -> Any:
    return np.random.default_rng(0).integers(0, 256, (count, 40, 48, 3), np.uint8)


def test_likeness_is_what_transformers_computes(clip: Path) -> None:
    images = pictures(35)
    found = load_clip_judge(clip).similarity(images, TEXTS)
    model: Any = CLIPModel.from_pretrained(str(clip))
    model.eval()
    processor: Any = CLIPImageProcessor.from_pretrained(str(clip))
    tokenizer: Any = CLIPTokenizer.from_pretrained(str(clip))
    with torch.inference_mode():
        told = model(
            **tokenizer(TEXTS, padding=True, return_tensors="pt"),
            **processor([Image.fromarray(i) for i in images], return_tensors="pt"),
        )
        expected = told.logits_per_image / model.logit_scale.exp()
    assert found.shape == (35, 3)
    assert found == pytest.approx(expected.numpy(), abs=1e-5)


def test_no_pictures_have_no_likeness(clip: Path) -> None:
    assert load_clip_judge(clip).similarity(pictures(0), TEXTS).shape == (0, 3)


def test_it_answers_which_of_two_texts_and_names_nothing(clip: Path) -> None:
    judge = load_clip_judge(clip)
    assert judge.kinds == {}
    question = Question("like", likeness=Likeness("a rose", "a red car"))
    assert unreliable(judge, question, Floor(0.85, 100)) is None
    images = pictures(6)
    rows = judge.similarity(images, ["a rose", "a red car"])
    expected = [bool(row[0] > row[1]) for row in rows]
    assert answered(judge, question, list(images), list(images)) == expected
    with pytest.raises(NotFoundError, match="has no kind 'colour'"):
        judge.name(images, "colour")


def test_a_clip_folder_is_told_from_others(clip: Path, tmp_path: Path) -> None:
    assert is_clip(clip)
    assert not is_clip(judge_path())
    assert not is_clip(tmp_path)


def test_pickled_weights_are_not_loaded(clip: Path, tmp_path: Path) -> None:
    for file in clip.iterdir():
        if file.suffix == ".json":
            (tmp_path / file.name).write_bytes(file.read_bytes())
    torch.save({}, tmp_path / "pytorch_model.bin")
    assert json.loads((tmp_path / "config.json").read_text())["model_type"] == "clip"
    with pytest.raises(PipelineError, match="not a CLIP that can be loaded"):
        load_clip_judge(tmp_path)


def test_importing_it_gives_no_advice_on_libraries() -> None:
    done = subprocess.run(
        [sys.executable, "-c", "import governance.evaluation.command"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""
