"""Policy and roster change by proposals that others sign."""

import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from governance.canonical import JSON, sha256_hex
from governance.domain.change import ChangeState
from governance.domain.signoff import Decision, Head
from governance.errors import (
    GovernanceError,
    IntegrityError,
    NotFoundError,
    PolicyRefusedError,
    UsageError,
    WrongStateError,
)
from governance.identity.allowed_signers import parse_allowed_signers
from governance.identity.keys import generate_key
from governance.service.change_records import ChangeDetail, ChangeWish
from governance.service.facade import JobKind
from governance.service.ports import Parts
from tests.service.fakes import FakeExporter
from tests.service.house import House, build, changed_policy

APPROVE = ChangeWish(Decision.APPROVE)
REJECT = ChangeWish(Decision.REJECT)


def newer(house: House, version: JSON = 2, **changes: JSON) -> str:
    """Write the default policy with another version and some rules changed."""
    path = changed_policy(house.root, lambda spec: spec.update(changes))
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("version: 1", f"version: {version}"), "utf-8")
    return str(path)


def person(house: House, name: str) -> Path:
    """Make somebody a key of their own."""
    path = house.root / "people" / name
    house.keys = {**house.keys, name: path}
    generate_key(path, comment=name)
    return path.with_suffix(".pub")


def add(house: House, name: str, roles: Sequence[str] = ("reviewer",)) -> ChangeDetail:
    public = person(house, name)
    application = house.as_("ana")
    return application.propose_reviewer(name, public, roles, new_role=True)


def join(
    house: House,
    name: str,
    roles: Sequence[str] = ("reviewer",),
    by: Sequence[str] = ("ben",),
) -> None:
    change = add(house, name, roles)
    states = [house.as_(who).sign_change(change.id, APPROVE).state for who in by]
    assert states[-1] is ChangeState.ACTIVE


def leave(house: House, name: str, by: str = "ben") -> None:
    change = house.as_("ana").propose_revocation(name, "left")
    assert house.as_(by).sign_change(change.id, APPROVE).state is ChangeState.ACTIVE


def test_a_policy_comes_into_force_with_another_persons_approval(house: House) -> None:
    change = house.as_("ana").propose_policy(newer(house, expires_days=3))
    assert (change.id, change.kind, change.state) == ("C-0001", "policy", "PROPOSED")
    assert change.missing == ("1 more approval", "1 approval as reviewer")
    assert house.as_("ana").policy().version == 1
    signed = house.as_("ben").sign_change("C-0001", APPROVE)
    assert (signed.state, signed.missing) == (ChangeState.ACTIVE, ())
    policy = house.as_("ana").policy()
    assert (policy.version, policy.spec["expires_days"]) == (2, 3)
    assert house.as_("ana").verify().ok


def test_a_role_that_no_policy_names_is_refused_with_those_there_are(
    house: House,
) -> None:
    public = person(house, "dora")
    size = house.size()
    for roles in (["jurist"], ["reviewer", "legal"], ["Reviewer"]):
        with pytest.raises(UsageError) as caught:
            house.as_("ana").propose_reviewer("dora", public, roles)
        assert f"role {roles[-1]!r}" in caught.value.message
        assert caught.value.message.endswith("names: reviewer")
        assert "--new-role" in caught.value.hint
    assert house.size() == size


def test_people_for_a_later_policy_join_before_it(house: House) -> None:
    """Their policy is refused until they are there, so the roles cannot wait."""
    dora, erin = person(house, "dora"), person(house, "erin")
    stricter = newer(house, required_approvals=2, roles={"reviewer": 1, "legal": 1})
    with pytest.raises(PolicyRefusedError, match="nothing could be approved"):
        house.as_("ana").propose_policy(stricter)
    application = house.as_("ana")
    change = application.propose_reviewer("dora", dora, ["legal"], new_role=True)
    house.as_("ben").sign_change(change.id, APPROVE)
    house.as_("ana").propose_policy(stricter)
    # It waits, and its roles are known by now.
    other = house.as_("ana").propose_reviewer("erin", erin, ["legal"])
    assert other.state is ChangeState.PROPOSED


def test_a_new_reviewer_signs_once_they_are_on_the_roster(house: House) -> None:
    edit = house.ready("ana")
    change = add(house, "dora")
    with pytest.raises(PolicyRefusedError, match="nobody on the roster"):
        house.approve("dora", edit)
    house.as_("ben").sign_change(change.id, APPROVE)
    assert house.approve("dora", edit).state == "LIVE"
    (row,) = [r for r in house.as_("ana").reviewers() if r.principal == "dora"]
    assert (row.roles, row.until) == (("reviewer",), None)
    assert house.as_("ana").verify().ok


def test_a_revoked_reviewer_signs_no_more(house: House) -> None:
    edit = house.ready("ana")
    leave(house, "cleo")
    with pytest.raises(PolicyRefusedError, match="nobody on the roster"):
        house.approve("cleo", edit)
    (row,) = [r for r in house.as_("ana").reviewers() if r.principal == "cleo"]
    assert row.until == house.size()
    assert house.as_("ana").verify().ok


def test_a_revoked_person_returns_with_a_new_key(house: House) -> None:
    leave(house, "cleo")
    generate_key(house.root / "people" / "cleo2", comment="cleo")
    public = house.root / "people" / "cleo2.pub"
    change = house.as_("ana").propose_reviewer("cleo", public, ["reviewer"])
    house.as_("ben").sign_change(change.id, APPROVE)
    house.keys = {**house.keys, "cleo": public.with_suffix("")}
    edit = house.ready("ana")
    assert house.approve("cleo", edit).state == "LIVE"
    assert house.as_("ana").verify().ok


def test_one_rejection_is_final(house: House) -> None:
    change = add(house, "dora")
    assert house.as_("cleo").sign_change(change.id, REJECT).state == "REJECTED"
    with pytest.raises(WrongStateError, match="it is REJECTED"):
        house.as_("ben").sign_change(change.id, APPROVE)
    assert house.as_("ana").verify().ok


def test_changes_are_listed_newest_first_with_what_is_missing(house: House) -> None:
    join(house, "dora")
    house.as_("ana").propose_revocation("cleo", "left")
    rows = house.as_("ana").changes()
    assert [(row.id, row.kind, row.state) for row in rows] == [
        ("C-0002", "reviewer-revoke", "PROPOSED"),
        ("C-0001", "reviewer-add", "ACTIVE"),
    ]
    assert rows[0].summary == "revoke cleo: left"
    assert [row.missing for row in rows] == [
        ("1 more approval", "1 approval as reviewer"),
        (),
    ]


@pytest.mark.parametrize("name", ["C-0001", "c-1", "1", " C-0001 "])
def test_a_change_is_found_by_any_form_of_its_id(house: House, name: str) -> None:
    add(house, "dora")
    assert house.as_("ana").change(name).id == "C-0001"


@pytest.mark.parametrize("name", ["C-0002", "", "C-", "E-0001", "9" * 40, "²"])
def test_a_change_that_is_not_there_is_not_found(house: House, name: str) -> None:
    add(house, "dora")
    with pytest.raises(NotFoundError):
        house.as_("ana").change(name)


def test_a_proposed_policy_is_shown_beside_the_one_in_force(house: House) -> None:
    house.as_("ana").propose_policy(newer(house, expires_days=3))
    detail = house.as_("ben").change("C-0001")
    assert detail.document is not None
    assert detail.in_force is not None
    new, old = detail.document["spec"], detail.in_force["spec"]
    assert isinstance(new, dict)
    assert isinstance(old, dict)
    assert (new["expires_days"], old["expires_days"]) == (3, 30)


def test_evidence_of_the_old_policy_is_judged_again(house: House) -> None:
    edit = house.ready("ana")
    house.as_("ana").propose_policy(newer(house, expires_days=3))
    house.as_("ben").sign_change("C-0001", APPROVE)
    with pytest.raises(WrongStateError, match="judged by another policy"):
        house.approve("ben", edit)
    house.job("ana", JobKind.CHECK, edit=edit)
    assert house.approve("ben", edit).state == "LIVE"
    assert house.as_("ana").verify().ok


def test_what_was_approved_under_the_old_policy_stays_live_and_true(
    house: House,
) -> None:
    edit = house.live()
    stricter = newer(house, required_approvals=2)
    house.as_("ana").propose_policy(stricter)
    house.as_("ben").sign_change("C-0001", APPROVE)
    assert house.as_("ana").edit(edit).state == "LIVE"
    assert house.as_("ana").verify().ok


def test_under_a_stricter_policy_changes_need_more_people(house: House) -> None:
    house.as_("ana").propose_policy(newer(house, required_approvals=2))
    house.as_("ben").sign_change("C-0001", APPROVE)
    change = add(house, "dora")
    first = house.as_("ben").sign_change(change.id, APPROVE)
    assert (first.state, first.missing) == (ChangeState.PROPOSED, ("1 more approval",))
    with pytest.raises(WrongStateError, match="'ben' approved this already"):
        house.as_("ben").sign_change(change.id, APPROVE)
    assert house.as_("cleo").sign_change(change.id, APPROVE).state == "ACTIVE"
    assert house.as_("ana").verify().ok


def test_the_strict_policy_needs_its_three_roles_on_the_roster_first(
    house: House,
) -> None:
    strict = Path("policies/strict.yaml")
    text = strict.read_text(encoding="utf-8").replace("version: 1", "version: 2", 1)
    path = house.root / "strict.yaml"
    path.write_text(text.replace("suites/quick.yaml", "quick"), encoding="utf-8")
    with pytest.raises(PolicyRefusedError, match="it takes 4 people"):
        house.as_("ana").propose_policy(str(path))
    for name, role in (("eli", "engineering"), ("lea", "legal"), ("sam", "safety")):
        join(house, name, [role])
    house.as_("ana").propose_policy(str(path))
    house.as_("ben").sign_change("C-0004", APPROVE)
    assert house.as_("ana").policy().name == "strict"
    edit = house.ready("ana")
    for name in ("eli", "lea"):
        assert house.approve(name, edit).state == "APPLIED"
    assert house.approve("sam", edit).state == "LIVE"
    assert house.as_("ana").verify().ok


def test_one_person_is_enough_where_the_policy_says_so(
    tmp_path: Path, parts: Parts
) -> None:
    house = build(tmp_path, parts, policy="single-user")
    change = add(house, "dora")
    assert house.as_("ana").sign_change(change.id, APPROVE).state is ChangeState.ACTIVE


def test_a_signature_on_a_change_is_verified_by_stock_ssh_keygen(
    house: House,
) -> None:
    join(house, "dora")
    change = house.as_("dora").propose_revocation("cleo", "left")
    house.as_("ana").sign_change(change.id, APPROVE)
    house.clock.moment = house.clock.moment.replace(year=2027)
    leave(house, "dora")
    for name in ("C-0001", "C-0002", "C-0003"):
        (line,) = house.as_("ana").change(name).verify_lines
        done = subprocess.run(  # noqa: S603 - the line a person is told to run
            ["/bin/sh", "-c", line], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr


def test_an_approval_by_somebody_since_revoked_is_verified_by_stock_ssh_keygen(
    house: House,
) -> None:
    edit = house.ready("ana")
    house.approve("cleo", edit)
    leave(house, "cleo")
    (line,) = house.as_("ana").edit(edit).verify_lines
    assert "verify-time=20260101" in line
    done = subprocess.run(  # noqa: S603 - the line a person is told to run
        ["/bin/sh", "-c", line], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    now = line.replace(line[line.index(" -O ") : line.index(" <")], "")
    late = subprocess.run(  # noqa: S603 - the same line without the time
        ["/bin/sh", "-c", now], capture_output=True, text=True, check=False
    )
    assert late.returncode != 0


def test_an_interrupted_change_of_the_roster_is_finished_at_the_next_opening(
    house: House,
) -> None:
    path = house.settings.workspace / "allowed_signers"
    before = path.read_text(encoding="utf-8")
    join(house, "dora")
    after = path.read_text(encoding="utf-8")
    assert ("dora " in before, "dora " in after) == (False, True)
    data = house.as_("ana").log()[-1].payload["data"]
    assert isinstance(data, dict)
    assert data["allowed_signers"] == sha256_hex(after.encode())
    path.write_text(before, encoding="utf-8")
    assert house.as_("ana").verify().ok
    assert path.read_text(encoding="utf-8") == after


def test_a_forged_copy_of_the_roster_is_left_for_verify(house: House) -> None:
    join(house, "dora")
    path = house.settings.workspace / "allowed_signers"
    forged = path.read_text(encoding="utf-8").replace("dora ", "eve ")
    path.write_text(forged, encoding="utf-8")
    assert not house.as_("ana").verify().ok
    assert path.read_text(encoding="utf-8") == forged


def test_what_is_signed_can_be_named_by_its_digest(house: House) -> None:
    change = add(house, "dora")
    wrong = ChangeWish(Decision.APPROVE, digest="0" * 64)
    with pytest.raises(WrongStateError, match="expected digest 0000"):
        house.as_("ben").sign_change(change.id, wrong)
    right = ChangeWish(Decision.APPROVE, digest=change.digest)
    assert house.as_("ben").sign_change(change.id, right).state is ChangeState.ACTIVE


@pytest.mark.parametrize("roles", [[], ["  "], ["a\x1b[2J"], ["x" * 121]])
def test_roles_are_plain_words(house: House, roles: list[str]) -> None:
    size = house.size()
    with pytest.raises(UsageError, match="role"):
        add(house, "dora", roles)
    assert house.size() == size


def test_the_roster_of_an_earlier_time_is_shown(house: House) -> None:
    join(house, "dora")
    joined = house.as_("ana").log()[-1].time
    leave(house, "cleo")
    left = house.as_("ana").log()[-1].time

    def there(time: str) -> set[str]:
        found = house.as_("ana").state_at(time)
        return {item.principal for item in found.reviewers}

    assert there("2026-01-01T00:00:02Z") == {"ana", "ben", "cleo"}
    assert there(joined) == {"ana", "ben", "cleo", "dora"}
    assert there(left) == {"ana", "ben", "dora"}


def test_a_readonly_workspace_takes_no_change(house: House) -> None:
    from dataclasses import replace

    house.settings = replace(house.settings, readonly=True)
    with pytest.raises(GovernanceError, match="reading only"):
        house.as_("ana").propose_revocation("cleo", "left")


def test_an_export_carries_the_policy_it_was_approved_under(
    house: House, exporter: FakeExporter, tmp_path: Path
) -> None:
    house.live()
    before = house.as_("ana").policy()
    house.as_("ana").propose_policy(newer(house, expires_days=3))
    house.as_("ben").sign_change("C-0001", APPROVE)
    leave(house, "ben", by="cleo")
    house.job(
        "ana",
        JobKind.EXPORT,
        snapshot="live",
        output=str(tmp_path / "out"),
        format="diffusers",
        model=None,
    )
    (inputs,) = exporter.inputs
    assert inputs.policy.digest == before.digest
    assert all(s.document["policy"] == before.digest for s in inputs.signoffs)
    signers = parse_allowed_signers(inputs.allowed_signers)
    ended = {item.principal for item in signers if item.valid_before is not None}
    assert ended == {"ben"}


def test_a_signer_of_a_change_who_saw_another_log_is_told(house: House) -> None:
    change = add(house, "dora")
    size = house.size()
    seen = Head(size, "0" * 64)
    with pytest.raises(IntegrityError, match="rewritten"):
        house.as_("ben").sign_change(change.id, ChangeWish(Decision.APPROVE, seen=seen))
    assert house.size() == size


@pytest.mark.parametrize("role", ["r\u0435viewer", "REVIEWER", "rev\uff49ewer"])
def test_a_role_that_reads_like_another_is_refused(house: House, role: str) -> None:
    """Whoever approves it would take it for the other one."""
    with pytest.raises(UsageError, match="reads like"):
        add(house, "dora", [role])
