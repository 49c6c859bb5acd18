"""Snapshots in and out of the object store."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from governance.canonical import canonical_bytes
from governance.domain.snapshot import Snapshot
from governance.errors import IntegrityError, NotFoundError
from governance.ledger.store import ObjectStore
from governance.snapshots.compose import (
    check_rebuild,
    load_overrides,
    read_snapshot,
    snapshot_of,
    write_snapshot,
)

BASE, ONE, TWO = "0" * 64, "1" * 64, "2" * 64


@pytest.fixture
def objects(tmp_path: Path) -> ObjectStore:
    return ObjectStore(tmp_path / "objects")


def test_a_snapshot_comes_back_with_its_tensors(objects: ObjectStore) -> None:
    tensor = torch.tensor([[1.0, 2.0]], dtype=torch.float16)
    written = write_snapshot(objects, BASE, [TWO, ONE], {"unet/a:x": tensor})
    found = read_snapshot(objects, written.digest)
    assert found == written
    assert found.edits == (ONE, TWO)
    assert load_overrides(objects, found) == {"unet/a:x": b"\x00\x3c\x00\x40"}


def test_the_order_of_edits_and_tensors_does_not_matter(objects: ObjectStore) -> None:
    first = write_snapshot(objects, BASE, [ONE, TWO], {"u:a": b"1", "u:b": b"2"})
    second = write_snapshot(objects, BASE, [TWO, ONE], {"u:b": b"2", "u:a": b"1"})
    assert first.digest == second.digest


def test_bytes_and_the_tensor_they_are_give_one_digest(objects: ObjectStore) -> None:
    tensor = torch.tensor([1.5, -2.0])
    first = write_snapshot(objects, BASE, [ONE], {"u:a": tensor})
    data = load_overrides(objects, first)["u:a"]
    assert write_snapshot(objects, BASE, [ONE], {"u:a": data}) == first


def test_the_base_has_neither_edits_nor_tensors(objects: ObjectStore) -> None:
    base = write_snapshot(objects, BASE, (), {})
    assert read_snapshot(objects, base.digest) == Snapshot(BASE, (), {})


def test_tensors_that_no_edit_explains_are_refused(objects: ObjectStore) -> None:
    with pytest.raises(IntegrityError, match="without an edit"):
        write_snapshot(objects, BASE, (), {"u:a": b"1"})
    assert list(objects.digests()) == []


def test_a_changed_tensor_is_named(objects: ObjectStore) -> None:
    snapshot = write_snapshot(objects, BASE, [ONE], {"u:a": b"weights"})
    digest = snapshot.tensors["u:a"]
    objects.path(digest).write_bytes(b"weightz")
    with pytest.raises(IntegrityError, match=digest):
        load_overrides(objects, snapshot)


def test_an_absent_snapshot_is_not_found(objects: ObjectStore) -> None:
    with pytest.raises(NotFoundError, match=ONE):
        read_snapshot(objects, ONE)


@pytest.mark.parametrize(
    "change",
    [
        {"format": "governance/snapshot/v2"},
        {"base": "x"},
        {"base": None},
        {"edits": [TWO, ONE]},
        {"edits": [ONE, ONE]},
        {"edits": ONE},
        {"tensors": {"u:a": "short"}},
        {"tensors": []},
        {"more": 1},
    ],
    ids=str,
)
def test_what_no_snapshot_would_write_is_refused(change: dict[str, object]) -> None:
    document = {**Snapshot(BASE, (ONE, TWO), {}).document(), **change}
    with pytest.raises(IntegrityError, match="malformed"):
        snapshot_of(document)  # type: ignore[arg-type]


def test_an_object_that_is_no_snapshot_is_refused(objects: ObjectStore) -> None:
    for data in (b"not json", b"[" * 100_000, canonical_bytes([1])):
        with pytest.raises(IntegrityError):
            read_snapshot(objects, objects.put_bytes(data))


def test_a_rebuild_that_gives_the_same_passes() -> None:
    snapshot = Snapshot(BASE, (ONE,), {"u:a": ONE})
    check_rebuild(snapshot, replace(snapshot, tensors=dict(snapshot.tensors)))


@pytest.mark.parametrize(
    ("rebuilt", "named"),
    [
        (Snapshot(TWO, (ONE,), {"u:a": ONE}), "expected base 0000"),
        (Snapshot(BASE, (ONE, TWO), {"u:a": ONE}), f"first in {TWO}"),
        (Snapshot(BASE, (ONE,), {"u:a": TWO}), "tensor u:a: expected 1111"),
        (Snapshot(BASE, (ONE,), {}), "found the base tensor"),
    ],
)
def test_a_rebuild_that_differs_names_the_first_difference(
    rebuilt: Snapshot, named: str
) -> None:
    with pytest.raises(IntegrityError, match=named):
        check_rebuild(Snapshot(BASE, (ONE,), {"u:a": ONE}), rebuilt)
