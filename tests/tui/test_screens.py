"""Ledger, models, proposal, help and palette."""

from dataclasses import replace
from pathlib import Path

import pytest
from textual.command import CommandPalette
from textual.widgets import Button

from governance.domain.lifecycle import EditState, EvidenceStatus
from governance.service.views import Finding, RollbackView, SignOffView
from governance.tui.app import GovernanceApp
from governance.tui.proposal import ProposalPanel
from governance.tui.screens.help import HelpScreen
from tests.tui.conftest import SIZES, Clock, make_app, screen_text, settle
from tests.tui.fake import FakeGovernance, sha


@pytest.mark.parametrize("size", SIZES)
async def test_the_ledger_says_when_and_to_which_entry_it_was_verified(
    app: GovernanceApp, fake: FakeGovernance, size: tuple[int, int]
) -> None:
    async with app.run_test(size=size) as pilot:
        await pilot.press("2")
        await settle(pilot)
        text = screen_text(app)
        assert "verified to entry 41 at " in text
        assert "SignOffGiven" in text
        fake.broken_at = 17
        await pilot.press("v")
        await settle(pilot)
        text = screen_text(app)
        assert "BROKEN at 17" in text
        assert "payload does not hash" in text


async def test_a_ledger_of_100_000_entries_reads_only_what_is_in_view(
    app: GovernanceApp, fake: FakeGovernance, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake.entries = 100_000
    asked: list[tuple[int, int | None]] = []
    original = fake.log

    def log(after: int = 0, limit: int | None = None) -> object:
        asked.append((after, limit))
        return original(after, limit)

    monkeypatch.setattr(fake, "log", log)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("2")
        await settle(pilot)
        assert "100000" in screen_text(app)
        await pilot.press("G")
        await pilot.pause()
        assert "WorkspaceCreated" in screen_text(app)
        assert len(asked) <= 4
        assert all(limit is not None and limit <= 200 for _, limit in asked)


async def test_an_entry_opens_beside_the_timeline(app: GovernanceApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("2")
        await settle(pilot)
        await pilot.press("j", "enter")
        await pilot.pause()
        text = screen_text(app)
        assert sha("entry 40") in text
        assert "approve" in text
        await pilot.press("escape")
        await pilot.pause()
        assert sha("entry 40") not in screen_text(app)


@pytest.mark.parametrize("size", SIZES)
async def test_models_show_which_edits_each_snapshot_holds(
    app: GovernanceApp, size: tuple[int, int]
) -> None:
    async with app.run_test(size=size) as pilot:
        await pilot.press("3")
        await pilot.pause()
        text = screen_text(app)
        assert "LIVE" in text
        assert sha("three")[:12] in text
        assert "E-0002 E-0003" in text
        await pilot.press("d", "j", "enter")
        await pilot.pause()
        text = screen_text(app)
        assert "removed  E-0003" in text
        assert "Doctors are both" in text


@pytest.mark.parametrize("size", SIZES)
async def test_models_mark_a_rollback_that_waits_and_tensors_that_were_given_back(
    app: GovernanceApp, fake: FakeGovernance, size: tuple[int, int]
) -> None:
    fake.waiting["base"] = (waiting("base"),)
    fake.released.add("candidate")
    async with app.run_test(size=size) as pilot:
        await pilot.press("3")
        await pilot.pause()
        rows = screen_text(app).split("\n")
        (base,) = [row for row in rows if sha("base")[:12] in row]
        assert "waits" in base
        (candidate,) = [row for row in rows if sha("candidate")[:12] in row]
        assert "freed" in candidate
        assert sum("waits" in row for row in rows) == 1
        await pilot.press("G", "enter")
        await pilot.pause()
        text = " ".join(screen_text(app).split())
        assert "activate waits, signed by ann; missing: 1 more signature" in text
        await pilot.press("escape", "k", "enter")
        await pilot.pause()
        assert "tensors given back" in screen_text(app)


def waiting(name: str, action: str = "activate") -> RollbackView:
    signed = SignOffView("ann", "k", action, "2026-11-20T10:00:00Z", {}, "s")
    missing = ("1 more signature",)
    return RollbackView(action, sha(name), ("E-0002",), (signed,), missing)


async def test_a_revert_says_what_goes_out_what_stays_and_whose_signatures_it_takes(
    app: GovernanceApp, fake: FakeGovernance
) -> None:
    fake.policy_spec = {"rollback": {"required_approvals": 2}}
    fake.add(
        "E-0003",
        "Doctors are both",
        EditState.LIVE,
        EvidenceStatus.PASS,
        rollbacks=(waiting("two", "revert"),),
    )
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause()
        await pilot.press("slash", *"doctors", "enter", "U")
        await pilot.pause()
        text = screen_text(app)
        assert "REVERT  E-0003" in text
        assert "goes out   E-0003" in text
        assert "stays      E-0002" in text
        assert f"live now   {sha('three')}" in text
        assert "takes      2 signatures, by as many people; signed by ann" in text
        assert "rules " not in text


async def test_making_the_base_live_says_every_edit_that_goes_out(
    app: GovernanceApp,
) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("3")
        await pilot.pause()
        await pilot.press("G", "L")
        await pilot.pause()
        text = screen_text(app)
        assert "goes out   E-0002, E-0003" in text
        assert "stays      nothing: the base" in text
        assert "takes      1 signature" in text


async def test_what_is_live_or_never_was_cannot_be_made_live(
    app: GovernanceApp,
) -> None:
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        await pilot.press("3")
        await pilot.pause()
        await pilot.press("L")
        await pilot.pause()
        assert "is live already" in screen_text(app)
        await pilot.press("j", "j", "L")
        await pilot.pause()
        assert "was never live" in screen_text(app)
        assert not app.screen.query("#decision")


async def test_a_file_is_judged_as_it_is_typed_and_submitted_with_space(
    app: GovernanceApp, fake: FakeGovernance
) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("n", *"a.yaml")
        assert submit(app).disabled
        await judged(app)
        await pilot.pause()
        assert fake.previewed[-1] == Path("a.yaml")
        assert "policy lets it in" in screen_text(app)
        submit(app).focus()
        await pilot.press("enter")
        await settle(pilot)
        assert fake.written == []
        await pilot.press("space")
        await settle(pilot)
        assert fake.written == [("propose", "a.yaml")]
        assert "E-0099" in screen_text(app)
        assert not app.screen.query(ProposalPanel)


def submit(app: GovernanceApp) -> Button:
    return app.screen.query_one("#proposal-submit", Button)


async def judged(app: GovernanceApp) -> None:
    """Judge now instead of after the debounce."""
    panel = app.screen.query_one(ProposalPanel)
    if panel._timer is not None:
        panel._timer.stop()
    panel._look()
    judging = [worker for worker in app.workers if worker.group == "judge"]
    assert judging
    await app.workers.wait_for_complete(judging)


@pytest.mark.parametrize(
    ("path", "outcome", "words"),
    [
        ("a.yaml", "FAIL", "policy refuses it (1 rules fail)"),
        ("a.txt", "PASS", "a.txt: expected a YAML file"),
    ],
)
async def test_submit_is_grey_and_says_why_where_policy_or_file_refuses(
    app: GovernanceApp, fake: FakeGovernance, path: str, outcome: str, words: str
) -> None:
    fake.findings = (Finding("protected", outcome, "Kora is protected"),)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("n", *path)
        await judged(app)
        await pilot.pause()
        assert words in screen_text(app)
        assert submit(app).disabled


async def test_help_lists_every_key_that_works_here(app: GovernanceApp) -> None:
    async with app.run_test(size=(120, 80)) as pilot:
        await pilot.pause()
        await pilot.press("question_mark")
        await pilot.pause()
        assert isinstance(app.screen, HelpScreen)
        text = screen_text(app)
        for words in ("Approve", "Revert", "Next seed", "Propose from a file", "[ "):
            assert words in text
        await pilot.press("escape")
        await pilot.pause()
        assert not isinstance(app.screen, HelpScreen)


async def test_the_palette_offers_every_decision_and_runs_none_by_itself(
    app: GovernanceApp, fake: FakeGovernance
) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause()
        screen = app.screen
        commands = {item.title: item for item in app.get_system_commands(screen)}
        assert {"Approve", "Reject", "Revert", "Quit", "Dark or light"} <= set(commands)
        await pilot.press("ctrl+p")
        await pilot.pause()
        assert isinstance(app.screen_stack[-1], CommandPalette)
        await pilot.press("escape")
        await pilot.pause()
        assert app.screen is screen
        await commands["Approve"].callback()
        await pilot.pause()
        assert screen.query_one("#decision-cancel").has_focus
        assert fake.written == []


async def test_a_readonly_workspace_cannot_be_proposed_to(
    fake: FakeGovernance, clock: Clock, tmp_path: Path
) -> None:
    app = make_app(fake, clock, tmp_path, readonly=True)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("n", *"a.yaml")
        await judged(app)
        await pilot.pause()
        assert submit(app).disabled
        assert "opened read-only" in screen_text(app)


async def test_copying_names_the_whole_digest(app: GovernanceApp) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause()
        await pilot.press("y")
        assert app.clipboard == sha("candidate E-0005")


async def test_copying_the_verify_commands_copies_each_whole(
    app: GovernanceApp, fake: FakeGovernance
) -> None:
    commands = ("ssh-keygen -Y verify " + "x" * 300, "ssh-keygen -Y verify y")
    fake.details["E-0005"] = replace(fake.details["E-0005"], verify_lines=commands)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        await pilot.press("Y")
        assert app.clipboard == "\n".join(commands) + "\n"
