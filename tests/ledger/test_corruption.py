"""A flipped byte never passes for content, and never crashes anything."""

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from governance.errors import GovernanceError, IntegrityError
from governance.ledger.database import sqlite_url
from governance.ledger.log import Ledger
from governance.ledger.notary import Notary
from tests.flips import LONGEST, patterns
from tests.ledger.conftest import fill

# A prime step visits every region of a page; the whole file takes minutes.
STEP = 211
# Every so many bytes of a small file, each bit is flipped alone.
SAMPLE = 127


def judged(
    file: Path, notary: Notary, expected: list[bytes], *, readonly: bool = False
) -> bool:
    """Say whether the damage was named; it may also have changed nothing."""
    try:
        with Ledger.open(sqlite_url(file), notary=notary, readonly=readonly) as ledger:
            if not ledger.verify().ok:
                return True
            assert [entry.payload for entry in ledger.entries()] == expected
            assert ledger.head().size == len(expected)
            return False
    except GovernanceError:
        return True


@pytest.fixture
def original(file: Path, tmp_path: Path) -> tuple[bytes, Notary, list[bytes]]:
    notary = Notary.create(tmp_path, "example.org/models")
    with Ledger.open(sqlite_url(file), create=True, notary=notary) as ledger:
        fill(ledger, 8)
        payloads = [entry.payload for entry in ledger.entries()]
    return file.read_bytes(), notary, payloads


def sweep(
    file: Path, content: bytes, change: int, judge: Callable[[Path], bool]
) -> int:
    """Flip bytes one at a time and count how often that was named."""
    named = 0
    for position in range(0, len(content), STEP):
        damaged = bytearray(content)
        damaged[position] ^= change
        file.write_bytes(damaged)
        named += judge(file)
        for side in ("-wal", "-shm"):
            file.with_name(file.name + side).unlink(missing_ok=True)
    return named


@pytest.mark.parametrize("change", [0x01, 0xFF])
def test_a_flipped_byte_is_named_or_changes_nothing(
    file: Path, original: tuple[bytes, Notary, list[bytes]], change: int
) -> None:
    content, notary, payloads = original
    assert not judged(file, notary, payloads)
    named = sweep(file, content, change, lambda path: judged(path, notary, payloads))
    assert named > 10, "some of the file is content"


@pytest.mark.timeout(LONGEST)
def test_each_byte_of_a_small_database_is_named_or_changes_nothing(
    file: Path, tmp_path: Path
) -> None:
    """Small pages make a small file, so that every byte of it can be tried."""
    notary = Notary.create(tmp_path, "example.org/models")
    with Ledger.open(sqlite_url(file), create=True, notary=notary) as ledger:
        fill(ledger, 2)
        payloads = [entry.payload for entry in ledger.entries()]
    connection = sqlite3.connect(file)
    connection.execute("PRAGMA journal_mode=DELETE")
    connection.execute("PRAGMA page_size=512")
    connection.execute("VACUUM")
    connection.close()
    content = file.read_bytes()
    assert len(content) < 8192
    tried, named = 0, 0
    with file.open("r+b", buffering=0) as raw:
        for position, byte in enumerate(content):
            for bits in patterns(position, SAMPLE):
                raw.seek(position)
                raw.write(bytes([byte ^ bits]))
                tried += 1
                named += judged(file, notary, payloads, readonly=True)
            raw.seek(position)
            raw.write(bytes([byte]))
    assert file.read_bytes() == content
    assert named > tried // 2, "most of a full database is content"


def test_every_byte_of_a_payload_counts(
    file: Path, original: tuple[bytes, Notary, list[bytes]]
) -> None:
    content, notary, payloads = original
    start = content.index(payloads[4])
    for position in range(start, start + len(payloads[4]), 13):
        damaged = bytearray(content)
        damaged[position] ^= 0x20
        file.write_bytes(damaged)
        with Ledger.open(sqlite_url(file), notary=notary) as ledger:
            report = ledger.verify()
        assert report.first_bad is not None
        assert report.first_bad.sequence == 5


def test_damage_quoted_in_sqlites_own_words_is_still_damage(
    file: Path, original: tuple[bytes, Notary, list[bytes]]
) -> None:
    content = original[0].replace(b"CREATE TRIGGER", b"CREATE \xff\xfe\xfdGGER")
    assert content != original[0]
    file.write_bytes(content)
    with pytest.raises(IntegrityError, match="no readable SQLite database"):
        Ledger.open(sqlite_url(file))


def test_a_file_cut_short_is_named(
    file: Path, original: tuple[bytes, Notary, list[bytes]]
) -> None:
    content, notary, payloads = original
    for size in (1, 100, 4096, len(content) // 2):
        file.write_bytes(content[:size])
        assert judged(file, notary, payloads), size
        for side in ("-wal", "-shm"):
            file.with_name(file.name + side).unlink(missing_ok=True)
