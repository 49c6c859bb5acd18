"""A disk that fails at any moment leaves nothing under the final name, nor beside it."""

import errno
import multiprocessing
import os
import resource
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import BinaryIO

import pytest

from governance.errors import InterruptedByUserError, UsageError
from governance.ledger.store import ObjectStore
from governance.snapshots.export import export_diffusers
from governance.snapshots.inputs import ExportInputs
from governance.snapshots.staging import Disk, remove_abandoned, staged
from governance.snapshots.verify import verify_export


class FailAt(Disk):
    """A disk whose step number ``step`` fails; it never waits for a real disk."""

    def __init__(self, step: int, code: int = errno.ENOSPC) -> None:
        self.step = step
        self.code = code
        self.steps = 0
        self.failed = ""

    def _count(self, name: str) -> None:
        self.steps += 1
        if self.steps == self.step:
            self.failed = name
            self.fail()

    def fail(self) -> None:
        raise OSError(self.code, os.strerror(self.code))

    def make_folder(self, path: Path) -> None:
        self._count("make_folder")
        super().make_folder(path)

    def create(self, path: Path) -> BinaryIO:
        self._count("create")
        return super().create(path)

    def write(self, file: BinaryIO, data: bytes) -> None:
        # A disk that fills up takes a part of the piece first.
        file.write(data[: len(data) // 2])
        self._count("write")
        file.write(data[len(data) // 2 :])

    def sync(self, file: BinaryIO) -> None:
        self._count("sync")
        file.flush()

    def sync_folder(self, path: Path) -> None:
        del path
        self._count("sync_folder")

    def rename(self, source: Path, target: Path) -> None:
        self._count("rename")
        super().rename(source, target)


class InterruptAt(FailAt):
    """Ctrl-C at a step."""

    def fail(self) -> None:
        raise KeyboardInterrupt


def steps(inputs: ExportInputs, store: ObjectStore, place: Path) -> int:
    disk = FailAt(0)
    export_diffusers(inputs, store, place / "whole", disk=disk)
    return disk.steps


def test_a_full_disk_at_any_step_leaves_nothing(
    inputs: ExportInputs, store: ObjectStore, tmp_path: Path
) -> None:
    count = steps(inputs, store, tmp_path)
    kinds = set()
    for step in range(1, count + 1):
        disk = FailAt(step)
        with pytest.raises(
            UsageError, match="No space left on device; nothing was left"
        ):
            export_diffusers(inputs, store, tmp_path / "out", disk=disk)
        assert [path.name for path in tmp_path.iterdir()] == ["whole"], disk.failed
        kinds.add(disk.failed)
    assert kinds == {"make_folder", "create", "write", "sync", "sync_folder", "rename"}


def test_ctrl_c_at_any_step_leaves_nothing(
    inputs: ExportInputs, store: ObjectStore, tmp_path: Path
) -> None:
    count = steps(inputs, store, tmp_path)
    # The last step makes the name durable: the export is whole by then, and stays.
    for step in range(1, count):
        with pytest.raises(KeyboardInterrupt):
            export_diffusers(inputs, store, tmp_path / "out", disk=InterruptAt(step))
        assert [path.name for path in tmp_path.iterdir()] == ["whole"]


def test_after_a_full_disk_the_same_export_works(
    inputs: ExportInputs, store: ObjectStore, tmp_path: Path
) -> None:
    with pytest.raises(UsageError):
        export_diffusers(inputs, store, tmp_path / "out", disk=FailAt(20))
    export_diffusers(inputs, store, tmp_path / "out")
    assert verify_export(tmp_path / "out").ok


def test_a_read_only_place_is_told_apart(
    inputs: ExportInputs, store: ObjectStore, tmp_path: Path
) -> None:
    disk = FailAt(1, errno.EROFS)
    with pytest.raises(UsageError, match="Read-only file system") as caught:
        export_diffusers(inputs, store, tmp_path / "out", disk=disk)
    assert "permissions" in caught.value.hint
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_without_permission_is_refused(
    inputs: ExportInputs, store: ObjectStore, tmp_path: Path
) -> None:
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(UsageError, match="Permission denied"):
            export_diffusers(inputs, store, tmp_path / "out")
        assert list(tmp_path.iterdir()) == []
    finally:
        tmp_path.chmod(0o700)


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    """Let the kernel refuse to write beyond a size: EFBIG, from a real write."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_write_that_the_kernel_refuses_leaves_nothing(
    inputs: ExportInputs, store: ObjectStore, tmp_path: Path
) -> None:
    with largest_file(4096), pytest.raises(UsageError, match="File too large"):
        export_diffusers(inputs, store, tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def _die_halfway(
    inputs: ExportInputs, store: ObjectStore, target: Path, ready: Event
) -> None:
    def wait(done: int, total: int) -> None:
        if done > total // 2:
            ready.set()
            signal.pause()

    export_diffusers(inputs, store, target, on_progress=wait)


def test_what_a_killed_export_left_is_removed_by_the_next(
    inputs: ExportInputs, store: ObjectStore, tmp_path: Path
) -> None:
    context = multiprocessing.get_context("fork")
    ready = context.Event()
    target = tmp_path / "out"
    child = context.Process(target=_die_halfway, args=(inputs, store, target, ready))
    child.start()
    assert ready.wait(60)
    (left,) = tmp_path.iterdir()
    assert left.name.startswith(".out.partial-")
    assert remove_abandoned(target) == (), "it is locked while somebody writes it"
    child.kill()
    child.join()
    assert not target.exists()
    export_diffusers(inputs, store, target)
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    assert verify_export(target).ok


def _stage(target: Path, fill: Callable[[Path], None]) -> None:
    with staged(target, Disk()) as staging:
        fill(staging)


def test_a_target_that_appears_meanwhile_is_kept(tmp_path: Path) -> None:
    target = tmp_path / "out"

    def somebody_else(staging: Path) -> None:
        (staging / "ours").write_text("ours")
        target.mkdir()
        (target / "theirs").write_text("theirs")

    with pytest.raises(UsageError, match="exists"):
        _stage(target, somebody_else)
    assert [path.name for path in target.iterdir()] == ["theirs"]
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_an_error_of_ours_passes_through(tmp_path: Path) -> None:
    stop = InterruptedByUserError("stopped")

    def stopped(staging: Path) -> None:
        (staging / "half").write_text("half")
        raise stop

    with pytest.raises(InterruptedByUserError) as caught:
        _stage(tmp_path / "out", stopped)
    assert caught.value is stop
    assert list(tmp_path.iterdir()) == []
