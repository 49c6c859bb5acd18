"""Exports of a real ledger, verified by nothing but the folder and kept files."""

import json
from functools import partial
from pathlib import Path

import pytest

from governance.canonical import JSON
from governance.service import citing
from governance.service.facade import JobKind
from governance.service.views import ExportVerdict
from governance.wiring import real_parts, verify_export
from tests.service.house import House, build, changed_policy
from tests.service.test_changes import APPROVE, join, leave
from tests.service.test_real_parts import base, real, weights_only

__all__ = ["base", "real"]


def export(house: House, target: Path, *form: JSON, snapshot: str = "live") -> Path:
    named = dict(zip(("format", "keys", "dtype"), form, strict=False))
    house.job("ana", JobKind.EXPORT, snapshot=snapshot, output=str(target), **named)
    return target


def signers(house: House) -> Path:
    return house.settings.workspace / "allowed_signers"


def key(house: House) -> Path:
    return house.settings.workspace / "ledger.pub"


def events(target: Path) -> list[str]:
    proofs = json.loads((target / "governance" / "proofs.json").read_text())
    return [entry["event"] for entry in proofs["entries"]]


def holds(house: House, target: Path, against: Path | None = None) -> ExportVerdict:
    verdict = verify_export(target, signers(house), key(house), against)
    assert verdict.findings == ()
    return verdict


def in_force(house: House, version: int, **changes: JSON) -> None:
    """Bring another policy into force, as ana and ben."""

    def change(spec: dict[str, JSON]) -> None:
        weights_only(house.root, spec)
        spec.update(changes)

    path = changed_policy(house.root, change)
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("version: 1", f"version: {version}"), "utf-8")
    proposed = house.as_("ana").propose_policy(str(path))
    house.as_("ben").sign_change(proposed.id, APPROVE)


def test_edits_of_two_policies_and_a_changed_roster_leave_with_their_proof(
    real: House, tmp_path: Path
) -> None:
    real.live("kora")
    in_force(real, 2, required_approvals=2)
    join(real, "dora", by=("ben", "cleo"))
    second = real.ready("ana", "lume")
    real.approve("ben", second)
    assert real.approve("dora", second).state == "LIVE"
    target = export(real, tmp_path / "out")
    assert holds(real, target).trust == "pinned"
    assert len(list((target / "governance" / "policies").iterdir())) == 2
    assert events(target).count("ChangeActivated") == 2
    # The policy of the first edit is not the one in policy.yaml, and still judges it.
    (target / "governance/README").write_text("x")
    assert [f.path for f in verify_export(target).findings] == ["governance/README"]


def test_only_what_the_snapshot_rests_on_is_cited(real: House, tmp_path: Path) -> None:
    real.live("kora")
    real.propose("ana", "secret")
    target = export(real, tmp_path / "out")
    assert b"secret" not in (target / "governance/proofs.json").read_bytes()
    holds(real, target)


def test_after_a_revert_the_export_proves_both_approval_and_rollback(
    real: House, tmp_path: Path
) -> None:
    real.live("kora")
    left = real.live("lume")
    real.job("cleo", JobKind.REVERT, edit=left, reason="harm")
    target = export(real, tmp_path / "out")
    assert holds(real, target).trust == "pinned"
    assert "EditReverted" in events(target)


def test_what_was_taken_back_leaves_with_the_entry_that_says_so(
    real: House, tmp_path: Path
) -> None:
    left = real.live("kora")
    earlier = real.as_("ana").model("mini").live
    assert holds(real, export(real, tmp_path / "live")).checked["live"] is True
    real.job("cleo", JobKind.REVERT, edit=left, reason="harm")
    # What happens afterwards is not what took it back.
    real.live("lume")
    target = export(real, tmp_path / "gone", snapshot=earlier)
    checked = holds(real, target).checked
    assert checked["live"] is False
    assert "This snapshot was taken back on" in str(checked["standing"])
    assert "EditReverted" in events(target)
    assert "it was not live when this was written" in (target / "README.md").read_text()


def test_what_was_live_leaves_under_its_own_edits_when_they_are_proposed_anew(
    real: House, tmp_path: Path
) -> None:
    first = real.live("kora")
    was = real.as_("ana").model("mini").live
    real.job("cleo", JobKind.REVERT, edit=first, reason="harm")
    second = real.propose("ana", "kora")
    solved = real.job("ana", JobKind.APPLY, edits=[second])
    assert solved["candidate"] == was
    earlier = export(real, tmp_path / "earlier", snapshot=was)
    assert holds(real, earlier).trust == "pinned"
    assert f'"{first}"' in (earlier / "governance/edits.json").read_text()
    assert f'"{second}"' not in (earlier / "governance/edits.json").read_text()
    real.job("ana", JobKind.CHECK, edit=second)
    assert real.approve("ben", second).live == was
    again = export(real, tmp_path / "again")
    assert holds(real, again).trust == "pinned"
    assert f'"{second}"' in (again / "governance/edits.json").read_text()


def test_edits_solved_together_leave_together(real: House, tmp_path: Path) -> None:
    names = [real.propose("ana", "kora"), real.propose("ben", "lume")]
    real.job("ana", JobKind.APPLY, edits=names)
    real.job("ana", JobKind.CHECK, edit=names[0])
    assert real.approve("cleo", names[0]).state == "LIVE"
    target = export(real, tmp_path / "both")
    assert holds(real, target).trust == "pinned"
    real.job("cleo", JobKind.REVERT, edit=names[1], reason="harm")
    assert holds(real, export(real, tmp_path / "one")).trust == "pinned"


def test_the_base_after_everything_was_taken_back(real: House, tmp_path: Path) -> None:
    holds(real, export(real, tmp_path / "first", snapshot="base"))
    real.live("kora")
    real.as_("ben").activate("base", "harm")
    assert (
        holds(real, export(real, tmp_path / "again", snapshot="base")).trust == "pinned"
    )


def test_an_earlier_snapshot_and_every_form_carry_their_proof(
    real: House, tmp_path: Path
) -> None:
    real.live("kora")
    earlier = real.as_("ana").model("mini").live
    real.live("lume")
    holds(real, export(real, tmp_path / "earlier", snapshot=earlier))
    forms = [("delta",), ("lora", "kohya"), ("diffusers", None, "float16")]
    for number, form in enumerate(forms):
        target = export(real, tmp_path / str(number), *form)
        assert holds(real, target).trust == "self"
        assert "SnapshotActivated" in events(target)


def test_a_key_revoked_later_still_vouches_for_what_it_signed(
    real: House, tmp_path: Path
) -> None:
    real.live("kora")
    leave(real, "cleo")
    holds(real, export(real, tmp_path / "out"))


def test_two_people_sign_for_a_rollback_and_both_are_cited(
    tmp_path: Path, base: Path
) -> None:
    def change(spec: dict[str, JSON]) -> None:
        weights_only(tmp_path, spec)
        spec["rollback"] = {"required_approvals": 2}

    pair = build(tmp_path, real_parts(), change=change, model=base)
    edit = pair.live()
    for who in ("ben", "cleo"):
        pair.job(who, JobKind.REVERT, edit=edit, reason="harm")
    target = export(pair, tmp_path / "out")
    assert holds(pair, target).trust == "pinned"
    assert "RollbackSigned" in events(target)
    without = target / "governance" / "signoffs"
    assert len(list(without.glob("*.json"))) == 2


def test_concepts_from_a_file_are_judged_offline(real: House, tmp_path: Path) -> None:
    (real.root / "artists.csv").write_text("source,destination\nkora,art\n")
    path = real.request("kora")
    text = path.read_text()
    start, end = text.index("  concepts:"), text.index("  method:")
    path.write_text(text[:start] + "  concepts_file: artists.csv\n" + text[end:])
    name = real.as_("ana").propose([path])[0].id
    real.job("ana", JobKind.APPLY, edits=[name])
    real.job("ana", JobKind.CHECK, edit=name)
    real.approve("ben", name)
    target = export(real, tmp_path / "out")
    holds(real, target)
    (copy,) = (target / "governance" / "files").iterdir()
    assert copy.read_text() == "source,destination\nkora,art\n"


def test_a_kept_checkpoint_is_held_against_the_export(
    real: House, tmp_path: Path
) -> None:
    kept = tmp_path / "kept"
    kept.write_text(real.as_("ana").checkpoint().note)
    real.live("kora")
    target = export(real, tmp_path / "out")
    holds(real, target, kept)
    real.propose("ana", "lume")
    kept.write_text(real.as_("ana").checkpoint().note)
    (found,) = verify_export(target, against=kept).findings
    assert (found.path, found.problem) == ("governance/checkpoint", "proof")


def test_a_long_ledger_leaves_its_leaves_at_home(
    real: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(citing, "MOST_LEAVES", 4)
    real.live("kora")
    target = export(real, tmp_path / "out")
    proofs = json.loads((target / "governance" / "proofs.json").read_text())
    assert proofs["leaves"] == []
    assert len(proofs["heads"]) == 1
    holds(real, target)


def test_another_workspaces_keys_do_not_fit(
    real: House, tmp_path: Path, base: Path
) -> None:
    (tmp_path / "other").mkdir()
    change = partial(weights_only, tmp_path / "other")
    other = build(tmp_path / "other", real_parts(), change=change, model=base)
    real.live("kora")
    target = export(real, tmp_path / "out")
    verdict = verify_export(target, ledger_key=key(other))
    assert [f.path for f in verdict.findings] == ["governance/keys/ledger.pub"]
    kept = tmp_path / "kept"
    kept.write_text(other.as_("ana").checkpoint().note)
    assert not verify_export(target, against=kept).ok
