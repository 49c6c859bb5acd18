"""Forged, tampered, interrupted, raced: the ledger stays true, or says where not."""

import json
import signal
import sqlite3
import subprocess
import threading
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from governance.canonical import JSON
from governance.domain.events import EditProposed, EditWithdrawn
from governance.domain.lifecycle import EditState
from governance.domain.signoff import Decision, Head
from governance.errors import (
    GovernanceError,
    IntegrityError,
    LedgerError,
    WrongStateError,
)
from governance.identity.keys import read_key_file
from governance.identity.sshsig import sign_with_key
from governance.ledger.database import sqlite_url
from governance.ledger.log import Ledger
from governance.service import worker
from governance.service.facade import Job, JobKind
from governance.settings import Settings
from tests.service.fakes import FakeChecker, FakeSolver
from tests.service.house import House, quiet


def ledger_of(house: House) -> Ledger:
    return Ledger.open(sqlite_url(house.settings.workspace / "ledger.db"))


def objects(house: House) -> set[str]:
    return set(house.store.digests())


def test_a_forged_proposal_signature_is_found_by_verify(house: House) -> None:
    edit = house.propose("ana")
    row = next(r for r in house.as_("ana").log() if r.event == "EditProposed")
    data = row.payload["data"]
    assert isinstance(data, dict)
    forged = sign_with_key(
        read_key_file(house.keys["mallory"]).load(), b"something", "proposal@governance"
    )
    event = EditProposed(**{**data, "edit": "E-0002", "signature": forged})
    with ledger_of(house) as ledger:
        ledger.append(event.name, "ana", event.data(), now="2026-01-02T00:00:00Z")
    verdict = house.as_("ana").verify()
    assert not verdict.ok
    assert verdict.first_bad == row.sequence + 1
    assert "E-0002, proposed by 'ana'" in verdict.message
    assert edit == "E-0001"


def test_a_proposal_in_anothers_name_is_found_by_verify(house: House) -> None:
    house.propose("ana")
    row = next(r for r in house.as_("ana").log() if r.event == "EditProposed")
    data = row.payload["data"]
    assert isinstance(data, dict)
    with ledger_of(house) as ledger:
        event = {**data, "edit": "E-0002"}
        ledger.append("EditProposed", "ben", event, now="2026-01-02T00:00:00Z")
    verdict = house.as_("ana").verify()
    assert (verdict.ok, verdict.first_bad) == (False, row.sequence + 1)
    assert "gave 'ben' no such key" in verdict.message


def test_an_unsigned_activation_is_found_by_verify(house: House) -> None:
    edit = house.ready("ana")
    application = house.as_("ana")
    candidate = application.edit(edit).candidate
    live = application.model("mini").live
    with ledger_of(house) as ledger:
        ledger.append(
            "SnapshotActivated",
            "ana",
            {
                "model": "mini",
                "snapshot": candidate,
                "previous": live,
                "live": [edit],
            },
            now="2026-01-02T00:00:00Z",
        )
    verdict = house.as_("ana").verify()
    assert not verdict.ok
    assert "went live without 1 more approval" in verdict.message


def test_a_step_the_lifecycle_forbids_opens_nothing(house: House) -> None:
    edit = house.live()
    event = EditWithdrawn(edit, "sneaky")
    with ledger_of(house) as ledger:
        ledger.append(event.name, "ana", event.data(), now="2026-01-02T00:00:00Z")
    with pytest.raises(IntegrityError, match=f"{edit} is LIVE and cannot withdraw"):
        house.as_("ana")


def test_a_missing_object_is_found_by_verify(house: House) -> None:
    edit = house.ready("ana")
    digest = house.as_("ana").edit(edit).evidence_digest or ""
    house.store.remove(digest)
    verdict = house.as_("ana").verify()
    assert not verdict.ok
    assert digest[:12] in verdict.message


def test_a_changed_allowed_signers_file_is_found_by_verify(house: House) -> None:
    path = house.settings.workspace / "allowed_signers"
    path.write_text(path.read_text(encoding="utf-8").replace("ben ", "eve "))
    verdict = house.as_("ana").verify()
    assert not verdict.ok
    assert "not the roster the ledger holds" in verdict.message


def test_a_signature_is_verified_by_stock_ssh_keygen(house: House) -> None:
    edit = house.live()
    (line,) = house.as_("ana").edit(edit).verify_lines
    done = subprocess.run(  # noqa: S603 - the line a person is told to run
        ["/bin/sh", "-c", line], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert 'Good "signoff@governance" signature for ben' in done.stdout


def test_a_signer_who_saw_another_log_is_told(house: House) -> None:
    edit = house.ready("ana")
    application = house.as_("ben")
    size = application.head().size
    for head in (Head(size, "0" * 64), Head(size + 1, "0" * 64)):
        with pytest.raises(IntegrityError, match=r"rewritten|entries are missing"):
            application.sign(edit, Decision.APPROVE, "fine", seen=head)
    assert application.head().size == size


def test_an_older_head_of_the_same_log_may_be_signed(house: House) -> None:
    edit = house.ready("ana")
    application = house.as_("ben")
    seen = application.head()
    house.propose("ana", "lume")
    acted = application.sign(edit, Decision.APPROVE, "fine", seen=seen)
    assert acted.state == "LIVE"
    statement = application.edit(edit).signoffs[0].statement
    assert statement["head"] == {"size": seen.size, "root": seen.root}


def test_ctrl_c_while_solving_leaves_the_ledger_as_it_was(
    house: House, solver: FakeSolver
) -> None:
    edit = house.propose("ana")
    size = house.size()
    solver.interrupt_after = 1
    with pytest.raises(KeyboardInterrupt):
        house.job("ana", JobKind.APPLY, edits=[edit])
    solver.interrupt_after = None
    assert house.size() == size
    assert list(house.store.verify_all()) == []
    house.job("ana", JobKind.APPLY, edits=[edit])
    assert house.as_("ana").edit(edit).state is EditState.APPLIED


def test_ctrl_c_while_checking_leaves_the_ledger_as_it_was(
    house: House, checker: FakeChecker
) -> None:
    edit = house.propose("ana")
    house.job("ana", JobKind.APPLY, edits=[edit])
    size, held = house.size(), objects(house)
    checker.interrupt = True
    with pytest.raises(KeyboardInterrupt):
        house.job("ana", JobKind.CHECK, edit=edit)
    assert (house.size(), objects(house)) == (size, held)


def test_what_was_solved_before_another_edit_went_live_is_not_recorded(
    house: House,
) -> None:
    slow = house.propose("ana", "kora")
    application = house.as_("ana")
    job = Job(JobKind.APPLY, {"edits": [slow]})
    result = application.compute(job, quiet)
    house.live("lume", destination="blue")
    size = house.size()
    with pytest.raises(WrongStateError, match="another snapshot went live"):
        application.finish(job, result)
    assert house.size() == size


def test_a_revert_solved_before_another_edit_went_live_is_not_recorded(
    house: House,
) -> None:
    edit = house.live("kora")
    application = house.as_("ben")
    job = Job(JobKind.REVERT, {"edit": edit, "reason": "settled"})
    result = application.compute(job, quiet)
    house.live("lume", destination="blue")
    size = house.size()
    with pytest.raises((WrongStateError, IntegrityError)):
        application.finish(job, result)
    assert house.size() == size


def test_evidence_of_an_older_candidate_is_not_recorded(house: House) -> None:
    edit = house.propose("ana")
    house.job("ana", JobKind.APPLY, edits=[edit])
    application = house.as_("ana")
    job = Job(JobKind.CHECK, {"edit": edit})
    result = application.compute(job, quiet)
    house.job("ana", JobKind.APPLY, edits=[edit])
    with pytest.raises(WrongStateError, match="applied again while it was measured"):
        application.finish(job, result)


def test_of_two_approvals_at_once_one_makes_it_live(house: House) -> None:
    edit = house.ready("ana")
    outcomes: list[str] = []
    start = threading.Barrier(2)

    def approve(who: str) -> None:
        application = house.as_(who)
        start.wait()
        try:
            outcomes.append(application.sign(edit, Decision.APPROVE, "fine").state)
        except WrongStateError as error:
            outcomes.append(error.message)

    threads = [threading.Thread(target=approve, args=(who,)) for who in ("ben", "cleo")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert "LIVE" in outcomes
    (other,) = [item for item in outcomes if item != "LIVE"]
    assert f"{edit}: it is LIVE" in other
    assert house.as_("ana").verify().ok


def test_a_writer_who_finds_the_ledger_locked_is_told_and_loses_nothing(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = Ledger.open
    monkeypatch.setattr(
        Ledger,
        "open",
        lambda url, **options: original(url, **{**options, "busy_seconds": 0.01}),
    )
    application = house.as_("ana")
    size = application.head().size
    other = sqlite3.connect(
        house.settings.workspace / "ledger.db", isolation_level=None
    )
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(LedgerError, match="busy"):
        application.propose([house.request()])
    other.execute("ROLLBACK")
    other.close()
    assert application.propose([house.request()])[0].id == "E-0001"
    assert application.head().size == size + 1


def test_the_worker_is_given_everything_it_needs(house: House) -> None:
    application = house.as_("ana")
    job = Job(JobKind.CHECK, {"edit": "E-0001", "suite": "quick"})
    argv = application.worker_command(job)
    settings, order = worker.read_order([argv[-1]])
    assert order == job
    assert settings == replace(house.settings, principal="ana", key=house.keys["ana"])


def run_worker(
    house: House, job: Job, capfd: pytest.CaptureFixture[str]
) -> tuple[int, list[Mapping[str, JSON]]]:
    argv = house.as_("ana").worker_command(job)

    def opened(settings: Settings) -> object:
        return house.as_(str(settings.principal))

    before = signal.getsignal(signal.SIGTERM)
    try:
        code = worker.main([argv[-1]], opened)  # type: ignore[arg-type]
    finally:
        signal.signal(signal.SIGTERM, before)
    lines = capfd.readouterr().out.splitlines()
    return code, [json.loads(line) for line in lines]


def test_the_worker_prints_progress_and_then_a_result(
    house: House, capfd: pytest.CaptureFixture[str]
) -> None:
    edit = house.propose("ana")
    job = Job(JobKind.APPLY, {"edits": [edit]})
    code, events = run_worker(house, job, capfd)
    assert code == 0
    assert {event["event"] for event in events[:-1]} == {"progress"}
    value = events[-1]["value"]
    assert isinstance(value, dict)
    house.as_("ana").finish(job, value)
    assert house.as_("ana").edit(edit).state is EditState.APPLIED


def test_the_worker_tells_an_error_as_the_program_would(
    house: House, capfd: pytest.CaptureFixture[str]
) -> None:
    job = Job(JobKind.APPLY, {"edits": ["E-0009"]})
    code, events = run_worker(house, job, capfd)
    assert code == 3
    assert events[-1]["type"] == "NotFoundError"
    assert events[-1]["exit_code"] == 3


def test_a_stopped_worker_ends_with_130_and_records_nothing(
    house: House, solver: FakeSolver, capfd: pytest.CaptureFixture[str]
) -> None:
    edit = house.propose("ana")
    size = house.size()
    solver.terminate = True
    code, events = run_worker(house, Job(JobKind.APPLY, {"edits": [edit]}), capfd)
    assert code == 130
    assert events[-1]["type"] == "InterruptedByUserError"
    assert house.size() == size


@pytest.mark.parametrize("order", ["", "{", "[]", '{"settings": 1}'])
def test_a_worker_without_an_order_says_so(order: str) -> None:
    with pytest.raises(GovernanceError):
        worker.read_order([order])


def test_the_workspace_is_private(house: House) -> None:
    root = house.settings.workspace
    assert {path.stat().st_mode & 0o777 for path in (root, root / "objects")} == {0o700}
    assert (root / "ledger.db").stat().st_mode & 0o777 == 0o600


def test_a_failed_policy_leaves_no_workspace(tmp_path: Path, house: House) -> None:
    from governance.service import opening

    settings = Settings(workspace=tmp_path / "fresh")
    bad = tmp_path / "bad.yaml"
    bad.write_text("a: 1\na: 2\n", encoding="utf-8")
    with pytest.raises(GovernanceError):
        opening.create(settings, house.parts, str(bad), [])
    assert not settings.workspace.exists()
