"""The same bytes from one worker or two, drawn or kept, on a tiny real pipeline."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from governance.checks.drawing import (
    Drawable,
    Drawer,
    Picture,
    Sampler,
    Wish,
    png_bytes,
)
from governance.errors import PipelineError
from governance.pipeline.folder import PipelineFolder, open_pipeline
from governance.pipeline.tensors import tensor_bytes
from governance.pipeline.weights import PipelineWeights
from governance.runners.pool import Result, WorkerPool
from tests.pipeline.tiny import build

FAST = Sampler(steps=2, guidance=2.0)


class Here(WorkerPool):
    """Runs tasks in this process, last one first, and counts them."""

    def __init__(self) -> None:
        super().__init__(1)
        self.batches = 0

    def run(
        self, work: Callable[..., Result], tasks: Sequence[tuple[Any, ...]]
    ) -> Iterator[tuple[int, Result]]:
        for number, task in reversed(list(enumerate(tasks))):
            self.batches += 1
            yield number, work(*task)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> PipelineFolder:
    return open_pipeline(build(tmp_path_factory.mktemp("tiny") / "sd1", "sd1"))


@pytest.fixture(scope="module")
def wishes(folder: PipelineFolder) -> list[Wish]:
    """Eleven images of two snapshots: batches that are not full, on both."""
    weights = PipelineWeights(folder)
    tripled = {
        site.key: tensor_bytes(weights.read(site) * -3) for site in weights.sites
    }
    base, edited = Drawable(folder, "base"), Drawable(folder, "edited", tripled)
    return [
        Wish(side, "a rose", seed) for side in (base, edited) for seed in range(5)
    ] + [Wish(base, "a blue rose", 0)]


@pytest.fixture
def pool() -> Here:
    return Here()


@pytest.fixture
def drawer(pool: Here) -> Drawer:
    return Drawer(pool)


@pytest.fixture(scope="module")
def drawn(wishes: list[Wish]) -> list[Picture]:
    return Drawer(Here()).draw(wishes, FAST)


def same(first: list[Picture], second: list[Picture]) -> bool:
    return len(first) == len(second) and all(
        np.array_equal(one, other) for one, other in zip(first, second, strict=True)
    )


def test_two_workers_draw_what_one_process_draws_in_any_order(
    drawer: Drawer, wishes: list[Wish], drawn: list[Picture]
) -> None:
    assert len({picture.tobytes() for picture in drawn}) == len(wishes)
    assert same(drawer.draw(wishes[::-1], FAST)[::-1], drawn)
    assert same(drawer.draw(wishes[7:8], FAST), drawn[7:8])
    two = Drawer(WorkerPool(2))
    try:
        assert same(two.draw(wishes, FAST), drawn)
    finally:
        two.close()


def test_kept_images_are_the_drawn_ones_and_are_not_drawn_again(
    pool: Here, wishes: list[Wish], drawn: list[Picture], tmp_path: Path
) -> None:
    cache = tmp_path / "images"
    assert same(Drawer(pool).draw(wishes, FAST, cache), drawn)
    batches = pool.batches
    seen: list[tuple[int, int]] = []
    kept = Drawer(pool).draw(
        wishes, FAST, cache, lambda done, total: seen.append((done, total))
    )
    assert same(kept, drawn)
    assert seen == [(11, 11)]
    assert pool.batches == batches
    assert not list(cache.rglob("*.part"))


def test_another_sampler_is_not_taken_from_the_cache(
    drawer: Drawer, wishes: list[Wish], drawn: list[Picture], tmp_path: Path
) -> None:
    drawer.draw(wishes[:1], FAST, tmp_path)
    for other in (Sampler(3, 2.0), Sampler(2, 3.0)):
        assert not same(drawer.draw(wishes[:1], other, tmp_path), drawn[:1])


@pytest.mark.parametrize("damage", ["byte", "cut", "empty", "swapped"])
def test_a_damaged_kept_image_is_drawn_again(
    drawer: Drawer,
    wishes: list[Wish],
    drawn: list[Picture],
    tmp_path: Path,
    damage: str,
) -> None:
    cache = tmp_path / "images"
    drawer.draw(wishes[:2], FAST, cache)
    first, second = sorted(cache.rglob("*.png"))
    data = bytearray(first.read_bytes())
    data[len(data) // 2] ^= 1
    spoilt = {
        "byte": bytes(data),
        "cut": bytes(data[:-1]),
        "empty": b"",
        "swapped": second.read_bytes(),
    }
    first.write_bytes(spoilt[damage])
    assert same(drawer.draw(wishes[:2], FAST, cache), drawn[:2])
    assert first.read_bytes() != spoilt[damage]


def test_a_repeated_wish_is_drawn_once_and_progress_ends_at_the_total(
    drawer: Drawer, wishes: list[Wish], drawn: list[Picture]
) -> None:
    seen: list[tuple[int, int]] = []
    pictures = drawer.draw(
        [wishes[0], wishes[1], wishes[0]],
        FAST,
        on_drawn=lambda done, total: seen.append((done, total)),
    )
    assert same(pictures, [drawn[0], drawn[1], drawn[0]])
    assert seen == [(0, 2), (2, 2)]


def test_a_worker_says_what_is_wrong_with_the_weights(
    drawer: Drawer, folder: PipelineFolder, wishes: list[Wish], drawn: list[Picture]
) -> None:
    key = "unet/diffusion_pytorch_model.safetensors:nothing"
    broken = Drawable(folder, "broken", {key: b""})
    with pytest.raises(PipelineError, match="holds no tensor 'nothing'"):
        drawer.draw([Wish(broken, "a rose", 0)], FAST)
    assert same(drawer.draw(wishes[:1], FAST), drawn[:1])


def test_no_wish_draws_nothing(pool: Here) -> None:
    assert Drawer(pool).draw([], FAST) == []
    assert pool.batches == 0


def test_png_bytes_are_the_same_each_time(drawn: list[Picture]) -> None:
    assert png_bytes(drawn[0]) == png_bytes(drawn[0].copy())
    assert png_bytes(drawn[0]).startswith(b"\x89PNG\r\n\x1a\n")
    assert png_bytes(drawn[0]) != png_bytes(drawn[1])
