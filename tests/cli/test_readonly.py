"""Reading only: every command is either refused or leaves the workspace as it is."""

import gc
import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import click
import pytest

from governance.cli.commands import root
from governance.cli.run import run
from governance.service.facade import JobKind
from tests.service.fakes import fake_parts
from tests.service.house import House, build
from tests.service.test_changes import newer

# Where a word stands for a path, the test knows which.
WRITES = {
    "init": (),
    "demo": (),
    "model add": ("other", "MODEL"),
    "edit propose": ("REQUEST",),
    "edit withdraw": ("E-0002", "--reason", "mistake"),
    "edit apply": ("E-0002",),
    "edit check": ("E-0003",),
    "edit preview": ("E-0003", "--prompt", "a painting by Kora"),
    "edit sign": (
        *("E-0003", "--decision", "reject", "--comment", "no"),
        *("--candidate", "0" * 64, "--evidence", "0" * 64),
    ),
    "edit revert": ("E-0001", "--reason", "settled"),
    "snapshot activate": ("base", "--reason", "settled"),
    "snapshot gc": (),
    "policy activate": ("POLICY",),
    "reviewer add": ("dora", "--public-key", "PUBLIC", "--role", "reviewer"),
    "reviewer revoke": ("cleo", "--reason", "left"),
    "change sign": ("C-0001", "--decision", "approve"),
    "statistics compute": ("--captions", "CAPTIONS"),
    "statistics import": ("STATISTICS",),
}
READS = {
    "model list": (),
    "model show": ("mini",),
    "model verify": ("mini",),
    "edit list": (),
    "edit show": ("E-0001", "--text"),
    "snapshot list": (),
    "snapshot show": ("live",),
    "snapshot diff": ("base", "live"),
    "ledger log": (),
    "ledger verify": (),
    "ledger checkpoint": (),
    "ledger state": ("--at", "2999-01-01"),
    "policy show": (),
    "policy check": ("POLICY",),
    "policy test": (),
    "reviewer list": (),
    "change list": (),
    "change show": ("C-0001",),
    "statistics list": (),
}
# These write where they are told to, and nothing in the workspace.
ELSEWHERE = {
    "snapshot export": ("live", "--format", "diffusers", "--output", "NEW"),
    "ledger backup": ("NEW",),
    "edit show": ("E-0001", "--report", "NEW"),
    "policy show": ("default", "--output", "NEW"),
}
# These know no workspace; the last opens the terminal UI, whose tests are its own.
ALONE = {"snapshot verify", "solve", "evaluate", "benchmark edit", "tui"}


def names(command: click.Command, path: tuple[str, ...] = ()) -> Iterator[str]:
    """Yield the name of every command that is no group."""
    if isinstance(command, click.Group):
        for name, inner in command.commands.items():
            yield from names(inner, (*path, name))
    else:
        yield " ".join(path)


def test_every_command_there_is_says_whether_it_writes() -> None:
    assert set(names(root)) == {*WRITES, *READS, *ELSEWHERE, *ALONE}


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    """A workspace with something in every state, shared: nothing may change it."""
    parts = fake_parts()
    folder = Path(tempfile.mkdtemp(prefix="readonly"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("governance.wiring.real_parts", lambda: parts)
        patch.delenv("SSH_AUTH_SOCK", raising=False)
        made = build(folder, parts)
        made.live()
        made.propose("ana", "lume", source="lume")
        made.ready("ana", "mondo", source="mondo")
        made.as_("ana").propose_policy(newer(made, 2))
        # The first export has the ledger name the key that signs it.
        made.job(
            *("ana", JobKind.EXPORT),
            snapshot="live",
            format="diffusers",
            output=str(folder / "first"),
        )
        # A ledger that nobody closed would write its journal back at any later moment.
        gc.collect()
        yield made
    shutil.rmtree(folder)


@pytest.fixture
def words(house: House, tmp_path: Path) -> dict[str, str]:
    captions = house.root / "captions.txt"
    captions.write_text("a rose\n", encoding="utf-8")
    return {
        "MODEL": str(house.root / "model"),
        "REQUEST": str(house.request("rose", source="rose")),
        "POLICY": newer(house, 3),
        "PUBLIC": str(house.root / "people" / "mallory.pub"),
        "CAPTIONS": str(captions),
        "STATISTICS": str(captions),
        "NEW": str(tmp_path / "new"),
    }


def typed(house: House, command: str, rest: tuple[str, ...], *options: str) -> int:
    return run(
        [
            *("--workspace", str(house.settings.workspace), "--readonly"),
            *("--as", "ben", "--key", str(house.keys["ben"]), *options),
            *(*command.split(), *rest),
        ]
    )


def contents(folder: Path) -> dict[str, tuple[int, int, str]]:
    """Return mode, time and digest of everything in a folder.

    SQLite's shared memory is not the ledger's content; it is left out.
    """
    found = {}
    for path in sorted([folder, *folder.rglob("*")]):
        if path.name.endswith(("-shm", "-wal")):
            continue
        about = path.lstat()
        content = path.read_bytes() if path.is_file() else b""
        # A journal that comes and goes changes the time of the folder it lies in.
        time = 0 if path == folder else about.st_mtime_ns
        digest = hashlib.sha256(content).hexdigest()
        found[str(path)] = (about.st_mode, time, digest)
    return found


@pytest.mark.parametrize("command", sorted(WRITES))
def test_a_command_that_writes_is_refused_and_nothing_is_written(
    house: House,
    words: dict[str, str],
    command: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    before = contents(house.settings.workspace)
    rest = tuple(words.get(word, word) for word in WRITES[command])
    assert typed(house, command, rest) == 2
    assert "read" in capsys.readouterr().err, "and it says why"
    assert contents(house.settings.workspace) == before


@pytest.mark.parametrize("command", ["init", "demo"])
def test_no_workspace_is_made_when_reading_only(command: str, tmp_path: Path) -> None:
    folder = tmp_path / "workspace"
    assert run(["--workspace", str(folder), "--readonly", command]) == 2
    assert not folder.exists()


@pytest.mark.parametrize(
    ("command", "rest"), [*sorted(READS.items()), *sorted(ELSEWHERE.items())]
)
def test_a_command_that_reads_does_its_work_and_leaves_the_workspace_as_it_is(
    house: House, words: dict[str, str], command: str, rest: tuple[str, ...]
) -> None:
    before = contents(house.settings.workspace)
    assert typed(house, command, tuple(words.get(word, word) for word in rest)) == 0
    assert contents(house.settings.workspace) == before
    assert Path(words["NEW"]).exists() == ("NEW" in rest)


NOBODY = 65534


def as_nobody(work: Callable[[], int]) -> int:
    """Return the exit code of work done by somebody with no rights of their own."""
    if os.geteuid() != 0:
        return work()
    child = os.fork()
    if not child:
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)
        os._exit(work())
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@pytest.fixture
def locked(house: House) -> Iterator[Path]:
    """A copy of the workspace that its owner may not write to."""
    source = house.settings.workspace
    folder = house.root / "locked"
    shutil.copytree(source, folder, ignore=shutil.ignore_patterns("ledger.db*"))
    house.as_("ana").backup(folder / "ledger.db")
    copied = [folder, *folder.rglob("*")]
    if os.geteuid() == 0:
        for path in (house.root, *house.root.rglob("*")):
            os.chown(path, NOBODY, NOBODY)
    for path in copied:
        path.chmod(0o500 if path.is_dir() else 0o400)
    yield folder
    for path in copied:
        path.chmod(0o700)
    for path in (house.root, *house.root.rglob("*")):
        os.chown(path, os.geteuid(), os.getegid())


def test_everything_can_be_read_where_nothing_can_be_written(
    house: House, words: dict[str, str], locked: Path
) -> None:
    before = contents(locked)
    for command, rest in READS.items():
        found = tuple(words.get(word, word) for word in rest)
        # Once with every right, so that what is imported late is there by then.
        assert typed(house, command, found) == 0, command
        work = partial(typed, house, command, found, "--workspace", str(locked))
        assert as_nobody(work) == 0, command
    assert contents(locked) == before
    assert not list(locked.glob("ledger.db-*"))


def test_a_workspace_and_all_its_folders_belong_to_one_user(house: House) -> None:
    workspace = house.settings.workspace
    folders = [path for path in workspace.rglob("*") if path.is_dir()]
    assert len(folders) > 5
    for folder in (workspace, *folders):
        assert folder.stat().st_mode & 0o777 == 0o700, folder
    for name in ("ledger.db", "ledger.key", "checkpoint"):
        assert not (workspace / name).stat().st_mode & 0o077, name
