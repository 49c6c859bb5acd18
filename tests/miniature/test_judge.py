import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from governance.errors import NotFoundError, PipelineError
from governance.miniature.dataset import draw_many
from governance.miniature.judge_kinds import kinds
from governance.miniature.training.judge import new_judge
from governance.miniature.training.text_encoder import new_tokenizer
from governance.miniature.vocabulary import words
from governance.pipeline.judge_model import (
    Judge,
    load_judge,
    save_kinds,
    save_network,
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("judge")
    torch.manual_seed(0)
    save_network(new_judge(), new_tokenizer(), path)
    save_kinds(kinds(), path)
    return path


@pytest.fixture(scope="module")
def judge(folder: Path) -> Judge:
    return load_judge(folder)


def test_a_picture_scores_the_same_in_any_company(judge: Judge) -> None:
    images = draw_many(37, 8).images
    together = judge.scores(images, "object")
    alone = np.concatenate([judge.scores(images[i : i + 1], "object") for i in (0, 36)])
    assert np.array_equal(together[[0, 36]], alone)
    reversed_order = judge.scores(images[::-1].copy(), "gender")[::-1]
    assert np.array_equal(judge.scores(images, "gender"), reversed_order)


def test_every_kind_names_one_of_its_labels(judge: Judge) -> None:
    images = draw_many(5, 8).images
    for name, kind in judge.kinds.items():
        assert set(judge.name(images, name)) <= set(kind.labels)
        assert len(judge.name(images, name)) == 5


def test_likeness_is_a_cosine_for_each_picture_and_text(judge: Judge) -> None:
    found = judge.similarity(draw_many(3, 8).images, ["a rose", "a painting by kora"])
    assert found.shape == (3, 2)
    assert found.dtype == np.float32
    assert np.abs(found).max() <= 1 + 1e-5


def test_no_pictures_give_no_answers(judge: Judge) -> None:
    assert judge.name(np.empty((0, 64, 64, 3), dtype=np.uint8), "object") == []


def test_every_prompt_of_every_kind_is_in_the_vocabulary() -> None:
    known = set(words())
    for kind in kinds().values():
        for texts in kind.prompts.values():
            said = {w for text in texts for w in text.replace("'s", " 's").split()}
            assert said <= known
        assert kind.probe is not None or all(kind.prompts[x] for x in kind.labels)


def test_an_unknown_kind_is_named_with_the_known_ones(judge: Judge) -> None:
    with pytest.raises(NotFoundError, match=r"no kind 'mood'; expected one of .*age"):
        judge.name(np.zeros((1, 64, 64, 3), dtype=np.uint8), "mood")


def test_pictures_of_another_size_are_refused(judge: Judge) -> None:
    with pytest.raises(PipelineError, match=r"uint8 \[1, 32, 32, 3\]; expected"):
        judge.name(np.zeros((1, 32, 32, 3), dtype=np.uint8), "object")


@pytest.mark.parametrize("name", ["model.safetensors", "config.json", "judge.json"])
def test_a_missing_file_is_named(folder: Path, tmp_path: Path, name: str) -> None:
    copy = tmp_path / "judge"
    shutil.copytree(folder, copy)
    (copy / name).unlink()
    with pytest.raises(PipelineError, match=f"{name} is missing"):
        load_judge(copy)


@pytest.mark.parametrize("name", ["config.json", "judge.json"])
@pytest.mark.parametrize("text", ["{", "[]", '{"widths": 3}', "null"])
def test_a_damaged_document_is_refused(
    folder: Path, tmp_path: Path, name: str, text: str
) -> None:
    copy = tmp_path / "judge"
    shutil.copytree(folder, copy)
    (copy / name).write_text(text)
    with pytest.raises(PipelineError, match=name):
        load_judge(copy)


def test_weights_of_another_size_are_refused(folder: Path, tmp_path: Path) -> None:
    copy = tmp_path / "judge"
    shutil.copytree(folder, copy)
    config = json.loads((copy / "config.json").read_text())
    config["dimensions"] = 48
    (copy / "config.json").write_text(json.dumps(config))
    with pytest.raises(PipelineError, match="weights do not fit"):
        load_judge(copy)
