"""gc: what nobody can activate any more gives its tensors back, and nothing else."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from governance.domain.lifecycle import EvidenceStatus
from governance.domain.releasing import TensorsReleased
from governance.domain.signoff import Decision
from governance.errors import (
    GovernanceError,
    IntegrityError,
    UsageError,
    WrongStateError,
)
from governance.service import opening
from governance.service.application import Application
from governance.service.facade import Job, JobKind
from governance.service.ports import Place, Solved
from governance.service.stored import put_document, stored_snapshot
from tests.service.fakes import FakeSolver
from tests.service.house import House, quiet


def tensors(house: House, digest: str) -> set[str]:
    return set(stored_snapshot(house.store, digest).tensors.values())


def candidate(house: House, edit: str) -> str:
    found = house.as_("ana").edit(edit).candidate
    assert found is not None
    return found


def withdrawn(house: House, edit: str) -> None:
    house.as_("ana").withdraw(edit, "not needed")


def rejected(house: House, edit: str) -> None:
    house.as_("ben").sign(edit, Decision.REJECT, "no")


def stale(house: House, edit: str) -> None:
    del edit
    house.live("mondo")


def superseded(house: House, edit: str) -> None:
    """Apply it again together with another: another candidate."""
    other = house.propose("ana", "rose")
    house.job("ana", JobKind.APPLY, edits=[edit, other])


ENDS = [withdrawn, rejected, stale, superseded]


@pytest.mark.parametrize("end", ENDS)
def test_a_candidate_nobody_can_activate_gives_its_tensors_back(
    house: House, end: Callable[[House, str], None]
) -> None:
    edit = house.ready("ana")
    digest = candidate(house, edit)
    before = set(house.store.digests())
    end(house, edit)
    sizes = {item: house.store.size(item) for item in tensors(house, digest)}
    found = house.as_("ana").collect()
    assert found.candidates == (digest,)
    assert set(found.objects) == set(sizes)
    assert found.freed == sum(sizes.values())
    assert digest not in found.kept
    assert before - set(house.store.digests()) == set(sizes), "nothing else is removed"
    assert house.as_("ana").verify().ok


def test_what_can_still_be_signed_keeps_its_tensors(house: House) -> None:
    edit = house.ready("ana")
    found = house.as_("ana").collect()
    assert (found.candidates, found.objects, found.freed) == ((), (), 0)
    assert candidate(house, edit) in found.kept
    assert house.approve("ben", edit).state == "LIVE"


def test_what_is_or_was_live_keeps_its_tensors(house: House) -> None:
    first = house.live("kora")
    only_first = house.as_("ana").model("mini").live
    house.live("lume")
    found = house.as_("ana").collect()
    assert found.candidates == ()
    assert set(found.kept) == {
        only_first,
        house.as_("ana").model("mini").live,
        house.as_("ana").model("mini").base,
    }
    house.as_("ben").activate(only_first, "back")
    assert house.as_("ana").snapshot("live").edits == (first,)
    house.as_("ben").activate("base", "further back")
    assert house.as_("ana").verify().ok


def test_a_tensor_another_snapshot_uses_stays(
    house: House, solver: FakeSolver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A solver that gives every snapshot one tensor in common."""
    solve = solver.solve

    def sharing(place: Place, *rest: Any) -> Solved:
        found = solve(place, *rest)
        common = {"unet/file:shared": place.store.put_bytes(b"in common")}
        tensors = {**found.snapshot.tensors, **common}
        snapshot = replace(found.snapshot, tensors=tensors)
        put_document(place.store, snapshot.document())
        return replace(found, snapshot=snapshot)

    monkeypatch.setattr(solver, "solve", sharing)
    house.live("lume")
    edit = house.ready("ana", "kora")
    digest = candidate(house, edit)
    shared = tensors(house, digest) & tensors(
        house, house.as_("ana").model("mini").live
    )
    assert len(shared) == 1
    withdrawn(house, edit)
    found = house.as_("ana").collect()
    assert set(found.objects) == tensors(house, digest) - shared
    assert all(house.store.has(item) for item in shared)
    assert house.as_("ana").verify().ok


def test_applying_again_solves_the_same_digest_and_it_can_go_live(
    house: House,
) -> None:
    edit = house.ready("ana")
    digest = candidate(house, edit)
    house.live("lume")
    base = house.as_("ana").model("mini").base
    assert house.as_("ana").collect().candidates == (digest,)
    house.as_("ben").activate(base, "as it was")
    house.job("ana", JobKind.APPLY, edits=[edit])
    assert candidate(house, edit) == digest
    assert house.as_("ana").verify().ok
    house.job("ana", JobKind.CHECK, edit=edit)
    assert house.approve("ben", edit).live == digest
    assert house.as_("ana").collect().candidates == ()
    assert house.as_("ana").verify().ok


def test_a_released_candidate_is_stale_even_where_its_parent_is_live_again(
    house: House,
) -> None:
    edit = house.ready("ana")
    house.live("lume")
    house.as_("ana").collect()
    house.as_("ben").activate("base", "as it was")
    detail = house.as_("ana").edit(edit)
    assert detail.evidence is EvidenceStatus.STALE
    with pytest.raises(WrongStateError, match="gave its tensors back"):
        house.approve("ben", edit)
    with pytest.raises(WrongStateError, match="gave its tensors back"):
        house.job("ana", JobKind.PREVIEW, edit=edit, prompt="kora", seeds=1)
    with pytest.raises(WrongStateError, match="gave its tensors back"):
        house.as_("ana").diff("base", str(detail.candidate))
    assert [item.released for item in house.as_("ana").snapshots()] == [
        False,
        True,
        False,
    ]


def test_the_ledger_says_who_gave_what_back(house: House) -> None:
    edit = house.ready("ana")
    digest = candidate(house, edit)
    withdrawn(house, edit)
    found = house.as_("cleo").collect()
    row = house.as_("ana").log()[-1]
    assert (row.event, row.actor) == ("TensorsReleased", "cleo")
    assert row.payload["data"] == {
        "candidates": [digest],
        "objects": list(found.objects),
        "freed": found.freed,
    }


def test_a_missing_object_that_gc_did_not_give_back_is_named(house: House) -> None:
    kept = house.live("lume")
    gone = house.ready("ana", "kora")
    withdrawn(house, gone)
    house.as_("ana").collect()
    assert house.as_("ana").verify().ok
    lost = sorted(tensors(house, candidate(house, kept)))[0]
    house.store.remove(lost)
    verdict = house.as_("ana").verify()
    assert not verdict.ok
    assert lost in verdict.message
    assert verdict.first_bad is not None
    assert "Applied" in house.as_("ana").log()[verdict.first_bad - 1].event


def test_a_tensor_missing_before_gc_gave_it_back_is_named(house: House) -> None:
    edit = house.ready("ana")
    withdrawn(house, edit)
    house.store.remove(sorted(tensors(house, candidate(house, edit)))[0])
    assert not house.as_("ana").verify().ok


def test_a_changed_object_is_named_though_it_may_be_missing(house: House) -> None:
    edit = house.ready("ana")
    digest = candidate(house, edit)
    content = {item: house.store.get(item) for item in tensors(house, digest)}
    withdrawn(house, edit)
    house.as_("ana").collect()
    one = sorted(content)[0]
    house.store.put_bytes(content[one])
    assert house.as_("ana").verify().ok, "present and whole is fine"
    house.store.path(one).write_bytes(b"other")
    verdict = house.as_("ana").verify()
    assert not verdict.ok
    assert "was changed" in verdict.message


def test_the_second_gc_finds_nothing_and_writes_nothing(house: House) -> None:
    withdrawn(house, house.ready("ana"))
    assert house.as_("ana").collect().candidates
    size = house.size()
    again = house.as_("ana").collect()
    assert (again.candidates, again.objects, again.freed) == ((), (), 0)
    assert house.size() == size


def test_a_dry_run_says_the_same_and_does_nothing(house: House) -> None:
    withdrawn(house, house.ready("ana"))
    before, size = set(house.store.digests()), house.size()
    said = house.as_("ana").collect(dry_run=True)
    assert (set(house.store.digests()), house.size()) == (before, size)
    done = house.as_("ana").collect()
    assert said.dry_run
    assert (said.candidates, said.objects, said.freed) == (
        done.candidates,
        done.objects,
        done.freed,
    )


def test_reading_only_refuses(house: House) -> None:
    withdrawn(house, house.ready("ana"))
    before = set(house.store.digests())
    settings = replace(house.settings, readonly=True)
    reading = Application(opening.open_existing(settings, house.parts, house.clock))
    with pytest.raises(UsageError, match="reading only"):
        reading.collect()
    assert set(house.store.digests()) == before


def test_an_apply_that_began_before_gc_records_no_missing_object(house: House) -> None:
    """Solved while the old candidate stood, recorded after its objects were removed."""
    edit = house.ready("ana")
    application = house.as_("ana")
    job = Job(JobKind.APPLY, {"edits": [edit]})
    live = house.propose("ana", "lume")
    house.job("ana", JobKind.APPLY, edits=[live])
    house.job("ana", JobKind.CHECK, edit=live)
    result = application.compute(job, quiet)
    house.approve("ben", live)
    house.as_("cleo").collect()
    house.as_("ben").activate("base", "as it was")
    with pytest.raises(WrongStateError, match="removed since it was solved") as caught:
        application.finish(job, result)
    assert "Repeat" in caught.value.hint
    assert house.as_("ana").verify().ok
    application.finish(job, application.compute(job, quiet))
    assert house.as_("ana").verify().ok


def test_a_candidate_is_released_by_gc_alone(house: House) -> None:
    """An entry that releases what is live, or what never was, is never kept."""
    edit = house.live()
    for digest in (candidate(house, edit), "0" * 64):
        workspace = opening.open_existing(house.settings, house.parts, house.clock)
        with (
            pytest.raises(IntegrityError, match="gave its tensors back"),
            workspace.writing() as writing,
        ):
            writing.append(TensorsReleased([digest], [], 0), "mallory")
    assert house.as_("ana").verify().ok


def test_a_release_of_what_could_still_be_signed_is_named(house: House) -> None:
    edit = house.ready("ana")
    workspace = opening.open_existing(house.settings, house.parts, house.clock)
    with workspace.writing() as writing:
        writing.append(TensorsReleased([candidate(house, edit)], [], 0), "mallory")
    verdict = house.as_("ana").verify()
    assert not verdict.ok
    assert "could still be" in verdict.message


def test_every_error_of_gc_is_one_people_understand(house: House) -> None:
    withdrawn(house, house.ready("ana"))
    digest = candidate(house, "E-0001")
    house.store.remove(digest)
    with pytest.raises(GovernanceError, match="not in the store"):
        house.as_("ana").collect()
