"""A reviewer sees what waits, what it changes, and what was measured."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from textual.widgets import Input

from governance.errors import IntegrityError
from governance.tui.app import GovernanceApp
from governance.tui.grid import Grid
from tests.tui.conftest import NOW, SIZES, Clock, make_app, screen_text, settle
from tests.tui.fake import FakeGovernance


@pytest.mark.parametrize("size", SIZES)
async def test_the_inbox_groups_edits_by_state_newest_first(
    app: GovernanceApp, size: tuple[int, int]
) -> None:
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        text = screen_text(app)
        order = ["APPLIED", "E-0005", "E-0004", "PROPOSED", "E-0006", "LIVE", "E-0003"]
        places = [text.index(word, text.index("APPLIED")) for word in order]
        assert places == sorted(places)
        assert "READ-ONLY" not in text
        assert "default 1" in text


async def test_a_wide_terminal_shows_three_pictures_and_every_tab(
    app: GovernanceApp,
) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause()
        text = screen_text(app)
        label = next(row for row in text.splitlines() if "candidate" in row[45:])
        assert label[45:].split() == ["base", "live", "candidate"]
        assert any(block in text for block in "▀▄▌▐▟▙▛▜")
        await pilot.press("l", "l")
        await pilot.pause()
        text = screen_text(app)
        assert "Kora -> art" in text
        assert "Held still (3)" in text
        assert "Weights that moved (2)" in text
        await pilot.press("l")
        await pilot.pause()
        text = screen_text(app)
        assert "FAIL" in text
        assert "0.71 [0.61, 0.79]" in text
        assert ">= 0.8" in text
        assert "residual" in text
        await pilot.press("l")
        await pilot.pause()
        assert "nobody has signed this candidate" in screen_text(app)


async def test_a_narrow_terminal_shows_one_pane_and_goes_back_with_escape(
    app: GovernanceApp,
) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        assert "Compare" not in screen_text(app)
        await pilot.press("enter")
        await pilot.pause()
        text = screen_text(app)
        assert "Compare" in text
        assert "E-0004" not in text
        label = next(row for row in text.splitlines() if row.startswith(" live"))
        assert label.split() == ["live", "candidate"]
        await pilot.press("escape")
        await pilot.pause()
        assert "E-0004" in screen_text(app)


async def test_ages_grow_while_nobody_writes(
    fake: FakeGovernance, clock: Clock, tmp_path: Path
) -> None:
    app = make_app(fake, clock, tmp_path)
    app.desk = replace(app.desk, now=lambda: NOW + timedelta(seconds=clock() - 100))
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause()
        await pilot.press("j")
        await pilot.pause()
        chosen = app.screen.query_one("#inbox", Grid).key
        assert "14h ago" in screen_text(app)
        clock.pass_by(7200)
        app.poll()
        await pilot.pause()
        text = screen_text(app)
        assert "16h ago" in text
        assert "14h" not in text
        assert app.screen.query_one("#inbox", Grid).key == chosen
        await pilot.press("3")
        await pilot.pause()
        clock.pass_by(3600)
        app.poll()
        await pilot.pause()
        assert "17h" in screen_text(app)


async def test_a_filter_keeps_what_holds_every_word_and_escape_ends_it(
    app: GovernanceApp, fake: FakeGovernance
) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause()
        await pilot.press("slash", *"kora pass")
        await pilot.pause()
        text = screen_text(app)
        assert "E-0004" in text
        assert "E-0006" not in text
        await pilot.press("enter")
        await pilot.pause()
        assert app.focused is not None
        assert app.focused.id == "inbox"
        await pilot.press("escape")
        await pilot.pause()
        assert "E-0006" in screen_text(app)
        assert fake.written == []


async def test_the_screen_follows_when_somebody_else_writes(
    app: GovernanceApp, fake: FakeGovernance
) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause()
        fake.add("E-0042", "Written by another process")
        fake.somebody_writes()
        app.poll()
        await pilot.pause()
        text = screen_text(app)
        assert "E-0042" in text
        assert "entry 42" in text


async def test_enter_writes_nothing_wherever_the_focus_is(
    app: GovernanceApp, fake: FakeGovernance, clock: Clock
) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause()
        for opening in ("X", "E", "n"):
            await pilot.press(opening)
            await pilot.pause()
            clock.pass_by(1.0)
            for widget in app.screen.query("Input, Button, Grid, Compare"):
                # Cancel closes the panel: it comes last.
                if widget.focusable and "cancel" not in (widget.id or ""):
                    widget.focus()
                    await pilot.press("enter")
            await pilot.press("escape")
            await settle(pilot)
        for screen in "235":
            await pilot.press(screen)
            await pilot.pause()
            await pilot.press("enter", "tab", "enter")
        await settle(pilot)
        assert fake.written == []
        assert app.desk.queue.records == []


async def test_an_inbox_that_cannot_be_read_says_so_and_the_screen_stays(
    app: GovernanceApp, fake: FakeGovernance, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(edit_id: str) -> None:
        raise IntegrityError(f"{edit_id}: evidence does not hash")

    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause()
        monkeypatch.setattr(fake, "edit", broken)
        await pilot.press("j")
        await pilot.pause()
        text = screen_text(app)
        assert "E-0004: evidence does not hash" in text
        assert "E-0006" in text


async def test_zoom_gives_the_detail_the_whole_width(app: GovernanceApp) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause()
        await pilot.press("z")
        await pilot.pause()
        assert "E-0004" not in screen_text(app)
        await pilot.press("z")
        await pilot.pause()
        assert "E-0004" in screen_text(app)


async def test_ascii_leaves_no_other_character_outside_of_titles(
    fake: FakeGovernance, clock: Clock, tmp_path: Path
) -> None:
    app = make_app(fake, clock, tmp_path, ascii=True)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        assert screen_text(app).isascii()
        for _ in range(4):
            await pilot.press("l")
            await pilot.pause()
            assert screen_text(app).isascii()


async def test_light_and_dark_change_with_one_command(app: GovernanceApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        dark = app.screen.styles.background
        app.action_light()
        await pilot.pause()
        assert app.screen.styles.background != dark
        assert "E-0005" in screen_text(app)


async def test_no_color_keeps_every_word(
    fake: FakeGovernance,
    clock: Clock,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    app = make_app(fake, clock, tmp_path)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        assert app.no_color
        assert "FAIL" in screen_text(app)
        for strip in app.screen._compositor.render_strips():
            for segment in strip:
                colour = segment.style and segment.style.color
                if colour and colour.triplet:
                    red, green, blue = colour.triplet
                    assert red == green == blue


async def test_a_filter_field_is_gone_until_it_is_asked_for(
    app: GovernanceApp,
) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        assert not app.screen.query_one("#filter", Input).display
