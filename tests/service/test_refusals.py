"""What is refused, with which exit code, and that nothing changes by it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from governance.domain.lifecycle import EditState, EvidenceStatus
from governance.domain.signoff import Decision
from governance.errors import (
    ExitCode,
    GovernanceError,
    IntegrityError,
    NotFoundError,
    PolicyRefusedError,
    RequestError,
    SignOffMissingError,
    UsageError,
    WrongStateError,
)
from governance.service import opening
from governance.service.application import Application
from governance.service.facade import Job, JobKind
from governance.settings import Settings
from tests.service.fakes import FakeChecker
from tests.service.house import House, quiet


def refused(act: Callable[[], object], house: House, code: ExitCode) -> GovernanceError:
    """Run an act that must be refused and must leave the ledger as it was."""
    before = house.size()
    with pytest.raises(GovernanceError) as caught:
        act()
    assert caught.value.exit_code is code, caught.value.message
    assert house.size() == before
    return caught.value


def test_a_careless_edit_cannot_be_signed_into_life(house: House) -> None:
    edit = house.ready("ana", title="Careless")
    error = refused(lambda: house.approve("ben", edit), house, ExitCode(5))
    assert "specificity" in error.message
    detail = house.as_("ben").edit(edit)
    assert (detail.state, detail.evidence) == (EditState.APPLIED, EvidenceStatus.FAIL)
    assert house.as_("ben").withdraw(edit, "too strong").state == "WITHDRAWN"


def test_nothing_is_approved_without_a_candidate(house: House) -> None:
    edit = house.propose("ana")
    error = refused(lambda: house.approve("ben", edit), house, ExitCode(4))
    assert "has no candidate" in error.message


def test_nothing_is_approved_without_evidence(house: House) -> None:
    edit = house.propose("ana")
    house.job("ana", JobKind.APPLY, edits=[edit])
    error = refused(lambda: house.approve("ben", edit), house, ExitCode(4))
    assert "no evidence yet" in error.message


def test_evidence_of_another_suite_does_not_count(house: House, tmp_path: Path) -> None:
    from governance.policy.files import find_policy

    shipped = find_policy("default").parent / "suites" / "quick.yaml"
    other = tmp_path / "other.yaml"
    other.write_text(
        shipped.read_text(encoding="utf-8").replace("version: 1", "version: 2", 1),
        encoding="utf-8",
    )
    edit = house.propose("ana")
    house.job("ana", JobKind.APPLY, edits=[edit])
    checked = house.job("ana", JobKind.CHECK, edit=edit, suite=str(other))
    assert checked["outcome"] == "PASS"
    error = refused(lambda: house.approve("ben", edit), house, ExitCode(4))
    assert "newest evidence is of suite" in error.message


def test_evidence_is_stale_once_another_edit_is_live(house: House) -> None:
    waiting = house.ready("ana", "kora")
    house.live("lume", destination="blue")
    detail = house.as_("ben").edit(waiting)
    assert detail.evidence is EvidenceStatus.STALE
    error = refused(lambda: house.approve("ben", waiting), house, ExitCode(4))
    assert "something else went live" in error.message
    again = refused(
        lambda: house.job("ana", JobKind.CHECK, edit=waiting), house, ExitCode(4)
    )
    assert "edit apply" in again.hint


def test_a_stale_edit_lives_once_applied_and_checked_again(house: House) -> None:
    waiting = house.ready("ana", "kora")
    house.live("lume", destination="blue")
    house.job("ana", JobKind.APPLY, edits=[waiting])
    house.job("ana", JobKind.CHECK, edit=waiting)
    assert house.approve("ben", waiting).state == "LIVE"
    assert house.as_("ana").snapshot("live").edits == ("E-0001", "E-0002")


@pytest.mark.parametrize("kind", ["candidate", "evidence"])
def test_a_digest_that_was_not_looked_at_is_not_signed(house: House, kind: str) -> None:
    edit = house.ready("ana")
    application = house.as_("ben")
    candidate, evidence = ("0" * 64, None) if kind == "candidate" else (None, "0" * 64)
    error = refused(
        lambda: application.sign(
            edit, Decision.APPROVE, "fine", candidate=candidate, evidence=evidence
        ),
        house,
        ExitCode(4),
    )
    assert f"expected {kind} {'0' * 64}" in error.message


def test_a_policy_refusal_appends_nothing(house: House) -> None:
    error = refused(
        lambda: house.propose("ana", "protected", source="a child"), house, ExitCode(5)
    )
    assert "protected.minors" in error.message


def test_a_preserved_source_of_a_live_edit_is_refused(house: House) -> None:
    house.live("kora")
    error = refused(
        lambda: house.propose("ana", "lume", preserve=["kora"]), house, ExitCode(5)
    )
    assert isinstance(error, PolicyRefusedError)


def test_the_same_source_to_another_destination_is_refused(house: House) -> None:
    house.live("kora", destination="art")
    refused(
        lambda: house.propose("ana", "again", source="kora", destination="blue"),
        house,
        ExitCode(5),
    )


def test_one_bad_file_keeps_all_of_them_out(house: House) -> None:
    good = house.request("kora")
    bad = house.request("lume", parameters={"lambda": -1})
    error = refused(lambda: house.as_("ana").propose([good, bad]), house, ExitCode(2))
    assert isinstance(error, RequestError)
    assert error.message.startswith("lume.yaml:14: spec.parameters.lambda")


def test_the_same_request_is_open_only_once(house: House) -> None:
    house.propose("ana")
    error = refused(lambda: house.propose("ana"), house, ExitCode(4))
    assert "same request as E-0001" in error.message


def test_a_word_outside_the_vocabulary_is_named(house: House) -> None:
    error = refused(
        lambda: house.propose("ana", "odd", source="zzyzx"), house, ExitCode(2)
    )
    assert "spec.concepts.0.source" in error.message
    assert "zzyzx" in error.message


def test_an_unknown_model_is_not_found(house: House) -> None:
    error = refused(lambda: house.propose("ana", model="none"), house, ExitCode(3))
    assert isinstance(error, NotFoundError)


def test_a_changed_base_file_is_named_before_anything_is_solved(house: House) -> None:
    edit = house.propose("ana")
    (house.root / "model" / "weights.bin").write_bytes(b"changed")
    error = refused(
        lambda: house.job("ana", JobKind.APPLY, edits=[edit]), house, ExitCode(10)
    )
    assert "weights.bin is changed" in error.message


def test_a_live_edit_is_not_withdrawn(house: House) -> None:
    edit = house.live()
    error = refused(lambda: house.as_("ana").withdraw(edit, "oops"), house, ExitCode(4))
    assert "governance edit revert" in error.hint


def test_only_a_live_edit_is_reverted(house: House) -> None:
    edit = house.propose("ana")
    refused(
        lambda: house.job("ben", JobKind.REVERT, edit=edit, reason="no"),
        house,
        ExitCode(4),
    )


def test_a_revert_needs_a_reason(house: House) -> None:
    edit = house.live()
    refused(
        lambda: house.job("ben", JobKind.REVERT, edit=edit, reason=" "),
        house,
        ExitCode(2),
    )


def test_a_candidate_is_not_exported(house: House, tmp_path: Path) -> None:
    edit = house.ready("ana")
    candidate = house.as_("ana").edit(edit).candidate
    error = refused(
        lambda: house.job(
            "ana",
            JobKind.EXPORT,
            snapshot=candidate,
            output=str(tmp_path / "out"),
            format="diffusers",
            model=None,
        ),
        house,
        ExitCode(6),
    )
    assert isinstance(error, SignOffMissingError)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("place", ["workspace", "model", "other", "there", "nowhere"])
def test_a_place_no_export_goes_to_is_refused_before_the_base_is_hashed(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "model_index.json").write_text("{}", encoding="utf-8")
    house.as_("ana").add_model("second", str(other))
    (tmp_path / "there").mkdir()
    target = {
        "workspace": house.settings.workspace / "out",
        "model": house.root / "model" / "out",
        "other": other / "out",
        "there": tmp_path / "there",
        "nowhere": tmp_path / "no" / "out",
    }[place]

    def hashed(*_: object) -> None:
        pytest.fail("the base was hashed")

    monkeypatch.setattr(house.parts.models, "differences", hashed)
    arguments = {"snapshot": "live", "output": str(target), "model": "mini"}
    before = house.size()
    with pytest.raises(UsageError, match=r"lies inside|exists|there is no folder"):
        house.job("ana", JobKind.EXPORT, format="diffusers", **arguments)
    assert house.size() == before
    assert not (target / "model_index.json").exists()


def test_a_candidate_is_not_activated_around_its_approvals(house: House) -> None:
    edit = house.ready("ana")
    candidate = house.as_("ana").edit(edit).candidate or ""
    error = refused(
        lambda: house.as_("ben").activate(candidate, "please"), house, ExitCode(6)
    )
    assert "never live" in error.message


def test_a_reverted_edit_needs_its_approvals_again(house: House) -> None:
    edit = house.live()
    live = house.as_("ana").model("mini").live
    house.job("ben", JobKind.REVERT, edit=edit, reason="settled")
    error = refused(lambda: house.as_("ben").activate(live, "back"), house, ExitCode(6))
    assert f"it holds {edit}, which was taken back" in error.message


def test_what_is_live_is_not_activated_again(house: House) -> None:
    error = refused(
        lambda: house.as_("ben").activate("base", "again"), house, ExitCode(4)
    )
    assert isinstance(error, WrongStateError)


def test_a_readonly_workspace_refuses_every_write(house: House) -> None:
    edit = house.ready("ana")
    settings = Settings(
        workspace=house.settings.workspace,
        principal="ben",
        key=house.keys["ben"],
        readonly=True,
    )
    shut = Application(opening.open_existing(settings, house.parts))
    acts: list[Callable[[], object]] = [
        lambda: shut.propose([house.request("lume")]),
        lambda: shut.withdraw(edit, "no"),
        lambda: shut.sign(edit, Decision.APPROVE, "yes"),
        lambda: shut.activate("base", "no"),
        lambda: shut.add_model("other", str(house.root / "model")),
        lambda: shut.compute(Job(JobKind.APPLY, {"edits": [edit]}), quiet),
        lambda: shut.compute(Job(JobKind.CHECK, {"edit": edit}), quiet),
    ]
    for act in acts:
        error = refused(act, house, ExitCode.USAGE)
        assert isinstance(error, UsageError)
        assert "for reading only" in error.message
    assert set(shut.allowed(edit).values()) == {
        "the workspace is open for reading only",
        "",
    }


def test_a_model_name_is_never_taken_twice(house: House) -> None:
    model = house.root / "model"
    refused(lambda: house.as_("ana").add_model("mini", str(model)), house, ExitCode(4))


@pytest.mark.parametrize("name", ["", "../x", "a b", "x" * 65, "\x1b[31m"])
def test_a_model_name_is_plain(house: House, name: str) -> None:
    model = house.root / "model"
    error = refused(
        lambda: house.as_("ana").add_model(name, str(model)), house, ExitCode(2)
    )
    assert isinstance(error, UsageError)


def test_there_is_one_workspace_in_a_folder(house: House) -> None:
    with pytest.raises(WrongStateError, match="there is a workspace in"):
        opening.create(house.settings, house.parts, "default", [])


def test_a_folder_without_a_workspace_says_how_to_make_one(tmp_path: Path) -> None:
    from tests.service.fakes import fake_parts

    with pytest.raises(NotFoundError, match="there is no workspace"):
        opening.open_existing(Settings(workspace=tmp_path), fake_parts())


def test_a_folder_whose_ledger_a_server_keeps_is_not_called_empty(house: House) -> None:
    house.settings.workspace.joinpath("ledger.db").unlink()
    with pytest.raises(NotFoundError, match="has no ledger") as refused:
        opening.open_existing(house.settings, house.parts)
    assert "--database-url" in refused.value.hint
    assert "init" not in refused.value.hint
    with pytest.raises(WrongStateError) as again:
        opening.create(house.settings, house.parts, "default", [])
    assert "--database-url" in again.value.hint


def test_a_database_that_holds_a_ledger_is_named_when_init_refuses_it(
    house: House, tmp_path: Path
) -> None:
    url = f"sqlite:///{house.settings.workspace / 'ledger.db'}"
    elsewhere = Settings(workspace=tmp_path / "elsewhere", database=url)
    with pytest.raises(WrongStateError, match="the database holds a ledger already"):
        opening.create(elsewhere, house.parts, "default", [])
    assert not elsewhere.workspace.exists()


def test_a_tampered_tensor_is_found_when_somebody_signs(house: House) -> None:
    edit = house.ready("ana")
    application = house.as_("ben")
    tensors = application.snapshot(application.edit(edit).candidate or "").tensors
    name, digest = next(iter(tensors.items()))
    _overwrite(house, digest)
    error = refused(lambda: house.approve("ben", edit), house, ExitCode(10))
    assert isinstance(error, IntegrityError)
    assert name in error.message


def test_tampered_evidence_is_found_when_somebody_signs(house: House) -> None:
    edit = house.ready("ana")
    digest = house.as_("ben").edit(edit).evidence_digest or ""
    application = house.as_("ben")
    _overwrite(house, digest)
    refused(
        lambda: application.sign(edit, Decision.APPROVE, "fine"), house, ExitCode(10)
    )


def _overwrite(house: House, digest: str) -> None:
    path = house.settings.workspace / "objects" / digest[:2] / digest[2:]
    content = bytearray(path.read_bytes())
    content[0] ^= 1
    path.chmod(0o600)
    path.write_bytes(content)


def test_a_silent_judge_passes_nothing_and_says_why(
    house: House, checker: FakeChecker
) -> None:
    checker.silent = True
    edit = house.ready("ana")
    error = refused(lambda: house.approve("ben", edit), house, ExitCode(5))
    assert "efficacy not measured; not calibrated" in error.message
