"""Where memory runs out, batches get smaller, it is said, and results stay the same."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from governance.errors import EngineError
from governance.pipeline.cache import EmbeddingCache
from governance.pipeline.folder import open_pipeline
from governance.pipeline.generate import Generator, Sampling
from governance.pipeline.runs import Ids, Runs, Wanted
from tests.pipeline.tiny import Family

SHOTS = [("a rose", seed) for seed in range(5)]


def fitting(most: int, run: Callable[..., object]) -> Callable[..., object]:
    """Let a pipeline run out of memory at more prompts than fit."""

    def limited(prompt: Sequence[str], **others: object) -> object:
        if len(prompt) > most:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return run(prompt=prompt, **others)

    return limited


@pytest.mark.parametrize("most", [3, 1])
def test_images_are_the_same_in_smaller_batches_and_it_is_said(
    tiny: dict[Family, Path],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    most: int,
) -> None:
    how = Sampling(steps=2)
    folder = open_pipeline(tiny["sd1"])
    expected = Generator(folder, batch=4).draw(SHOTS, how)
    generator = Generator(folder, batch=4)
    kind = type(generator._pipeline)
    call = kind.__call__
    monkeypatch.setattr(
        kind,
        "__call__",
        lambda self, **given: fitting(most, lambda **g: call(self, **g))(**given),
    )
    found = generator.draw(SHOTS, how)
    assert found.shape == expected.shape
    # Another batch shape may round another way: one grey level of 255.
    assert np.abs(found.astype(int) - expected.astype(int)).max() <= 1
    said = [r.getMessage() for r in caplog.records if "memory ran out" in r.message]
    sizes = [2] if most == 3 else [2, 1]
    assert said == [f"memory ran out: {n} images at a time from now on" for n in sizes]


def test_a_single_image_that_does_not_fit_is_an_error(
    tiny: dict[Family, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    generator = Generator(open_pipeline(tiny["sd1"]), batch=2)

    def never(*_: object, **__: object) -> object:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(type(generator._pipeline), "__call__", never)
    with pytest.raises(EngineError, match="too little memory for one of these images"):
        generator.draw(SHOTS)


def wanted() -> list[Wanted]:
    return [Wanted(((1, number, 2),), 3) for number in range(40)]


def states(texts: Sequence[Ids], length: int) -> Tensor:
    return torch.tensor([[[float(i)] for i in ids[0][:length]] for ids in texts])


def test_texts_are_encoded_the_same_in_smaller_batches(tmp_path: Path) -> None:
    largest: list[int] = []

    def limited(texts: Sequence[Ids], length: int) -> Tensor:
        if len(texts) > 5:
            raise torch.OutOfMemoryError("CUDA out of memory")
        largest.append(len(texts))
        return states(texts, length)

    plain = Runs("rows", states, EmbeddingCache(None, ["x"]), torch.float32)
    cut = Runs("rows", limited, EmbeddingCache(tmp_path, ["x"]), torch.float32)
    expected = plain.get(wanted(), (3, 1))
    found = cut.get(wanted(), (3, 1))
    assert all(torch.equal(a, b) for a, b in zip(found, expected, strict=True))
    assert set(largest) == {4}
    # What another batch shape gave is not kept for runs that would not meet it.
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]
