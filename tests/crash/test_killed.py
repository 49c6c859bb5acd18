"""A process that is killed at any moment loses nothing and breaks nothing."""

import random
from pathlib import Path

import pytest

from tests.crash.scene import ACTIONS, Scene
from tests.crash.trial import (
    Before,
    kill_at,
    kill_before,
    moments_of,
    repeat,
    steps_of,
)

RANDOM = 190
EACH = RANDOM // len(ACTIONS)


@pytest.mark.parametrize("name", ACTIONS)
def test_killed_at_every_named_step(name: str, scene: Scene, tmp_path: Path) -> None:
    action = ACTIONS[name]
    seen = steps_of(action, scene.copied(tmp_path / "whole"))
    first = {step: at for at, step in reversed(list(enumerate(seen)))}
    assert len(first) >= 3, seen
    before = Before.of(scene)
    for step, at in first.items():
        copy = scene.copied(tmp_path / "copy")
        assert not kill_before(action, copy, at), step
        repeat(copy, before, action)


@pytest.mark.parametrize("name", ACTIONS)
def test_killed_at_random_moments(name: str, scene: Scene, tmp_path: Path) -> None:
    action = ACTIONS[name]
    count = moments_of(action, scene.copied(tmp_path / "whole"))
    chance = random.Random(f"{name} 20")  # noqa: S311 - seeded, no secret
    before = Before.of(scene)
    for _ in range(EACH):
        moment = chance.randint(1, count)
        copy = scene.copied(tmp_path / "copy")
        if kill_at(action, copy, moment):
            assert moment > count * 0.9, "acknowledged early"
        repeat(copy, before, action)
