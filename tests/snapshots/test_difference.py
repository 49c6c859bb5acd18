"""What lies between two snapshots."""

from dataclasses import replace

import numpy as np
import pytest
from safetensors.numpy import load_file

from governance.domain.snapshot import Snapshot
from governance.errors import WrongStateError
from governance.ledger.store import ObjectStore
from governance.pipeline.folder import PipelineFolder
from governance.snapshots.compose import load_overrides
from governance.snapshots.difference import diff


def test_norms_are_those_of_the_change(
    folder: PipelineFolder, store: ObjectStore, snapshot: Snapshot
) -> None:
    base = Snapshot(snapshot.base, (), {})
    found = diff(store, folder, base, snapshot)
    assert found.added == snapshot.edits
    assert found.removed == ()
    assert [norm.name for norm in found.tensors] == sorted(snapshot.tensors)
    new = load_overrides(store, snapshot)
    for norm in found.tensors:
        file, name = norm.name.split(":")
        old = load_file(folder.root / file)[name].astype(np.float64)
        moved = np.frombuffer(new[norm.name], np.float32).astype(np.float64)
        assert norm.norm == pytest.approx(
            np.linalg.norm(moved.reshape(old.shape) - old)
        )
        assert norm.norm > 1


def test_the_way_back_removes_what_the_way_there_added(
    folder: PipelineFolder, store: ObjectStore, snapshot: Snapshot
) -> None:
    base = Snapshot(snapshot.base, (), {})
    there = diff(store, folder, base, snapshot)
    back = diff(store, folder, snapshot, base)
    assert (back.added, back.removed) == (there.removed, there.added)
    turned = [replace(t, before=t.after, after=t.before) for t in there.tensors]
    assert list(back.tensors) == turned
    assert {t.name: t.after for t in there.tensors} == snapshot.tensors


def test_a_snapshot_does_not_differ_from_itself(
    folder: PipelineFolder, store: ObjectStore, snapshot: Snapshot
) -> None:
    found = diff(store, folder, snapshot, snapshot)
    assert (found.added, found.removed, found.tensors) == ((), (), ())


def test_snapshots_of_another_base_are_not_compared(
    folder: PipelineFolder, store: ObjectStore, snapshot: Snapshot
) -> None:
    other = Snapshot("0" * 64, (), {})
    with pytest.raises(WrongStateError, match="has another base"):
        diff(store, folder, other, snapshot)
