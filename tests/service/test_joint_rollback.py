"""Where a rollback takes two people, both run the same command."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from governance.canonical import JSON
from governance.domain.rollback import RollbackSigned
from governance.domain.signoff import ROLLBACK_NAMESPACE, RollbackStatement
from governance.errors import PolicyRefusedError, SignOffMissingError, WrongStateError
from governance.identity.keys import read_public_key
from governance.service.facade import JobKind
from governance.service.ports import Parts
from tests.service.fakes import FakeExporter
from tests.service.house import House, build
from tests.service.test_changes import APPROVE, join, leave, newer
from tests.service.test_talked_round import forge, refused, signature, unverified


def both(root: Path, parts: Parts, **rule: JSON) -> House:
    """A workspace in which two people have to sign for a rollback."""

    def change(spec: dict[str, JSON]) -> None:
        spec["rollback"] = {"required_approvals": 2, **rule}

    return build(root, parts, change=change)


@pytest.fixture
def pair(tmp_path: Path, parts: Parts) -> House:
    return both(tmp_path, parts)


def revert(
    house: House, who: str, edit: str, reason: str = "harm"
) -> Mapping[str, JSON]:
    return house.job(who, JobKind.REVERT, edit=edit, reason=reason)


def live(house: House) -> str:
    return house.as_("ana").model("mini").live


def events(house: House) -> list[str]:
    return [row.event for row in house.as_("ana").log()]


def test_two_people_revert_by_running_the_same_command(pair: House) -> None:
    edit = pair.live()
    before = live(pair)
    first = revert(pair, "ben", edit, "it harms")
    assert (first["edits"], first["state"], first["live"]) == ([edit], "LIVE", before)
    assert first["missing"] == ["1 more signature"]
    second = revert(pair, "cleo", edit, "I agree")
    assert (second["state"], second["missing"]) == ("REVERTED", [])
    assert second["live"] == live(pair) != before
    assert events(pair)[-2:] == ["RollbackSigned", "EditReverted"]
    assert pair.as_("ana").verify().ok


def test_two_people_return_to_the_base_by_running_the_same_command(
    pair: House,
) -> None:
    edit = pair.live()
    before = live(pair)
    first = pair.as_("ben").activate("base", "it harms")
    assert (first.live, first.missing) == (before, ("1 more signature",))
    second = pair.as_("ana").activate("base", "I agree")
    assert (second.live, second.missing) == (live(pair), ())
    assert live(pair) != before
    assert pair.as_("ana").edit(edit).state == "REVERTED"
    assert events(pair)[-2:] == ["RollbackSigned", "SnapshotRestored"]
    assert pair.as_("ana").verify().ok


def test_one_person_cannot_sign_twice(pair: House) -> None:
    edit = pair.live()
    revert(pair, "ben", edit)
    pair.as_("ben").activate("base", "harm")
    again: list[Callable[[], object]] = [
        lambda: revert(pair, "ben", edit, "and again"),
        lambda: pair.as_("ben").activate("base", "and again"),
    ]
    for act in again:
        refused(pair, act, WrongStateError, "'ben' signed for it already")


def test_a_revert_does_not_lend_its_signature_to_an_activation(pair: House) -> None:
    """Both would leave the base live, and still say different things."""
    edit = pair.live()
    revert(pair, "ben", edit)
    assert pair.as_("cleo").activate("base", "harm").missing == ("1 more signature",)
    assert pair.as_("ana").edit(edit).state == "LIVE"


def test_a_signature_for_one_edit_does_not_count_for_another(pair: House) -> None:
    first, second = pair.live(), pair.live("mondo")
    revert(pair, "ben", first)
    assert revert(pair, "cleo", second)["missing"] == ["1 more signature"]
    assert pair.as_("ana").edit(first).state == "LIVE"
    assert pair.as_("ana").edit(second).state == "LIVE"


def test_a_signature_ends_when_something_else_goes_live(pair: House) -> None:
    edit = pair.live()
    revert(pair, "ben", edit)
    pair.as_("ben").activate("base", "harm")
    pair.live("mondo")
    assert revert(pair, "cleo", edit)["missing"] == ["1 more signature"]
    activated = pair.as_("cleo").activate("base", "harm")
    assert activated.missing == ("1 more signature",)
    assert pair.as_("ana").verify().ok


def test_it_does_not_come_back_when_the_same_snapshot_is_live_again(
    pair: House,
) -> None:
    """What was signed on Monday says nothing of the same snapshot on Friday."""
    first = pair.live()
    on_monday = live(pair)
    revert(pair, "ben", first)
    second = pair.live("mondo")
    revert(pair, "ben", second)
    revert(pair, "cleo", second)
    assert live(pair) == on_monday
    assert revert(pair, "cleo", first)["missing"] == ["1 more signature"]


def test_what_moved_between_solving_and_signing_is_refused(pair: House) -> None:
    from governance.service.facade import Job

    first, second = pair.live(), pair.live("mondo")
    application = pair.as_("cleo")
    job = Job(JobKind.REVERT, {"edit": first, "reason": "harm"})
    result = application.compute(job, lambda _: None)
    revert(pair, "ben", second)
    revert(pair, "ana", second)
    refused(
        pair,
        lambda: application.finish(job, result),
        WrongStateError,
        "another snapshot went live meanwhile",
    )


def test_the_first_signature_does_not_count_once_its_key_is_revoked(
    pair: House,
) -> None:
    join(pair, "dora")
    edit = pair.live()
    revert(pair, "cleo", edit)
    leave(pair, "cleo")
    assert revert(pair, "ben", edit)["missing"] == ["1 more signature"]
    assert revert(pair, "dora", edit)["state"] == "REVERTED"
    assert pair.as_("ana").verify().ok


def test_the_first_signature_does_not_count_under_a_newer_policy(pair: House) -> None:
    edit = pair.live()
    revert(pair, "cleo", edit)
    rule: JSON = {"required_approvals": 2}
    pair.as_("ana").propose_policy(newer(pair, 2, rollback=rule))
    pair.as_("ben").sign_change("C-0001", APPROVE)
    assert revert(pair, "ben", edit)["missing"] == ["1 more signature"]
    assert revert(pair, "cleo", edit)["state"] == "REVERTED"
    assert pair.as_("ana").verify().ok


def test_a_proposer_is_not_one_of_the_two_where_the_policy_forbids_it(
    tmp_path: Path, parts: Parts
) -> None:
    house = both(tmp_path, parts, proposer_allowed=False)
    edit = house.live()
    revert(house, "ben", edit)
    refused(
        house,
        lambda: revert(house, "ana", edit),
        PolicyRefusedError,
        "given by the proposer",
    )
    assert revert(house, "cleo", edit)["state"] == "REVERTED"


def test_both_must_hold_what_was_reverted_to_be_approved_again(pair: House) -> None:
    edit = pair.live()
    held = live(pair)
    for who in ("ben", "cleo"):
        revert(pair, who, edit)
    for who in ("ana", "ben", "cleo"):
        refused(
            pair,
            lambda who=who: pair.as_(who).activate(held, "was fine"),  # type: ignore[misc]
            SignOffMissingError,
            "which was taken back: propose it again",
        )


def test_of_two_second_signatures_at_once_one_counts(pair: House) -> None:
    edit = pair.live()
    pair.as_("ana").activate("base", "harm")
    found: list[str] = []
    start = threading.Barrier(2)

    def sign(who: str) -> None:
        application = pair.as_(who)
        start.wait()
        try:
            found.append(", ".join(application.activate("base", "harm").missing))
        except WrongStateError as error:
            found.append(error.message)

    threads = [threading.Thread(target=sign, args=(who,)) for who in ("ben", "cleo")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (refusal,) = [item for item in found if item]
    assert "went live meanwhile" in refusal or "is live already" in refusal
    assert found.count("") == 1
    assert events(pair).count("SnapshotRestored") == 1
    assert pair.as_("ana").edit(edit).state == "REVERTED"
    assert pair.as_("ana").verify().ok


def test_the_record_and_an_export_name_both_who_signed(
    pair: House, exporter: FakeExporter, tmp_path: Path
) -> None:
    edit = pair.live()
    pair.live("mondo")
    for who in ("ben", "cleo"):
        revert(pair, who, edit)
    at = pair.as_("ana").log()[-1].time
    (activation,) = pair.as_("ana").state_at(at).activations
    assert [hand.principal for hand in activation.signatures] == ["ben", "cleo"]
    pair.job(
        "ana",
        JobKind.EXPORT,
        snapshot="live",
        output=str(tmp_path / "out"),
        format="diffusers",
        model=None,
    )
    (inputs,) = exporter.inputs
    returning = [item for item in inputs.signoffs if "action" in item.document]
    assert [item.principal for item in returning] == ["ben", "cleo"]


def test_what_waits_is_neither_activated_nor_exported_alone(
    pair: House, tmp_path: Path
) -> None:
    """Its snapshot was solved and is known by now, but was never live."""
    edit = pair.live()
    pair.live("mondo")
    revert(pair, "ben", edit)
    (waiting,) = pair.as_("ana").edit(edit).rollbacks
    attempts: list[Callable[[], object]] = [
        lambda: pair.as_("cleo").activate(waiting.snapshot, "a short cut"),
        lambda: pair.job(
            "cleo",
            JobKind.EXPORT,
            snapshot=waiting.snapshot,
            output=str(tmp_path / "out"),
            format="diffusers",
            model=None,
        ),
    ]
    for attempt in attempts:
        refused(pair, attempt, SignOffMissingError, "was never live")
    assert not (tmp_path / "out").exists()


# -- past the program ------------------------------------------------------------


def forged(house: House, who: str, edit: str, **changes: JSON) -> RollbackSigned:
    """Return a genuine signature on a revert, with what the entry says changed."""
    application = house.as_("ana")
    record = application.edit(edit)
    base = application.snapshots()[-1].digest
    statement = RollbackStatement(
        origin=application.header().origin,
        head=application.head(),
        action="revert",
        edits=(record.digest,),
        snapshot=base,
        policy=application.policy().digest,
        reason="harm",
        principal=who,
        time="2026-06-01T00:00:00Z",
    )
    event = RollbackSigned(
        action="revert",
        model="mini",
        snapshot=base,
        previous=live(house),
        leaving=[edit],
        live=[],
        reason="harm",
        key=read_public_key(house.keys[who]).text,
        statement=statement.document(),
        signature=signature(house, who, statement.message(), ROLLBACK_NAMESPACE),
    )
    return replace(event, **changes)  # type: ignore[arg-type]


def test_a_genuine_signature_that_somebody_carried_over_is_accepted(
    pair: House,
) -> None:
    """Otherwise the next tests could not fail."""
    edit = pair.live()
    forge(pair, "ben", forged(pair, "ben", edit))
    assert pair.as_("ana").verify().ok


def test_a_signature_for_a_revert_recorded_as_an_activation_is_found(
    pair: House,
) -> None:
    edit = pair.live()
    forge(pair, "ben", forged(pair, "ben", edit, action="activate"))
    unverified(pair, "says something else than what was signed")


def test_a_rollback_in_anothers_name_is_found(pair: House) -> None:
    edit = pair.live()
    forge(pair, "cleo", forged(pair, "ben", edit))
    unverified(pair, "names another principal")
