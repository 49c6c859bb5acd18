"""gc: what killed actions stored and no entry names goes, and nothing else."""

import hashlib
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from governance.domain.signoff import Decision
from governance.errors import GovernanceError, LedgerError, NotFoundError
from governance.ledger.entry import Entry
from governance.ledger.store import ObjectStore
from governance.service import opening
from governance.service.application import Application
from governance.service.change_records import ChangeWish
from governance.service.facade import Job, JobKind
from governance.service.holding import holding, nobody_storing
from governance.service.leftover import Leftover
from tests.service.fakes import FakeSolver
from tests.service.house import House, quiet
from tests.service.test_changes import newer


def objects(house: House) -> set[str]:
    return set(house.store.digests())


def interrupted(house: House, solver: FakeSolver, name: str = "kora") -> str:
    """Stop an apply after its first tensor."""
    edit = house.propose("ana", name)
    solver.interrupt_after = 1
    with pytest.raises(KeyboardInterrupt):
        house.job("ana", JobKind.APPLY, edits=[edit])
    solver.interrupt_after = None
    return edit


def everything(house: House) -> None:
    """Do all that stores something: every entry of it is cited by verify."""
    house.live("kora")
    living = house.live("lume", preserve=["rose"])
    house.job("ben", JobKind.REVERT, edit=living, reason="settled")
    house.as_("ben").activate("base", "start over")
    house.as_("ben").propose_policy(newer(house, 2))
    house.as_("cleo").sign_change("C-0001", ChangeWish(Decision.APPROVE, "yes"))
    captions = house.root / "captions.txt"
    captions.write_text("a rose\n", encoding="utf-8")
    house.as_("ana").compute_statistics(captions, quiet)
    captions.write_text("a rose is a rose\n", encoding="utf-8")
    house.as_("ana").import_statistics(captions)
    other = house.root / "other"
    other.mkdir()
    (other / "model_index.json").write_text("{}", encoding="utf-8")
    house.as_("ana").add_model("other", str(other))


def test_the_tensors_of_an_interrupted_apply_are_removed(
    house: House, solver: FakeSolver
) -> None:
    before = objects(house)
    edit = interrupted(house, solver)
    left = objects(house) - before
    sizes = sum(house.store.size(digest) for digest in left)
    assert left
    size = house.size()
    found = house.as_("ana").collect()
    assert (set(found.left), found.left_freed, found.held) == (left, sizes, False)
    assert (found.candidates, found.objects, found.freed) == ((), (), 0)
    assert objects(house) == before
    assert house.size() == size, "what was never recorded needs no entry"
    assert house.as_("ana").verify().ok
    house.job("ana", JobKind.APPLY, edits=[edit])
    assert house.as_("ana").collect().left == ()
    assert house.as_("ana").verify().ok


def test_nothing_that_an_entry_names_in_any_way_is_left_over(house: House) -> None:
    everything(house)
    before = objects(house)
    found = house.as_("ana").collect()
    assert (found.left, found.held) == ((), False)
    assert objects(house) == before
    assert house.as_("ana").verify().ok


def test_what_a_running_apply_stored_stays_until_it_is_recorded(
    house: House, solver: FakeSolver
) -> None:
    """Both apply: one was interrupted, the other is between solving and recording."""
    interrupted(house, solver)
    edit = house.propose("ana", "lume")
    application, job = house.as_("ana"), Job(JobKind.APPLY, {"edits": [edit]})
    with application.holding():
        result = application.compute(job, quiet)
        stored = objects(house)
        found = house.as_("cleo").collect()
        assert (found.left, found.held) == ((), True)
        assert objects(house) == stored
        application.finish(job, result)
    found = house.as_("cleo").collect()
    assert found.left
    assert house.as_("ana").verify().ok
    assert house.as_("ana").edit(edit).candidate == result["candidate"]


def test_gc_gives_candidates_back_while_an_action_is_at_work(house: House) -> None:
    edit = house.ready("ana")
    house.as_("ana").withdraw(edit, "not needed")
    with house.as_("ben").holding():
        found = house.as_("cleo").collect()
    assert found.held
    assert len(found.candidates) == 1


def test_a_result_that_nobody_held_is_refused_once_gc_removed_it(house: House) -> None:
    edit = house.propose("ana")
    application, job = house.as_("ana"), Job(JobKind.APPLY, {"edits": [edit]})
    result = application.compute(job, quiet)
    assert house.as_("cleo").collect().left
    size = house.size()
    with pytest.raises(GovernanceError, match="not in the store"):
        application.finish(job, result)
    assert house.size() == size
    application.finish(job, application.compute(job, quiet))
    assert house.as_("ana").verify().ok


def test_whatever_an_action_stores_it_stores_while_it_holds(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a gc beside it could take for left over what it is about to record."""
    put, unheld = ObjectStore.put_bytes, list[bytes]()

    def watched(store: ObjectStore, data: bytes) -> str:
        with nobody_storing(store.root) as alone:
            if alone:
                unheld.append(data[:80])
        return put(store, data)

    file = ObjectStore.put_file

    def watched_file(store: ObjectStore, path: Path, **rest: Any) -> str:
        with nobody_storing(store.root) as alone:
            if alone:
                unheld.append(bytes(path))
        return file(store, path, **rest)

    monkeypatch.setattr(ObjectStore, "put_bytes", watched)
    monkeypatch.setattr(ObjectStore, "put_file", watched_file)
    everything(house)
    assert unheld == []
    house.store.put_bytes(b"by hand")
    assert unheld == [b"by hand"], "and this would be noticed"


def test_a_dry_run_names_what_is_left_and_removes_nothing(
    house: House, solver: FakeSolver
) -> None:
    interrupted(house, solver)
    before = objects(house)
    settings = replace(house.settings, readonly=True)
    reading = Application(opening.open_existing(settings, house.parts, house.clock))
    said = reading.collect(dry_run=True)
    assert objects(house) == before
    done = house.as_("ana").collect()
    assert said.left
    assert (said.left, said.left_freed) == (done.left, done.left_freed)


def test_gc_that_was_killed_halfway_is_finished_by_the_next(
    house: House, solver: FakeSolver, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = objects(house)
    interrupted(house, solver)
    interrupted(house, solver, "lume")
    remove, removed = ObjectStore.remove, list[str]()

    def once(store: ObjectStore, digest: str) -> None:
        if removed:
            raise KeyboardInterrupt
        removed.append(digest)
        remove(store, digest)

    monkeypatch.setattr(ObjectStore, "remove", once)
    with pytest.raises(KeyboardInterrupt):
        house.as_("ana").collect()
    monkeypatch.undo()
    assert objects(house) > before
    house.as_("ana").collect()
    assert objects(house) == before


@pytest.mark.parametrize("kind", ["candidate", "evidence", "base"])
def test_where_a_document_is_missing_nothing_counts_as_left_over(
    house: House, solver: FakeSolver, kind: str
) -> None:
    """What it names would look as if nobody named it."""
    edit = house.live()
    detail = house.as_("ana").edit(edit)
    lost = {
        "candidate": detail.candidate,
        "evidence": detail.evidence_digest,
        "base": house.as_("ana").model("mini").base,
    }[kind]
    assert lost is not None
    interrupted(house, solver, "lume")
    house.store.remove(lost)
    before = objects(house)
    with pytest.raises(NotFoundError, match=f"{lost} is not in the store"):
        house.as_("ana").collect()
    assert objects(house) == before


def test_a_changed_document_stops_gc_before_it_removes_anything(
    house: House, solver: FakeSolver
) -> None:
    detail = house.as_("ana").edit(house.live())
    interrupted(house, solver, "lume")
    assert detail.evidence_digest is not None
    house.store.path(detail.evidence_digest).write_bytes(b"{}")
    before = objects(house)
    with pytest.raises(GovernanceError, match="was changed"):
        house.as_("ana").collect()
    assert objects(house) == before


def named_by(*digests: str) -> Iterator[Entry]:
    for number, digest in enumerate(digests, 1):
        yield Entry(number, "2026-01-01T00:00:00Z", "Named", "ana", {"x": digest})


@pytest.mark.parametrize("before", [0, 30, 63, 64, 65])
def test_a_digest_across_two_chunks_of_a_long_document_is_seen(
    tmp_path: Path, before: int
) -> None:
    store = ObjectStore(tmp_path / "objects")
    named, left = store.put_bytes(b"named"), store.put_bytes(b"left")
    padding = b"[" + b" " * (1024 * 1024 - 1 - before)
    document = store.put_bytes(padding + named.encode() + b"]")
    leftover = Leftover(store)
    leftover.see(named_by(document))
    assert set(leftover.sizes()) == {left}


def test_documents_are_followed_as_deep_as_they_go(tmp_path: Path) -> None:
    store = ObjectStore(tmp_path / "objects")
    left = last = store.put_bytes(b"the end of no chain")
    last = store.put_bytes(b"a picture")
    for _ in range(5):
        last = store.put_bytes(f'{{"next": "{last}"}}'.encode())
    store.put_bytes(f'{{"next": "{last}", "top": 1}}'.encode())
    leftover = Leftover(store)
    leftover.see(named_by(last))
    found = set(leftover.sizes())
    assert len(found) == 2
    assert left in found


def test_what_is_no_object_is_let_be(tmp_path: Path) -> None:
    store = ObjectStore(tmp_path / "objects")
    store.put_bytes(b"left")
    (store.root / "ab").mkdir()
    (store.root / "ab" / "notes").write_text("mine", encoding="utf-8")
    leftover = Leftover(store)
    assert list(leftover.sizes()) == [hashlib.sha256(b"left").hexdigest()]


def test_holds_are_shared_and_end_with_their_holder(tmp_path: Path) -> None:
    with ExitStack() as holds:
        holds.enter_context(holding(tmp_path))
        holds.enter_context(holding(tmp_path))
        with nobody_storing(tmp_path) as alone:
            assert not alone
    with nobody_storing(tmp_path) as alone:
        assert alone
    with (
        pytest.raises(LedgerError, match="cannot be held: No such file"),
        holding(tmp_path / "gone"),
    ):
        pass
