"""One action, killed in a child process, and what must be true afterwards."""

import gc
import os
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

from governance.ledger.database import sqlite_url
from governance.ledger.log import Ledger
from governance.service.application import Application
from governance.snapshots.verify import verify_export
from tests.crash import steps
from tests.crash.scene import Action, Scene

ACKNOWLEDGED = b"done"


def in_child(work: Callable[[], bytes]) -> tuple[bool, bytes]:
    """Run something in a process of its own, warm and without threads.

    Returns:
        Whether it was killed, and what it answered before.
    """
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        # What the parent forgot to close must not be closed by this process.
        gc.disable()
        try:
            os.write(writing, work())
        finally:
            os._exit(1 if sys.exc_info()[0] else 0)
    os.close(writing)
    with os.fdopen(reading, "rb") as answer:
        said = answer.read()
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        assert os.WTERMSIG(status) == signal.SIGKILL
        return True, said
    assert os.WEXITSTATUS(status) == 0, "the child broke"
    return False, said


def steps_of(action: Action, scene: Scene) -> list[str]:
    """Return the name of every step of an action, in their order."""

    def work() -> bytes:
        seen: list[str] = []
        with steps.Watch(lambda name, _: seen.append(name)):
            action.act(scene)
        return "\n".join(seen).encode()

    killed, said = in_child(work)
    assert not killed
    return said.decode().splitlines()


def moments_of(action: Action, scene: Scene) -> int:
    """Count calls and returns, of Python and of C, while an action runs."""

    def work() -> bytes:
        count = 0

        def at(_: FrameType, __: str, ___: Any) -> None:
            nonlocal count
            count += 1

        sys.setprofile(at)
        action.act(scene)
        sys.setprofile(None)
        return str(count).encode()

    return int(in_child(work)[1])


def kill_before(action: Action, scene: Scene, step: int) -> bool:
    """Kill an action before one of its steps; say whether it had finished."""
    left = step

    def at(_: str, __: str) -> None:
        nonlocal left
        if not left:
            steps.kill()
        left -= 1

    def work() -> bytes:
        with steps.Watch(at):
            action.act(scene)
        return ACKNOWLEDGED

    return in_child(work)[1] == ACKNOWLEDGED


def kill_at(action: Action, scene: Scene, moment: int) -> bool:
    """Kill an action at some call or return; say whether it had finished."""

    def work() -> bytes:
        left = moment

        def at(_: FrameType, __: str, ___: Any) -> None:
            nonlocal left
            left -= 1
            if not left:
                steps.kill()

        sys.setprofile(at)
        action.act(scene)
        sys.setprofile(None)
        return ACKNOWLEDGED

    return in_child(work)[1] == ACKNOWLEDGED


def digests(application: Application) -> list[str]:
    return [row.digest for row in application.log()]


@dataclass(frozen=True)
class Before:
    """What was acknowledged before an action began.

    Args:
        digests: Of every entry.
    """

    digests: list[str]

    @classmethod
    def of(cls, scene: Scene) -> "Before":
        application = scene.house.as_("ana")
        try:
            return cls(digests(application))
        finally:
            application.close()


def whole(scene: Scene, before: Before, action: Action) -> bool:
    """Check everything that must hold at any moment; say whether the action is done."""
    application = scene.house.as_("ana")
    try:
        found = digests(application)
        assert found[: len(before.digests)] == before.digests, "an entry was lost"
        added = len(found) - len(before.digests)
        assert added in {0, action.entries}, "half of an action was recorded"
        verdict = application.verify()
        assert verdict.ok, verdict
    finally:
        application.close()
    check_export(scene.output / "export")
    check_backup(scene.output / "backup.db", len(before.digests))
    if action.done is not None:
        return action.done(scene)
    return added == action.entries


def check_export(path: Path) -> None:
    """An export is whole, or not there under its name."""
    if path.exists():
        verdict = verify_export(path)
        assert verdict.ok, verdict.findings


def check_backup(path: Path, size: int) -> None:
    """A backup is whole, or not there under its name."""
    if path.exists():
        with Ledger.open(sqlite_url(path), readonly=True) as ledger:
            report = ledger.verify()
            assert report.ok
            assert report.head.size == size


def repeat(scene: Scene, before: Before, action: Action) -> None:
    """Do again what was interrupted, and find nothing half-written afterwards."""
    if whole(scene, before, action):
        return
    action.act(scene)
    assert done(scene, before, action)
    left = [path.name for path in scene.output.glob(".*")]
    left += [path.name for path in scene.house.settings.workspace.glob(".*")]
    if action.done is not None and ".checkpoint-new" in left:
        # Nothing was appended this time: the next entry replaces it.
        left.remove(".checkpoint-new")
    assert not left, left


def done(scene: Scene, before: Before, action: Action) -> bool:
    if action.done is not None:
        return action.done(scene)
    application = scene.house.as_("ana")
    try:
        return application.head().size == len(before.digests) + action.entries
    finally:
        application.close()
