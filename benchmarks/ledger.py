"""How long a long ledger takes to open, append to and verify.

Run: ``python -m benchmarks.ledger --entries 100000 --directory DIR``

Its entries are those of a working life: each edit is proposed and signed for, solved
and measured three times, approved, made live and taken out again, ten entries in all.
Signatures, evidence and snapshots are real, so that every check has its work; weights
are stand-ins of a few bytes. Every figure is taken in a process of its own.
"""

import argparse
import json
import os
import resource
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from governance.canonical import canonical_bytes
from governance.domain.signoff import ROLLBACK_NAMESPACE, SIGNOFF_NAMESPACE
from governance.identity.keys import read_key_file
from governance.identity.sshsig import sign_with_key
from governance.ledger.entry import Entry
from governance.ledger.log import WriteTransaction
from governance.service import opening
from governance.service.authority import check_heads
from governance.service.facade import JobKind
from governance.service.history import state_at
from governance.service.verification import verify
from governance.service.workspace import Workspace
from governance.settings import Settings
from tests.service.fakes import fake_parts
from tests.service.house import House, build

BATCH = 1000
APPENDS = 200
MEBI = 1024
PAGES = 2 * (4096 + 24)
"""Bytes by which an entry of this size makes the journal grow."""
NOTE = 230
"""Bytes of a checkpoint."""
Data = dict[str, Any]


class Writer:
    """Writes the story of one edit again and again, each time as another edit.

    Args:
        house: A workspace in which it happened once.
    """

    def __init__(self, house: House) -> None:
        edit = house.live()
        house.job("cleo", JobKind.REVERT, edit=edit, reason="settled")
        settings = Settings(workspace=house.settings.workspace, readonly=True)
        entries = opening.open_existing(settings, house.parts).ledger.entries()
        self._told = {entry.event: entry for entry in entries}
        self._house = house
        self._evidence = house.store.get(self._text("EditsChecked", "evidence"))
        self._keys = {
            name: read_key_file(house.keys[name]).load() for name in ("ben", "cleo")
        }
        self.edits = 1

    def write(self, transaction: WriteTransaction) -> None:
        """Append ten entries."""
        self.edits += 1
        evidence = self._house.store.put_bytes(
            self._evidence.replace(b'"E-0001"', f'"E-{self.edits:04d}"'.encode())
        )
        self._append(transaction, "EditProposed")
        for _ in range(3):
            self._append(transaction, "EditsApplied")
            self._append(transaction, "EditsChecked", evidence=evidence)
        said = {"evidence": evidence}
        self._signed(transaction, "SignOffGiven", SIGNOFF_NAMESPACE, said)
        self._append(transaction, "SnapshotActivated")
        self._signed(transaction, "EditReverted", ROLLBACK_NAMESPACE, {})

    def proposal(self) -> tuple[Entry, Data]:
        """Return the entry that was, and the data of the next one."""
        return self._told["EditProposed"], self._data("EditProposed")

    def _append(self, transaction: WriteTransaction, event: str, **said: str) -> None:
        told = self._told[event]
        data = {**self._data(event), **said}
        transaction.append(event, told.actor, data, now=told.time)

    def _signed(
        self,
        transaction: WriteTransaction,
        event: str,
        namespace: str,
        said: Mapping[str, str],
    ) -> None:
        told, data = self._told[event], self._data(event)
        head = transaction.head().document()
        data["statement"] = {**data["statement"], **said, "head": head}
        message = canonical_bytes(data["statement"])
        data["signature"] = sign_with_key(self._keys[told.actor], message, namespace)
        transaction.append(event, told.actor, data, now=told.time)

    def _text(self, event: str, field: str) -> str:
        return str(self._told[event].data[field])

    def _data(self, event: str) -> Data:
        text = json.dumps(self._told[event].data)
        found: Data = json.loads(text.replace('"E-0001"', f'"E-{self.edits:04d}"'))
        return found


def fill(writer: Writer, workspace: Workspace, count: int) -> None:
    """Append entries in large transactions; what is filled in is not measured."""
    really = os.fsync
    setattr(os, "fsync", lambda _: None)  # noqa: B010
    try:
        while (size := workspace.ledger.head().size) < count:
            with workspace.ledger.write() as transaction:
                for _ in range(min(BATCH, (count - size) // 10 + 1)):
                    writer.write(transaction)
    finally:
        os.fsync = really


def open_again(folder: Path) -> Workspace:
    """Open the workspace as every command does."""
    return opening.open_existing(Settings(workspace=folder), fake_parts())


def verified(folder: Path) -> None:
    """Do what ``governance ledger verify`` does."""
    settings = replace(Settings(workspace=folder), readonly=True)
    workspace = opening.open_existing(settings, fake_parts())
    verdict = verify(workspace)
    if not verdict.ok:
        raise SystemExit(f"entry {verdict.first_bad}: {verdict.message}")


def log_verified(folder: Path) -> None:
    """Hash every entry again, and leave what they say alone."""
    if not open_again(folder).ledger.verify().ok:
        raise SystemExit("the log does not verify")


def head_compared(folder: Path) -> None:
    """Compare a head somebody saw, as every signature does."""
    workspace = open_again(folder)
    check_heads(workspace.ledger, (workspace.ledger.head(),))


STAGES: Mapping[str, Callable[[Path], object]] = {
    "fold": open_again,
    "open": open_again,
    "log": log_verified,
    "verify": verified,
    "now": lambda folder: state_at(open_again(folder), "2999-01-01"),
    "once": lambda folder: state_at(open_again(folder), "2026-01-01T00:00:02Z"),
    "seen": head_compared,
}


def measure(stage: str, folder: Path) -> None:
    """Print wall seconds, all processes' processor seconds and peak memory."""
    wall, cpu = time.perf_counter(), time.process_time()
    STAGES[stage](folder)
    helping = resource.getrusage(resource.RUSAGE_CHILDREN)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    cpu += helping.ru_utime + helping.ru_stime
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / MEBI
    sys.stdout.write(json.dumps([wall, cpu, peak]))


def measured(stage: str, folder: Path, rounds: int = 1) -> tuple[float, float, float]:
    """Run a stage in processes of its own; the middle one of each figure."""
    command = [sys.executable, "-m", "benchmarks.ledger", "--stage", stage]
    found = [
        json.loads(
            subprocess.run(  # noqa: S603 - this very program
                [*command, "--directory", str(folder)],
                check=True,
                stdout=subprocess.PIPE,
            ).stdout
        )
        for _ in range(rounds)
    ]
    wall, cpu, peak = (statistics.median(column) for column in zip(*found, strict=True))
    return wall, cpu, peak


def report(name: str, wall: float, cpu: float, peak: float | None = None) -> None:
    """Print one line."""
    memory = "" if peak is None else f"{peak:8.0f} MiB"
    sys.stdout.write(f"{name:<36}{wall * 1000:11.1f} ms{cpu * 1000:11.1f} ms{memory}\n")
    sys.stdout.flush()


class Bare:
    """What an append waits for at least: the same bytes, and nothing thought.

    Args:
        folder: A folder on the same disk.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._database = sqlite3.connect(folder / "bare.db", isolation_level=None)
        self._database.execute("PRAGMA journal_mode=WAL")
        self._database.execute("PRAGMA synchronous=FULL")
        self._database.execute("CREATE TABLE bare (n INTEGER PRIMARY KEY, row BLOB)")
        self._log = os.open(folder / "bare.log", os.O_CREAT | os.O_WRONLY, 0o600)

    def insert(self, row: bytes) -> None:
        """Insert one row into an SQLite table, durably."""
        self._database.execute("BEGIN IMMEDIATE")
        self._database.execute("INSERT INTO bare (row) VALUES (?)", (row,))
        self._database.execute("COMMIT")

    def sync(self) -> None:
        """Do what the disk is asked for: a journal grows, a checkpoint is replaced."""
        os.write(self._log, bytes(PAGES))
        os.fdatasync(self._log)
        temporary = self._folder / "bare-new"
        temporary.write_bytes(bytes(NOTE))
        descriptor = os.open(temporary, os.O_RDONLY)
        os.fsync(descriptor)
        os.close(descriptor)
        temporary.replace(self._folder / "bare")
        descriptor = os.open(self._folder, os.O_RDONLY)
        os.fsync(descriptor)
        os.close(descriptor)


def append(writer: Writer, workspace: Workspace, folder: Path) -> None:
    """Append proposals one by one, each signed and synced; print the middle times.

    The disk alone and a bare insert are timed in turn with it: whatever else the disk
    and the processor do, they do to all three.
    """
    bare, appended = Bare(folder), list[Entry]()

    def propose(append_: Callable[..., Entry]) -> Callable[[], object]:
        writer.edits += 1
        told, data = writer.proposal()
        return lambda: appended.append(
            append_(told.event, told.actor, data, now=told.time)
        )

    propose(workspace.ledger.append)()
    row = appended[0].payload
    times: dict[str, list[tuple[float, float]]] = {}
    for _ in range(APPENDS):
        works: dict[str, Callable[[], object]] = {
            "append, signed and synced": propose(workspace.ledger.append),
            "  of which waiting for the disk": bare.sync,
            "  beside a bare SQLite insert": partial(bare.insert, row),
        }
        for name, work in works.items():
            wall, cpu = time.perf_counter(), time.process_time()
            work()
            took = time.perf_counter() - wall, time.process_time() - cpu
            times.setdefault(name, []).append(took)
    middle = []
    for name, found in times.items():
        walls, cpus = zip(*found, strict=True)
        middle.append(statistics.median(walls))
        report(name, middle[-1], statistics.median(cpus))
    sys.stdout.write(
        f"append takes {middle[0] / middle[2]:.1f} bare inserts, "
        f"{middle[0] / middle[1]:.1f} times its syncs\n"
    )


def run(entries: int, root: Path) -> None:
    """Make a ledger and measure it."""
    sys.stdout.write(f"load {os.getloadavg()[0]:.1f}\n")
    house = build(root, fake_parts())
    folder = house.settings.workspace
    writer = Writer(house)
    workspace = open_again(folder)
    wall, cpu = time.perf_counter(), time.process_time()
    fill(writer, workspace, entries)
    size = workspace.ledger.head().size
    workspace.ledger.close()
    bytes_each = (folder / "ledger.db").stat().st_size // size
    sys.stdout.write(f"{size} entries, {writer.edits} edits, {bytes_each} bytes each\n")
    sys.stdout.write(f"{'':<36}{'wall':>14}{'processor':>14}{'peak':>12}\n")
    report("fill", time.perf_counter() - wall, time.process_time() - cpu)
    report("open without a mark: fold, write it", *measured("fold", folder))
    file = folder / "mark"
    # A short ledger is folded as fast as a mark is read, and gets none.
    mark = file.stat().st_size / MEBI**2 if file.exists() else 0.0
    append(writer, open_again(folder), root)
    report("open from the mark", *measured("open", folder, rounds=5))
    report("ledger state --at now", *measured("now", folder))
    report("ledger state --at the first entries", *measured("once", folder))
    report("compare a seen head, at signing", *measured("seen", folder))
    report("verify the log alone", *measured("log", folder))
    report("ledger verify", *measured("verify", folder))
    sys.stdout.write(f"mark {mark:.1f} MiB; load {os.getloadavg()[0]:.1f}\n")


def main() -> None:
    """Run the benchmark and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--entries", type=int, default=100_000)
    parser.add_argument("--directory", type=Path, default=None)
    parser.add_argument("--stage", choices=tuple(STAGES), default=None)
    options = parser.parse_args()
    if options.stage is not None:
        measure(options.stage, options.directory)
        return
    with tempfile.TemporaryDirectory(dir=options.directory) as name:
        run(options.entries, Path(name))


if __name__ == "__main__":
    main()
