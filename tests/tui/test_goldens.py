"""Whole screens as plain text; ``GOLDENS=write`` takes what is drawn as right."""

import os
from pathlib import Path

import pytest

from tests.tui.conftest import Clock, make_app, screen_text, settle
from tests.tui.fake import FakeGovernance

FOLDER = Path(__file__).parent / "goldens"
SCREENS = {
    "inbox-80x24": ((80, 24), ""),
    "evidence-80x24": ((80, 24), "l l l"),
    "diff-120x40": ((120, 40), "l l"),
    "approve-80x24": ((80, 24), "A"),
    "models-120x40": ((120, 40), "3 d j"),
    "jobs-80x24": ((80, 24), "5"),
}


@pytest.mark.parametrize("name", SCREENS)
async def test_a_screen_looks_as_agreed(
    name: str, fake: FakeGovernance, clock: Clock, tmp_path: Path
) -> None:
    size, keys = SCREENS[name]
    app = make_app(fake, clock, tmp_path, ascii=True)
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        for key in keys.split():
            await pilot.press(key)
            await pilot.pause()
        await settle(pilot)
        drawn = screen_text(app) + "\n"
    path = FOLDER / f"{name}.txt"
    if os.environ.get("GOLDENS") == "write":
        path.parent.mkdir(exist_ok=True)
        path.write_text(drawn)
    assert drawn == path.read_text()
