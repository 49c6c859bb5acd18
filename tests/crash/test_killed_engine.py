"""The same with the real engine, checks and exports on a tiny pipeline: ten kills."""

import random
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
import torch

from governance.wiring import real_parts
from tests.crash.scene import ACTIONS, Scene, prepare
from tests.crash.trial import Before, kill_at, moments_of, repeat
from tests.pipeline import tiny
from tests.service.house import build
from tests.service.test_real_parts import weights_only

KILLS = {"apply": 3, "check": 2, "sign": 1, "export": 2, "revert": 2}


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """A forked process must start no threads of its own: one is enough."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    root = tmp_path_factory.mktemp("real")
    base = tiny.build(root / "tiny")
    house = build(root, real_parts(), change=partial(weights_only, root), model=base)
    scene = prepare(house)
    for name in KILLS:
        ACTIONS[name].act(scene.copied(root / "warm"))
    yield scene
    torch.set_num_threads(threads)


@pytest.mark.parametrize("name", KILLS)
def test_killed_while_the_engine_works(name: str, real: Scene, tmp_path: Path) -> None:
    action, before = ACTIONS[name], Before.of(real)
    count = moments_of(action, real.copied(tmp_path / "whole"))
    chance = random.Random(f"{name} engine")  # noqa: S311 - seeded, no secret
    for _ in range(KILLS[name]):
        copy = real.copied(tmp_path / "copy")
        kill_at(action, copy, chance.randint(1, count))
        repeat(copy, before, action)
