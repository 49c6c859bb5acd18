"""A disk that is full, or read-only, at any write: a clear error, and nothing broken."""

import errno
from pathlib import Path

import pytest

from governance.errors import ExitCode, GovernanceError
from tests.crash import steps
from tests.crash.scene import ACTIONS, Action, Scene
from tests.crash.trial import Before, repeat, steps_of

FREEING = {"remove", "rmdir", "chmod"}
"""What a full disk still allows."""
WORDS = {
    errno.ENOSPC: ("No space left", "full"),
    errno.EROFS: ("Read-only", "readonly"),
}


class Failing:
    """A disk that fails from one step on.

    Args:
        step: Which one; ``remove`` and the like still work on a full disk.
        code: ``ENOSPC`` or ``EROFS``.
    """

    def __init__(self, step: int, code: int) -> None:
        self._left = step
        self._code = code
        self.failed = ""

    def __call__(self, name: str, kind: str) -> None:
        self._left -= 1
        if self._left >= 0 or (self._code == errno.ENOSPC and kind in FREEING):
            return
        self.failed = self.failed or name
        raise steps.failure(kind, self._code)


def attempt(action: Action, scene: Scene, disk: Failing) -> GovernanceError | None:
    """Do it on a failing disk; only errors that people understand may come out."""
    try:
        with steps.Watch(disk):
            action.act(scene)
    except GovernanceError as error:
        return error
    return None


def first_of(action: Action, scene: Scene) -> dict[str, int]:
    """Return each named step of an action, and where it first comes."""
    seen = steps_of(action, scene)
    return {step: at for at, step in reversed(list(enumerate(seen)))}


def fail_at(action: Action, scene: Scene, at: int, code: int) -> None:
    """Let a write fail, see what is said of it, and do the action again."""
    before = Before.of(scene)
    disk = Failing(at, code)
    error = attempt(action, scene, disk)
    if error is not None:
        assert error.exit_code in {ExitCode.LEDGER, ExitCode.USAGE}, disk.failed
        assert any(word in error.message for word in WORDS[code]), error.message
    repeat(scene, before, action)


@pytest.mark.parametrize("name", ACTIONS)
def test_a_disk_may_be_full_at_every_write(
    name: str, scene: Scene, tmp_path: Path
) -> None:
    action = ACTIONS[name]
    for at in first_of(action, scene.copied(tmp_path / "whole")).values():
        fail_at(action, scene.copied(tmp_path / "copy"), at, errno.ENOSPC)


def test_a_disk_may_become_read_only_at_every_write(
    scene: Scene, tmp_path: Path
) -> None:
    """A step that several actions have in common is tried in one of them."""
    tried: set[str] = set()
    for action in ACTIONS.values():
        for step, at in first_of(action, scene.copied(tmp_path / "whole")).items():
            if step not in tried:
                tried.add(step)
                fail_at(action, scene.copied(tmp_path / "copy"), at, errno.EROFS)
    assert len(tried) > 40, sorted(tried)
