"""Objects are what their digest says, durable before they are named."""

import hashlib
import os
import stat
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from governance.errors import IntegrityError, LedgerError, NotFoundError, UsageError
from governance.ledger.store import ObjectStore, StoreProblem

HELLO = hashlib.sha256(b"hello").hexdigest()
ABSENT = "0" * 64


@pytest.fixture
def store(tmp_path: Path) -> ObjectStore:
    return ObjectStore(tmp_path / "objects", max_bytes=1000)


def place(store: ObjectStore, digest: str) -> Path:
    return store.root / digest[:2] / digest[2:]


@given(st.binary(max_size=200))
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_was_put_is_got_by_its_sha256(store: ObjectStore, data: bytes) -> None:
    digest = store.put_bytes(data)
    assert digest == hashlib.sha256(data).hexdigest()
    assert store.get(digest) == data
    assert store.put_bytes(data) == digest, "twice is once"


def test_a_file_is_copied_and_the_copy_outlives_it(
    store: ObjectStore, tmp_path: Path
) -> None:
    source = tmp_path / "source"
    source.write_bytes(b"hello")
    assert store.put_file(source) == HELLO
    source.write_bytes(b"other")
    assert store.get(HELLO) == b"hello"
    assert store.size(HELLO) == 5
    assert store.has(HELLO)
    assert list(store.digests()) == [HELLO]


def test_an_opened_object_is_at_its_beginning(store: ObjectStore) -> None:
    store.put_bytes(b"hello")
    with store.open(HELLO) as file:
        assert file.read() == b"hello"
    assert store.path(HELLO).read_bytes() == b"hello"


def test_only_the_owner_can_look_inside(store: ObjectStore) -> None:
    store.put_bytes(b"hello")
    for path in [store.root, *store.root.rglob("*")]:
        expected = 0o700 if path.is_dir() else 0o600
        assert stat.S_IMODE(path.stat().st_mode) == expected, path


def test_a_changed_object_is_named(store: ObjectStore) -> None:
    store.put_bytes(b"hello")
    store.put_bytes(b"untouched")
    place(store, HELLO).write_bytes(b"jello")
    for reading in (store.get, store.open, store.path):
        with pytest.raises(IntegrityError, match=f"object {HELLO} was changed"):
            reading(HELLO)
    changed = hashlib.sha256(b"jello").hexdigest()
    assert list(store.verify_all()) == [
        StoreProblem(HELLO, f"object {HELLO} was changed: its content is {changed}")
    ]


def test_putting_the_right_content_again_mends_a_damaged_object(
    store: ObjectStore,
) -> None:
    store.put_bytes(b"hello")
    place(store, HELLO).write_bytes(b"")
    store.put_bytes(b"hello")
    assert store.get(HELLO) == b"hello"


def test_an_absent_object_is_not_found(store: ObjectStore) -> None:
    assert not store.has(ABSENT)
    assert list(store.digests()) == []
    assert list(store.verify_all()) == []
    for reading in (store.get, store.open, store.path, store.size):
        with pytest.raises(NotFoundError, match=f"object {ABSENT} is not in the store"):
            reading(ABSENT)


@pytest.mark.parametrize(
    "digest",
    ["", "../../etc/passwd", ABSENT.upper().replace("0", "A"), ABSENT[:-1], ABSENT * 2],
)
def test_what_is_no_digest_never_becomes_a_path(
    store: ObjectStore, digest: str
) -> None:
    for reading in (store.get, store.has, store.size, store.remove):
        with pytest.raises(UsageError, match="expected 64 hex digits"):
            reading(digest)


def test_a_link_in_place_of_an_object_is_not_followed(
    store: ObjectStore, tmp_path: Path
) -> None:
    store.put_bytes(b"hello")
    outside = tmp_path / "outside"
    outside.write_bytes(b"hello")
    place(store, HELLO).unlink()
    place(store, HELLO).symlink_to(outside)
    assert not store.has(HELLO)
    with pytest.raises(IntegrityError, match=f"object {HELLO} cannot be read"):
        store.get(HELLO)
    store.put_bytes(b"hello")
    assert not place(store, HELLO).is_symlink()


def test_a_link_in_place_of_a_folder_is_not_followed(
    store: ObjectStore, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    store.root.mkdir()
    (store.root / HELLO[:2]).symlink_to(elsewhere)
    with pytest.raises(IntegrityError, match="is a link"):
        store.put_bytes(b"hello")
    assert list(elsewhere.iterdir()) == []


@pytest.mark.parametrize("kind", ["link", "pipe", "folder"])
def test_only_regular_files_are_taken_in(
    store: ObjectStore, tmp_path: Path, kind: str
) -> None:
    odd = tmp_path / "odd"
    if kind == "link":
        odd.symlink_to("/etc/hostname")
    elif kind == "pipe":
        os.mkfifo(odd)
    else:
        odd.mkdir()
    with pytest.raises(UsageError, match="cannot be read"):
        store.put_file(odd)
    with pytest.raises(NotFoundError, match="there is no file"):
        store.put_file(tmp_path / "absent")


def test_what_is_too_large_leaves_nothing_behind(
    store: ObjectStore, tmp_path: Path
) -> None:
    source = tmp_path / "source"
    source.write_bytes(b"x" * 1001)
    with pytest.raises(UsageError, match="too large"):
        store.put_bytes(b"x" * 1001)
    with pytest.raises(UsageError, match="too large: expected at most 1000 bytes"):
        store.put_file(source)
    with pytest.raises(UsageError, match="at most 10 bytes"):
        store.put_file(source, max_bytes=10)
    assert [path for path in store.root.rglob("*") if path.is_file()] == []


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_full_disk_leaves_nothing_under_a_digest(
    store: ObjectStore, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    if step == "fsync":
        monkeypatch.setattr(os, "fsync", fail)
    else:
        monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(LedgerError, match="No space left on device"):
        store.put_bytes(b"hello")
    assert [path for path in store.root.rglob("*") if path.is_file()] == []


def test_a_killed_writers_remains_are_no_object_and_can_be_swept(
    store: ObjectStore,
) -> None:
    store.put_bytes(b"hello")
    (store.root / "incoming" / "0123").write_bytes(b"half")
    assert list(store.digests()) == [HELLO]
    assert list(store.verify_all()) == []
    assert store.remove_abandoned() == 1
    assert store.get(HELLO) == b"hello"


def test_a_stray_file_is_named(store: ObjectStore) -> None:
    store.put_bytes(b"hello")
    stray = store.root / HELLO[:2] / "notes.txt"
    stray.write_text("hi")
    top = store.root / "top"
    top.write_text("hi")
    assert {problem.digest for problem in store.verify_all()} == {str(stray), str(top)}


def test_a_removed_object_is_gone_and_removing_again_is_fine(
    store: ObjectStore,
) -> None:
    store.put_bytes(b"hello")
    store.remove(HELLO)
    store.remove(HELLO)
    assert not store.has(HELLO)
