"""Several processes write at once; one of them may be killed at any moment."""

import subprocess
import sys
from pathlib import Path

from governance.ledger.database import sqlite_url
from governance.ledger.log import Ledger
from governance.ledger.store import ObjectStore

WRITERS, EACH = 8, 100

APPEND = """
import sys
from governance.ledger.log import Ledger
url, name, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
with Ledger.open(url, create=True, busy_seconds=60) as ledger:
    print("ready", flush=True)
    sys.stdin.readline()
    for number in range(count):
        ledger.append("ThingHappened", name, {"n": number}, now="2026-03-01T12:00:00Z")
"""
STORE_AND_DIE = """
import os, signal, sys
from pathlib import Path
from governance.ledger.log import Ledger
from governance.ledger.store import ObjectStore
url, root, step = sys.argv[1:]
store = ObjectStore(Path(root))
if step == "in store":
    os.fsync = lambda _: os.kill(os.getpid(), signal.SIGKILL)
digest = store.put_bytes(b"an artifact")
with Ledger.open(url) as ledger:
    if step == "before append":
        os.kill(os.getpid(), signal.SIGKILL)
    with ledger.write() as transaction:
        transaction.append("Stored", "ada", {"digest": digest}, now=
                           "2026-03-01T12:00:00Z")
        if step == "before commit":
            os.kill(os.getpid(), signal.SIGKILL)
    print(digest, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def append_from_eight_processes(url: str) -> None:
    """Let eight processes append at once, and check that nothing was lost."""
    writers = [
        subprocess.Popen(  # noqa: S603 - our own script
            [sys.executable, "-c", APPEND, url, f"writer-{number}", str(EACH)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for number in range(WRITERS)
    ]
    for writer in writers:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "ready\n", "they also made it at once"
    for writer in writers:
        writer.communicate("go\n")
    assert [writer.returncode for writer in writers] == [0] * WRITERS
    with Ledger.open(url) as ledger:
        report = ledger.verify()
        assert report.ok
        assert report.entries == WRITERS * EACH
        entries = list(ledger.entries())
        for sequence in (1, 399, WRITERS * EACH):
            # Both raise where what is stored proves nothing.
            assert ledger.inclusion_proof(sequence, WRITERS * EACH)
            ledger.consistency_proof(sequence, WRITERS * EACH)
    for number in range(WRITERS):
        name = f"writer-{number}"
        own = [entry.data["n"] for entry in entries if entry.actor == name]
        assert own == list(range(EACH))


def test_eight_processes_append_and_nothing_is_lost_or_refused(file: Path) -> None:
    append_from_eight_processes(sqlite_url(file))


def test_a_kill_between_object_and_entry_leaves_no_entry_without_its_object(
    file: Path, tmp_path: Path
) -> None:
    url, root = sqlite_url(file), tmp_path / "objects"
    Ledger.open(url, create=True).close()
    expected = 0
    for step in ("in store", "before append", "before commit", "after commit"):
        done = subprocess.run(  # noqa: S603 - our own script
            [sys.executable, "-c", STORE_AND_DIE, url, str(root), step],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == -9, done.stderr
        expected += step == "after commit"
        with Ledger.open(url) as ledger:
            report = ledger.verify()
            assert report.ok, step
            assert report.entries == expected, step
            store = ObjectStore(root)
            assert list(store.verify_all()) == [], step
            for entry in ledger.entries():
                assert store.get(str(entry.data["digest"])) == b"an artifact"
