"""Nothing is decided by accident, and what is decided is what was shown."""

from pathlib import Path

import pytest
from textual import events
from textual.pilot import Pilot
from textual.widgets import Input

from governance.errors import PolicyRefusedError
from governance.tui.app import GovernanceApp
from governance.tui.decision import DecisionPanel
from tests.tui.conftest import Clock, make_app, screen_text, settle
from tests.tui.fake import FakeGovernance, sha

EDIT = "E-0005"
LAST_FOUR = sha(f"candidate {EDIT}")[-4:]


async def ready(pilot: Pilot[int], clock: Clock, key: str) -> DecisionPanel:
    """Open a decision on the first edit and let the deaf time pass."""
    await pilot.pause()
    await pilot.press(key)
    await pilot.pause()
    clock.pass_by(1.0)
    return pilot.app.screen.query_one(DecisionPanel)


async def type_into(pilot: Pilot[int], selector: str, text: str) -> None:
    pilot.app.screen.query_one(selector).focus()
    await pilot.pause()
    await pilot.press(*text)
    await pilot.pause()


async def test_typing_the_last_four_characters_signs_exactly_what_was_shown(
    app: GovernanceApp, fake: FakeGovernance, clock: Clock
) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        await ready(pilot, clock, "A")
        text = screen_text(app)
        for name in ("candidate", "evidence", "request"):
            assert sha(f"{name} {EDIT}") in text
        assert sha("policy") in text
        await type_into(pilot, "#decision-text", "fine")
        await type_into(pilot, "#decision-confirm", LAST_FOUR)
        await settle(pilot)
        assert fake.written == [
            (
                "sign",
                EDIT,
                "approve",
                "fine",
                sha(f"candidate {EDIT}"),
                sha(f"evidence {EDIT}"),
            )
        ]
        assert not app.screen.query(DecisionPanel)


async def test_the_panel_says_which_rules_fail_and_which_images_were_seen(
    app: GovernanceApp, clock: Clock
) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause()
        await pilot.press("right_square_bracket")
        await ready(pilot, clock, "A")
        text = screen_text(app)
        assert "specificity fails: lower bound 0.61 of 0.71, expected >= 0.8" in text
        assert "of 8 image pairs" in text
        assert "0 of 8" not in text


async def test_cancel_has_the_focus_and_enter_only_closes(
    app: GovernanceApp, fake: FakeGovernance, clock: Clock
) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        await ready(pilot, clock, "A")
        assert app.focused is not None
        assert app.focused.id == "decision-cancel"
        await pilot.press("enter")
        await pilot.pause()
        assert not app.screen.query(DecisionPanel)
        assert fake.written == []


async def test_tab_stays_within_an_open_panel(app: GovernanceApp, clock: Clock) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        panel = await ready(pilot, clock, "X")
        seen = []
        for _ in range(6):
            await pilot.press("tab")
            assert app.focused is not None
            assert panel in app.focused.ancestors
            seen.append(app.focused.id)
        assert {"decision-text", "decision-confirm", "decision-cancel"} <= set(seen)


async def test_wrong_characters_are_named_and_nothing_is_written(
    app: GovernanceApp, fake: FakeGovernance, clock: Clock
) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        await ready(pilot, clock, "A")
        await type_into(pilot, "#decision-confirm", "zzzz")
        assert f"digest ends in {LAST_FOUR}, found zzzz" in screen_text(app)
        assert app.screen.query_one("#decision-confirm", Input).value == ""
        assert fake.written == []


@pytest.mark.parametrize("key", ["X", "W", "U"])
async def test_reject_withdraw_and_revert_need_a_reason(
    app: GovernanceApp, fake: FakeGovernance, clock: Clock, key: str
) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        panel = await ready(pilot, clock, key)
        await type_into(pilot, "#decision-confirm", panel.consent.expected)
        await settle(pilot)
        assert "give a reason first" in screen_text(app)
        assert fake.written == []
        assert app.desk.queue.records == []


async def test_a_reject_with_a_reason_is_signed(
    app: GovernanceApp, fake: FakeGovernance, clock: Clock
) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        await ready(pilot, clock, "X")
        await type_into(pilot, "#decision-text", "bad")
        await type_into(pilot, "#decision-confirm", LAST_FOUR)
        await settle(pilot)
        assert fake.written[0][:4] == ("sign", EDIT, "reject", "bad")


async def test_keys_of_the_first_300_milliseconds_are_not_heard(
    app: GovernanceApp, fake: FakeGovernance, clock: Clock
) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause()
        await pilot.press("A")
        await pilot.pause()
        clock.pass_by(0.29)
        await pilot.press("tab", "tab", *LAST_FOUR, "enter", "escape")
        await pilot.pause()
        assert len(app.screen.query(DecisionPanel)) == 1
        assert app.screen.query_one("#decision-confirm", Input).value == ""
        clock.pass_by(0.02)
        await pilot.press("escape")
        await pilot.pause()
        assert not app.screen.query(DecisionPanel)
        assert fake.written == []


async def test_pasted_text_is_not_heard(
    app: GovernanceApp, fake: FakeGovernance, clock: Clock
) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        await ready(pilot, clock, "A")
        app.screen.query_one("#decision-confirm").focus()
        await pilot.pause()
        app.post_message(events.Paste(LAST_FOUR))
        await pilot.pause()
        await settle(pilot)
        assert app.screen.query_one("#decision-confirm", Input).value == ""
        assert fake.written == []


async def test_a_head_that_moved_since_the_panel_opened_refuses(
    app: GovernanceApp, fake: FakeGovernance, clock: Clock
) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        await ready(pilot, clock, "A")
        fake.entries += 1
        await type_into(pilot, "#decision-confirm", LAST_FOUR)
        await settle(pilot)
        assert "changed while you looked" in screen_text(app)
        assert fake.written == []


async def test_a_panel_says_at_once_that_somebody_else_wrote(
    app: GovernanceApp, fake: FakeGovernance, clock: Clock
) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        await ready(pilot, clock, "A")
        fake.somebody_writes()
        app.poll()
        await pilot.pause()
        assert "changed while you looked; expected ledger head 41, found 42" in (
            screen_text(app)
        )
        assert app.screen.query_one("#decision-confirm", Input).disabled


async def test_a_refusal_stays_in_the_panel_with_its_hint(
    app: GovernanceApp, fake: FakeGovernance, clock: Clock
) -> None:
    fake.refusal = PolicyRefusedError("E-0005: four eyes", "Ask somebody else.")
    async with app.run_test(size=(120, 40)) as pilot:
        await ready(pilot, clock, "A")
        await type_into(pilot, "#decision-confirm", LAST_FOUR)
        await settle(pilot)
        assert "E-0005: four eyes. Ask somebody else." in screen_text(app)
        assert app.screen.query(DecisionPanel)


async def test_an_impossible_action_stays_visible_and_says_why(
    app: GovernanceApp, fake: FakeGovernance
) -> None:
    fake.reasons[EDIT]["approve"] = "specificity fails"
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause()
        text = screen_text(app)
        assert "A Approve" in text
        assert "specificity fails" in text
        await pilot.press("A")
        await pilot.pause()
        assert not app.screen.query(DecisionPanel)


@pytest.mark.parametrize("key", list("AXPCUEW"))
async def test_a_readonly_program_opens_no_decision(
    fake: FakeGovernance, clock: Clock, tmp_path: Path, key: str
) -> None:
    app = make_app(fake, clock, tmp_path, readonly=True)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause()
        assert "READ-ONLY" in screen_text(app)
        await pilot.press(key)
        await pilot.pause()
        assert not app.screen.query(DecisionPanel)


async def test_a_second_capital_does_not_replace_an_open_decision(
    app: GovernanceApp, clock: Clock
) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        panel = await ready(pilot, clock, "A")
        await pilot.press("X")
        await pilot.pause()
        assert app.screen.query_one(DecisionPanel) is panel


async def test_making_an_earlier_snapshot_live_signs_that_snapshot(
    app: GovernanceApp, fake: FakeGovernance, clock: Clock
) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause()
        await pilot.press("3")
        await pilot.pause()
        await pilot.press("j", "L")
        await pilot.pause()
        clock.pass_by(1.0)
        assert app.screen.query_one("#decision-text", Input).value == ""
        await type_into(pilot, "#decision-text", "worse")
        await type_into(pilot, "#decision-confirm", sha("two")[-4:])
        await settle(pilot)
        assert fake.written == [("activate", sha("two"), "worse")]


async def test_what_is_typed_before_a_field_has_the_focus_moves_nothing(
    app: GovernanceApp, fake: FakeGovernance, clock: Clock
) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        await ready(pilot, clock, "A")
        before = app.screen
        for key in "3q2X":
            await pilot.press(key)
            await pilot.pause()
        assert app.screen is before
        assert app.is_running
        assert "Tab goes to the fields first" in screen_text(app)
        assert app.focused is not None
        assert app.focused.id == "decision-cancel"
        assert fake.written == []


async def test_a_tab_and_text_that_come_in_one_piece_fill_the_fields_they_are_for(
    app: GovernanceApp, fake: FakeGovernance, clock: Clock
) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        await ready(pilot, clock, "A")
        for char in f"\tfine\t{LAST_FOUR}":
            key = events.Key("tab" if char == "\t" else char, char)
            app.post_message(key)
        await pilot.pause()
        await settle(pilot)
        assert [entry[3] for entry in fake.written] == ["fine"]


async def test_an_open_decision_says_which_keys_work_in_it(
    app: GovernanceApp, clock: Clock
) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause()
        before = screen_text(app)
        await ready(pilot, clock, "A")
        assert "tab next field" in screen_text(app)
        await pilot.press("escape")
        await pilot.pause()
        assert screen_text(app) == before
