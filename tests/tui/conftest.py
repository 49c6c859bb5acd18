"""One fake workspace and one clock that only moves when told."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from textual.pilot import Pilot

from governance.tui.app import GovernanceApp
from tests.tui.fake import FakeGovernance, inbox

SIZES = [(80, 24), (120, 40)]
NOW = datetime(2026, 11, 21, 0, 0, tzinfo=UTC)


class Clock:
    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds

    def pass_by(self, seconds: float) -> None:
        self.seconds += seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def fake(tmp_path: Path) -> FakeGovernance:
    return inbox(tmp_path)


@pytest.fixture
def app(fake: FakeGovernance, clock: Clock, tmp_path: Path) -> GovernanceApp:
    return make_app(fake, clock, tmp_path)


def make_app(
    fake: FakeGovernance,
    clock: Clock,
    folder: Path,
    *,
    ascii: bool = False,  # noqa: A002
    readonly: bool = False,
) -> GovernanceApp:
    return GovernanceApp(
        fake,
        ascii=ascii,
        readonly=readonly,
        clock=clock,
        now=lambda: NOW,
        jobs_folder=folder / "jobs",
        grace=0.5,
    )


def screen_text(app: GovernanceApp) -> str:
    """What a person reads, line by line."""
    strips = app.screen._compositor.render_strips()
    return "\n".join(strip.text.rstrip() for strip in strips)


async def settle(pilot: Pilot[int]) -> None:
    """Wait until no short piece of work is left; the queue's own never ends."""
    await pilot.pause()
    while short := [
        worker
        for worker in pilot.app.workers
        if worker.group not in ("queue", "default") and not worker.is_finished
    ]:
        await pilot.app.workers.wait_for_complete(short)
        await pilot.pause()
    await pilot.pause()
