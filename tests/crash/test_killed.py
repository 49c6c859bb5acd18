"""A process that is killed at any moment loses nothing and breaks nothing."""

import random
from pathlib import Path

import pytest

from governance.service.facade import JobKind
from tests.crash.scene import ACTIONS, Scene
from tests.crash.trial import (
    Before,
    in_child,
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


def objects(scene: Scene) -> set[str]:
    return set(scene.house.store.digests())


def applied(scene: Scene) -> bytes:
    """Apply what was proposed; return the candidate's digest."""
    job = scene.house.job("ana", JobKind.APPLY, edits=[scene.names.proposed])
    return str(job["candidate"]).encode()


def test_gc_clears_what_a_killed_apply_left_and_it_applies_as_ever(
    scene: Scene, tmp_path: Path
) -> None:
    """Killed at every step: nothing of it stays, and nothing else goes."""
    action = ACTIONS["apply"]
    before = Before.of(scene)
    whole = scene.copied(tmp_path / "whole")
    candidate = in_child(lambda: applied(whole))[1]
    clean = scene.copied(tmp_path / "clean")
    assert len(clean.house.as_("ana").collect().left) == 1
    seen = steps_of(action, scene.copied(tmp_path / "steps"))
    first = {step: at for at, step in reversed(list(enumerate(seen)))}
    cleared = 0
    for at in first.values():
        copy = scene.copied(tmp_path / "copy")
        kill_before(action, copy, at)
        if Before.of(copy) != before:
            continue
        found = copy.house.as_("ana").collect()
        cleared += len(found.left) > 1
        assert not found.held, "a killed process holds nothing"
        assert objects(copy) == objects(clean), seen[at]
        assert in_child(lambda copy=copy: applied(copy))[1] == candidate, seen[at]  # type: ignore[misc]
        application = copy.house.as_("ana")
        assert application.verify().ok
        assert application.collect().left == ()
        application.close()
    assert cleared >= 3, "most steps leave something"
