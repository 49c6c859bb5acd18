"""The mark may be lost or half-written at any moment: it costs time, nothing else."""

import random
import shutil
from pathlib import Path

import pytest

from governance.service import marking, opening
from governance.service.book import Book
from governance.service.workspace import Workspace
from tests.crash.scene import Action, Scene
from tests.crash.trial import Before, kill_at, kill_before, moments_of, steps_of

RANDOM = 20
OPEN = Action(lambda scene: scene.house.as_("ana").close(), 0)


@pytest.fixture
def each(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every opening write a mark of what is new."""
    monkeypatch.setattr(marking, "STEP", 1)


@pytest.fixture(params=["no mark", "an older mark"])
def marking_scene(
    request: pytest.FixtureRequest, scene: Scene, tmp_path: Path, each: None
) -> Scene:
    """A scene whose next opening writes a mark, the first or a newer one."""
    del each
    ready = scene.copied(tmp_path / "ready")
    if request.param == "an older mark":
        OPEN.act(ready)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(marking, "STEP", 1000)
            ready.house.propose("ana", "lemon")
    return ready


def opened(scene: Scene) -> Workspace:
    return opening.open_existing(scene.house.settings, scene.house.parts)


def mark(scene: Scene) -> Path:
    return scene.house.settings.workspace / "mark"


def check(scene: Scene, before: Before, older: bytes, newer: bytes) -> None:
    """See that what the killed process left is no mark, the old one or the new one."""
    found = mark(scene).read_bytes() if mark(scene).exists() else b""
    assert found in {older, newer}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(marking, "STEP", 1000)
        workspace = opened(scene)
        assert workspace.marks.refused == ""
        fresh = Book().after(workspace.ledger.entries())
        assert workspace.book.state == fresh.state
        assert dict(workspace.book.snapshots) == dict(fresh.snapshots)
        workspace.ledger.close()
        assert Before.of(scene) == before
        application = scene.house.as_("ana")
        assert application.verify().ok
        application.close()
    OPEN.act(scene)
    assert mark(scene).read_bytes() == newer
    assert list(scene.house.settings.workspace.glob(".*")) == []


def unmarked(scene: Scene) -> Before:
    """Return what was acknowledged, writing no mark."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(marking, "STEP", 1000)
        return Before.of(scene)


def both(scene: Scene, tmp_path: Path) -> tuple[bytes, bytes]:
    """Return the mark that is there, and the one that the next opening writes."""
    older = mark(scene).read_bytes() if mark(scene).exists() else b""
    whole = scene.copied(tmp_path / "whole")
    OPEN.act(whole)
    newer = mark(whole).read_bytes()
    assert newer != older
    return older, newer


def test_killed_at_every_step_of_writing_the_mark(
    marking_scene: Scene, tmp_path: Path
) -> None:
    older, newer = both(marking_scene, tmp_path)
    before = unmarked(marking_scene)
    seen = steps_of(OPEN, marking_scene.copied(tmp_path / "steps"))
    for step in ("open", "truncate", "write", "flush", "fsync", "rename"):
        assert any("Marks" in name and name.endswith(step) for name in seen), step
    for at, step in enumerate(seen):
        copy = marking_scene.copied(tmp_path / "copy")
        assert not kill_before(OPEN, copy, at), step
        check(copy, before, older, newer)


def test_killed_at_random_moments_of_writing_the_mark(
    marking_scene: Scene, tmp_path: Path
) -> None:
    older, newer = both(marking_scene, tmp_path)
    before = unmarked(marking_scene)
    count = moments_of(OPEN, marking_scene.copied(tmp_path / "steps"))
    chance = random.Random("mark")  # noqa: S311 - seeded, no secret
    for _ in range(RANDOM):
        copy = marking_scene.copied(tmp_path / "copy")
        kill_at(OPEN, copy, chance.randint(1, count))
        check(copy, before, older, newer)


def test_a_mark_is_durable_before_it_has_its_name(
    scene: Scene, tmp_path: Path, each: None
) -> None:
    """A power cut may lose what was not synced, whatever came first to the disk."""
    del each
    seen = [
        name.rpartition(": ")[2]
        for name in steps_of(OPEN, scene.copied(tmp_path / "copy"))
        if "marking" in name or "sync_folder" in name
    ]
    last = len(seen) - seen[::-1].index("rename")
    assert seen[last - 3 :] == ["flush", "fsync", "rename", "fsync"]


def test_a_mark_of_entries_that_a_restored_backup_does_not_have_is_left_aside(
    scene: Scene, tmp_path: Path, each: None
) -> None:
    del each
    copy = scene.copied(tmp_path / "copy")
    application = copy.house.as_("ana")
    application.backup(copy.output / "kept.db")
    size = application.head().size
    application.close()
    copy.house.propose("ana", "lemon")
    OPEN.act(copy)
    workspace = copy.house.settings.workspace
    for name in ("ledger.db", "ledger.db-wal", "ledger.db-shm"):
        (workspace / name).unlink(missing_ok=True)
    shutil.copy(copy.output / "kept.db", workspace / "ledger.db")
    found = opened(copy)
    assert f"has {size} entries" in found.marks.refused
    assert found.state == Book().after(found.ledger.entries()).state
    found.ledger.close()
    verdict = copy.house.as_("ana").verify()
    assert not verdict.ok
