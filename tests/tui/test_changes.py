"""A reviewer sees what a change of policy or roster changes, and decides on it."""

from dataclasses import replace
from pathlib import Path

import pytest
from textual.pilot import Pilot

from governance.canonical import JSON
from governance.domain.change import ChangeKind, ChangeState
from governance.errors import PolicyRefusedError
from governance.service.change_records import ChangeDetail
from governance.service.views import ReviewerView, SignOffView
from governance.tui.app import GovernanceApp
from governance.tui.decision import DecisionPanel
from tests.tui.conftest import SIZES, Clock, make_app, screen_text, settle
from tests.tui.fake import KEY, FakeGovernance, sha
from tests.tui.test_decision import ready, type_into
from tests.tui.test_hostile import DANGEROUS, PAYLOAD

JOINING = (
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPFcmYPVqpGNIFtrtWj6xM2n2TmyWa0+NxSS/vD1MwEw"
)
FINGERPRINT = "SHA256:ROX9LyaXfJmR4xWcHUP1HM6aQK38+l995qCo592xK3s"
"""What ``ssh-keygen -l`` says of it."""
OLD: dict[str, JSON] = {
    "metadata": {"version": 1},
    "spec": {"approvals": 2, "methods": ["time", "uce"]},
}
NEW: dict[str, JSON] = {
    "metadata": {"version": 2},
    "spec": {"approvals": 1, "methods": ["time", "uce"]},
}


def change(change_id: str, kind: ChangeKind, summary: str) -> ChangeDetail:
    return ChangeDetail(
        id=change_id,
        kind=kind,
        state=ChangeState.PROPOSED,
        missing=("1 approval by somebody else than ann",),
        summary=summary,
        proposer="ann",
        time="2026-11-20T10:00:00Z",
        digest=sha(f"change {change_id}"),
        subject={},
        document=None,
        in_force=None,
        signoffs=(),
        verify_lines=(),
    )


@pytest.fixture
def changing(tmp_path: Path) -> FakeGovernance:
    """One change of every kind, and one that was rejected."""
    fake = FakeGovernance(tmp_path)
    fake.roster = (ReviewerView("cleo", KEY, "SHA256:x", ("legal", "safety"), 1, None),)
    policy = change("C-0004", ChangeKind.POLICY, "put policy lax version 2 in force")
    joins = change("C-0003", ChangeKind.REVIEWER_ADD, "add dora as reviewer, legal")
    leaves = change("C-0002", ChangeKind.REVIEWER_REVOKE, "revoke cleo: left")
    over = change("C-0001", ChangeKind.REVIEWER_ADD, "add mallory as reviewer")
    found = (
        replace(over, state=ChangeState.REJECTED, missing=()),
        replace(
            leaves, subject={"principal": "cleo", "key": KEY, "reason": "left in May"}
        ),
        replace(
            joins,
            subject={
                "principal": "dora",
                "key": JOINING,
                "roles": ["reviewer", "legal"],
            },
        ),
        replace(policy, document=NEW, in_force=OLD),
    )
    fake.proposed_changes = {item.id: item for item in found}
    return fake


async def at_changes(pilot: Pilot[int], *keys: str) -> str:
    await pilot.pause()
    await pilot.press("6", *keys)
    await settle(pilot)
    assert isinstance(pilot.app, GovernanceApp)
    return screen_text(pilot.app)


@pytest.mark.parametrize("size", SIZES)
async def test_what_waits_for_signatures_stands_first(
    changing: FakeGovernance, clock: Clock, tmp_path: Path, size: tuple[int, int]
) -> None:
    app = make_app(changing, clock, tmp_path)
    async with app.run_test(size=size) as pilot:
        text = await at_changes(pilot)
        places = [text.index(f"C-000{number}") for number in (4, 3, 2, 1)]
        assert places == sorted(places)
        assert "4 in all, 3 waiting" in text
        assert "A approve" in text
        assert "6 Changes" in text


@pytest.mark.parametrize("size", SIZES)
async def test_a_policy_is_shown_as_lines_that_go_and_lines_that_come(
    changing: FakeGovernance, clock: Clock, tmp_path: Path, size: tuple[int, int]
) -> None:
    app = make_app(changing, clock, tmp_path)
    async with app.run_test(size=size) as pilot:
        text = await at_changes(pilot, "enter")
        for marked in ("- in force now", "+ proposed", "-   approvals: 2"):
            assert marked in text
        assert "+   approvals: 1" in text
        assert "-   version: 1" in text
        assert "+   version: 2" in text
        await pilot.press("G")
        await settle(pilot)
        assert "1 approval by somebody else than ann" in screen_text(app)


@pytest.mark.parametrize("size", SIZES)
async def test_who_joins_is_shown_with_roles_and_fingerprint(
    changing: FakeGovernance, clock: Clock, tmp_path: Path, size: tuple[int, int]
) -> None:
    app = make_app(changing, clock, tmp_path)
    async with app.run_test(size=size) as pilot:
        text = await at_changes(pilot, "j", "enter")
        assert "+ dora" in text
        assert "reviewer, legal" in text
        assert FINGERPRINT in text.replace("\n", "").replace(" ", "")


async def test_the_list_says_whose_key_joins_and_not_the_name_alone(
    changing: FakeGovernance, clock: Clock, tmp_path: Path
) -> None:
    joins = changing.proposed_changes["C-0003"]
    changing.proposed_changes["C-0003"] = replace(joins, fingerprint=FINGERPRINT)
    app = make_app(changing, clock, tmp_path)
    async with app.run_test(size=(80, 24)) as pilot:
        (row,) = [
            row for row in (await at_changes(pilot)).split("\n") if "C-0003" in row
        ]
        assert f"add dora as reviewer, legal  {FINGERPRINT[7:17]}" in row


async def test_who_leaves_is_shown_with_the_roles_they_hold_and_why(
    changing: FakeGovernance, clock: Clock, tmp_path: Path
) -> None:
    app = make_app(changing, clock, tmp_path)
    async with app.run_test(size=(120, 40)) as pilot:
        text = await at_changes(pilot, "j", "j")
        assert "- cleo" in text
        assert "legal, safety" in text
        assert "left in May" in text


async def test_a_signature_is_shown_with_its_comment_and_key(
    changing: FakeGovernance, clock: Clock, tmp_path: Path
) -> None:
    said = {"role": "legal", "comment": "read it twice", "digest": sha("change C-0004")}
    signed = SignOffView("ben", JOINING, "approve", "2026-11-20T11:00:00Z", said, "s")
    first = changing.proposed_changes["C-0004"]
    changing.proposed_changes["C-0004"] = replace(first, signoffs=(signed,))
    app = make_app(changing, clock, tmp_path)
    async with app.run_test(size=(130, 60)) as pilot:
        text = await at_changes(pilot)
        assert "APPROVE   ben  as legal" in text
        assert "read it twice" in text
        assert FINGERPRINT in text


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(("key", "decision"), [("A", "approve"), ("X", "reject")])
async def test_the_last_four_characters_sign_exactly_the_change_that_was_shown(
    changing: FakeGovernance,
    clock: Clock,
    tmp_path: Path,
    size: tuple[int, int],
    key: str,
    decision: str,
) -> None:
    app = make_app(changing, clock, tmp_path)
    digest = sha("change C-0004")
    async with app.run_test(size=size) as pilot:
        await at_changes(pilot)
        await ready(pilot, clock, key)
        await type_into(pilot, "#decision-text", "seen")
        assert changing.written == []
        await type_into(pilot, "#decision-confirm", digest[-4:])
        await settle(pilot)
        assert changing.written == [("sign_change", "C-0004", decision, "seen", digest)]
        assert not app.screen.query(DecisionPanel)


async def test_the_panel_shows_digest_policy_and_what_is_missing(
    changing: FakeGovernance, clock: Clock, tmp_path: Path
) -> None:
    app = make_app(changing, clock, tmp_path)
    async with app.run_test(size=(120, 40)) as pilot:
        await at_changes(pilot)
        await ready(pilot, clock, "A")
        text = screen_text(app)
        panel = text[text.index("APPROVE  C-0004") :]
        assert sha("change C-0004") in panel
        assert sha("policy") in panel
        assert "puts it in force" in panel
        assert "1 approval by somebody else than ann" in panel


async def test_the_panel_of_somebody_who_joins_names_the_whole_fingerprint(
    changing: FakeGovernance, clock: Clock, tmp_path: Path
) -> None:
    joins = changing.proposed_changes["C-0003"]
    changing.proposed_changes["C-0003"] = replace(joins, fingerprint=FINGERPRINT)
    app = make_app(changing, clock, tmp_path)
    async with app.run_test(size=(80, 24)) as pilot:
        text = await at_changes(pilot, "j", "A")
        assert f"key        {FINGERPRINT}" in text


async def test_wrong_characters_and_a_missing_reason_sign_nothing(
    changing: FakeGovernance, clock: Clock, tmp_path: Path
) -> None:
    app = make_app(changing, clock, tmp_path)
    digest = sha("change C-0004")
    async with app.run_test(size=(120, 40)) as pilot:
        await at_changes(pilot)
        await ready(pilot, clock, "X")
        await type_into(pilot, "#decision-confirm", digest[:4])
        assert f"the change digest ends in {digest[-4:]}" in screen_text(app)
        await type_into(pilot, "#decision-confirm", digest[-4:])
        assert "give a reason first" in screen_text(app)
        assert changing.written == []


async def test_a_refused_signature_says_why_and_changes_nothing(
    changing: FakeGovernance, clock: Clock, tmp_path: Path
) -> None:
    changing.refusal = PolicyRefusedError(
        "sign C-0004: an approval by 'ben' does not count: ben proposed it",
        "Somebody else has to sign.",
    )
    app = make_app(changing, clock, tmp_path)
    async with app.run_test(size=(120, 40)) as pilot:
        await at_changes(pilot)
        await ready(pilot, clock, "A")
        await type_into(pilot, "#decision-confirm", sha("change C-0004")[-4:])
        await settle(pilot)
        text = screen_text(app)
        assert "does not count: ben proposed it" in text
        assert "Somebody else has to sign." in text
        assert changing.written == []


async def test_a_decision_is_outdated_when_somebody_writes_meanwhile(
    changing: FakeGovernance, clock: Clock, tmp_path: Path
) -> None:
    app = make_app(changing, clock, tmp_path)
    async with app.run_test(size=(120, 40)) as pilot:
        await at_changes(pilot)
        await ready(pilot, clock, "A")
        changing.somebody_writes()
        app.poll()
        await settle(pilot)
        assert "changed while you looked" in screen_text(app)
        await pilot.press(*sha("change C-0004")[-4:])
        await settle(pilot)
        assert changing.written == []


async def test_a_decided_change_and_ones_own_revocation_open_no_panel(
    changing: FakeGovernance, clock: Clock, tmp_path: Path
) -> None:
    leaving = changing.proposed_changes["C-0002"]
    subject = {"principal": "ben", "key": KEY, "reason": "left"}
    changing.proposed_changes["C-0002"] = replace(leaving, subject=subject)
    app = make_app(changing, clock, tmp_path)
    async with app.run_test(size=(120, 40)) as pilot:
        text = await at_changes(pilot, "G")
        assert "it is REJECTED, and decided" in text
        await pilot.press("A")
        await settle(pilot)
        assert not app.screen.query(DecisionPanel)
        await pilot.press("k", "X")
        await settle(pilot)
        assert "it is about you" in screen_text(app)
        assert not app.screen.query(DecisionPanel)


async def test_read_only_shows_changes_and_signs_none(
    changing: FakeGovernance, clock: Clock, tmp_path: Path
) -> None:
    app = make_app(changing, clock, tmp_path, readonly=True)
    async with app.run_test(size=(120, 40)) as pilot:
        text = await at_changes(pilot, "A")
        assert "approvals: 1" in text
        assert "opened read-only" in text
        assert not app.screen.query(DecisionPanel)


@pytest.mark.parametrize("size", SIZES)
async def test_no_strangers_text_is_obeyed(
    changing: FakeGovernance, clock: Clock, tmp_path: Path, size: tuple[int, int]
) -> None:
    said = {"role": PAYLOAD, "comment": PAYLOAD, "digest": PAYLOAD}
    signed = SignOffView(PAYLOAD, KEY + PAYLOAD, PAYLOAD, PAYLOAD, said, PAYLOAD)
    for name, item in changing.proposed_changes.items():
        changing.proposed_changes[name] = replace(
            item,
            summary=PAYLOAD,
            proposer=PAYLOAD,
            missing=(PAYLOAD,),
            subject={
                "principal": PAYLOAD,
                "key": KEY + PAYLOAD,
                "roles": [PAYLOAD],
                "reason": PAYLOAD,
            },
            document={PAYLOAD: [PAYLOAD]},
            in_force={"spec": PAYLOAD},
            signoffs=(signed,),
            verify_lines=(PAYLOAD,),
        )
    app = make_app(changing, clock, tmp_path)
    async with app.run_test(size=size) as pilot:
        for keys in ((), ("enter",), ("escape", "j", "enter"), ("escape", "j", "A")):
            text = await at_changes(pilot, *keys)
            assert "[@click=app.quit]" in text
            assert DANGEROUS.isdisjoint(text)
        assert app.is_running


async def test_a_workspace_without_changes_says_how_one_comes_about(
    fake: FakeGovernance, clock: Clock, tmp_path: Path
) -> None:
    app = make_app(fake, clock, tmp_path)
    async with app.run_test(size=(120, 40)) as pilot:
        assert "governance policy activate" in await at_changes(pilot)
