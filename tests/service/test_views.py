"""What a person is shown, and what it lets them do."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from governance.domain.lifecycle import EvidenceStatus
from governance.errors import NotFoundError, UsageError
from governance.service.facade import JobKind
from governance.service.views import to_json
from tests.service.fakes import FakeExporter
from tests.service.house import House


def test_the_inbox_is_newest_first_and_can_be_narrowed(house: House) -> None:
    house.live("kora")
    house.propose("ana", "lume")
    application = house.as_("ana")
    assert [item.id for item in application.edits()] == ["E-0002", "E-0001"]
    from governance.domain.lifecycle import EditState

    assert [item.id for item in application.edits(EditState.LIVE)] == ["E-0001"]


def test_an_edit_shows_what_was_asked_found_and_signed(house: House) -> None:
    edit = house.live()
    detail = house.as_("ana").edit(edit)
    assert detail.effective_parameters == {"lambda": 0.5}
    assert detail.evidence is EvidenceStatus.PASS
    assert detail.verdict is not None
    assert {rule.rule for rule in detail.verdict.rules} >= {"efficacy", "specificity"}
    assert detail.metrics["efficacy"] == {
        "value": 0.95,
        "low": 0.9,
        "high": 0.99,
        "n": 48,
        "target": None,
    }
    assert [item.principal for item in detail.signoffs] == ["ben"]
    assert detail.missing == ()
    json.dumps(to_json(detail))


def test_a_waiting_edit_says_what_is_missing(house: House) -> None:
    edit = house.propose("ana")
    assert "no candidate" in house.as_("ana").edit(edit).missing[0]
    house.job("ana", JobKind.APPLY, edits=[edit])
    assert "no evidence" in house.as_("ana").edit(edit).missing[0]
    house.job("ana", JobKind.CHECK, edit=edit)
    assert house.as_("ana").edit(edit).missing == (
        "1 more approval",
        "1 approval as reviewer",
    )


def test_each_action_says_why_it_cannot_be_taken(house: House) -> None:
    edit = house.ready("ana")
    proposer, reviewer = house.as_("ana").allowed(edit), house.as_("ben").allowed(edit)
    assert "somebody else has to approve" in proposer["approve"]
    assert reviewer["approve"] == ""
    assert reviewer["revert"] == f"{edit} is APPLIED"
    assert set(reviewer) == {
        "approve",
        "reject",
        "apply",
        "check",
        "revert",
        "withdraw",
        "export",
    }


def test_what_is_allowed_can_be_done(house: House) -> None:
    edit = house.ready("ana")
    assert house.as_("ben").allowed(edit)["approve"] == ""
    assert house.approve("ben", edit).state == "LIVE"
    after = house.as_("ben").allowed(edit)
    assert after["revert"] == ""
    assert all(after[action] for action in ("approve", "reject", "apply", "withdraw"))


@pytest.mark.parametrize("name", ["E-0001", "e-1", "1", "E-1"])
def test_an_edit_is_found_by_any_form_of_its_id(house: House, name: str) -> None:
    house.propose("ana")
    assert house.as_("ana").edit(name).id == "E-0001"


@pytest.mark.parametrize("name", ["E-0002", "", "E-", "x" * 500, "'; DROP TABLE", "²"])
def test_an_edit_that_is_not_there_is_not_found(house: House, name: str) -> None:
    house.propose("ana")
    with pytest.raises(NotFoundError):
        house.as_("ana").edit(name)


def test_a_snapshot_has_many_names(house: House) -> None:
    edit = house.live()
    application = house.as_("ana")
    live = application.model("mini").live
    named = [application.snapshot(name).digest for name in ("live", live[:8], edit)]
    assert named == [live] * 3
    assert application.snapshot("base").is_base


def test_two_models_have_to_be_told_apart(house: House) -> None:
    house.as_("ana").add_model("other", str(house.root / "model"))
    with pytest.raises(UsageError, match="several models"):
        house.as_("ana").snapshot("live")
    assert house.as_("ana").snapshot("base", "other").model == "other"


def test_snapshots_are_newest_first_and_the_base_last(house: House) -> None:
    house.live("kora")
    house.ready("ana", "lume", destination="blue")
    found = house.as_("ana").snapshots()
    assert [(item.live, item.was_live, item.is_base) for item in found] == [
        (False, False, False),
        (True, True, False),
        (False, True, True),
    ]


def test_a_difference_names_edits_and_tensors(house: House) -> None:
    edit = house.live()
    found = house.as_("ana").diff("base", "live")
    assert (found.added, found.removed) == ((edit,), ())
    assert [site.name for site in found.tensors] == [
        "unet/file:to_k.0",
        "unet/file:to_k.1",
    ]


def test_evidence_images_are_files(house: House) -> None:
    edit = house.ready("ana")
    (shot,) = house.as_("ben").images(edit)
    assert shot.candidate.read_bytes().startswith(b"PNG")
    assert house.as_("ben").sheets(edit)[0].exists()


def test_the_header_names_who_signs(house: House) -> None:
    header = house.as_("ben").header()
    assert (header.principal, header.policy_name) == ("ben", "default")
    assert (header.fingerprint or "").startswith("SHA256:")


def test_a_preview_shows_the_same_seeds_before_and_after(
    house: House, tmp_path: Path
) -> None:
    edit = house.propose("ana")
    house.job("ana", JobKind.APPLY, edits=[edit])
    document = house.job(
        "ana",
        JobKind.PREVIEW,
        edit=edit,
        prompt="a rose",
        seeds=2,
        output=str(tmp_path / "seen"),
    )
    images = document["images"]
    assert isinstance(images, list)
    assert [image["seed"] for image in images] == [0, 1]
    assert Path(images[1]["after"]).read_bytes().endswith(b"a rose 1")


def test_measuring_shows_that_a_reverted_effect_is_gone(house: House) -> None:
    first = house.live("kora")
    second = house.live("lume", destination="blue")
    house.job("ben", JobKind.REVERT, edit=first, reason="settled")
    size = house.size()
    document = house.job(
        "ben", JobKind.MEASURE, edits=[first, second], snapshot="live", seeds=None
    )
    rows = document["edits"]
    assert isinstance(rows, list)
    assert [row["efficacy"]["after"]["value"] for row in rows] == [0.0, 1.0]
    assert house.size() == size


def test_an_export_holds_every_approval_and_what_it_rests_on(
    house: House, exporter: FakeExporter, tmp_path: Path
) -> None:
    first = house.live("kora")
    house.live("lume", destination="blue")
    house.job("ben", JobKind.REVERT, edit="E-0002", reason="settled")
    house.job(
        "ana",
        JobKind.EXPORT,
        snapshot="live",
        output=str(tmp_path / "out"),
        format="diffusers",
        model=None,
    )
    (inputs,) = exporter.inputs
    assert [item.id for item in inputs.edits] == [first]
    kinds = [item.document.get("action", "sign-off") for item in inputs.signoffs]
    assert kinds == ["sign-off", "revert"]
    assert len(inputs.evidence) == 1
    assert "ben " in inputs.allowed_signers
    assert {item.metric: item.outcome for item in inputs.results}["efficacy"] == "PASS"


def test_a_proposal_can_be_judged_without_writing(house: House) -> None:
    size = house.size()
    found = house.as_("ana").preview_proposal(house.request(source="a child"))
    assert {item.rule: item.outcome for item in found}["protected.minors"] == "FAIL"
    assert house.size() == size


def test_others_writing_is_noticed(house: House) -> None:
    watching = house.as_("ben")
    before = watching.changed()
    house.propose("ana")
    assert watching.changed() != before
    assert [item.id for item in watching.edits()] == ["E-0001"]


def test_the_log_can_be_read_in_pieces(house: House) -> None:
    house.live()
    application = house.as_("ana")
    assert [row.sequence for row in application.log(after=2, limit=2)] == [3, 4]
    assert application.log(limit=1)[0].event == "WorkspaceCreated"


def test_reading_an_edit_loads_no_tensor_library() -> None:
    code = (
        "import sys, governance.wiring, governance.engine.presets;"
        "print({'torch', 'numpy', 'transformers'} & set(sys.modules))"
    )
    done = subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "set()"
