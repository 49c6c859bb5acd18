"""Titles, prompts and comments come from strangers: none of it is obeyed."""

import os
import pty
import select
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from rich.segment import Segment
from rich.style import Style
from textual.color import Color

from governance.domain.lifecycle import EditState, EvidenceStatus
from governance.errors import UsageError
from governance.service import views
from governance.service.facade import Job, JobKind
from governance.tui.app import GovernanceApp
from governance.tui.guard import ControlFilter, without_controls
from tests.tui.conftest import SIZES, Clock, make_app, screen_text, settle
from tests.tui.fake import KEY, FakeGovernance

MARKUP = "[@click=app.quit]click[/] [/foo] [bold $error]"
ESCAPES = "\x1b]52;c;ZXZpbA==\x07 \x1b[?1049l \x1b]8;;http://evil\x1b\\ \x9b31m"
INVISIBLE = "‮evil‬ zero​width \U000e0041tag \x00\x7f\r\n"
PAYLOAD = f"T {MARKUP} {ESCAPES} {INVISIBLE}"
DANGEROUS = set("\x1b\x07\x9b\x00\x7f\r‮‬​\U000e0041")


@pytest.fixture
def hostile(tmp_path: Path) -> FakeGovernance:
    """Every string that may come from outside is the payload."""
    fake = FakeGovernance(tmp_path)
    detail = fake.add("E-0001", PAYLOAD, EditState.APPLIED, EvidenceStatus.FAIL)
    rule = views.RuleResult(
        PAYLOAD, "FAIL", 0.5, PAYLOAD, PAYLOAD, 8, 0.1, 0.9, PAYLOAD
    )
    signoff = views.SignOffView(
        principal=PAYLOAD,
        key=KEY + PAYLOAD,
        decision=PAYLOAD,
        time=PAYLOAD,
        statement={
            "role": PAYLOAD,
            "comment": PAYLOAD,
            "candidate": PAYLOAD,
            "head": {"size": PAYLOAD, "root": PAYLOAD},
        },
        signature=PAYLOAD,
    )
    concept = {"source": PAYLOAD, "destination": PAYLOAD, "prompt": PAYLOAD}
    fake.details["E-0001"] = replace(
        detail,
        summary=replace(
            detail.summary,
            action=PAYLOAD,
            method=PAYLOAD,
            model=PAYLOAD,
            proposer=PAYLOAD,
            time=PAYLOAD,
        ),
        request={
            PAYLOAD: PAYLOAD,
            "metadata": {"title": PAYLOAD, "rationale": PAYLOAD, "reference": PAYLOAD},
            "spec": {
                "concepts": [concept, PAYLOAD],
                "concepts_file": PAYLOAD,
                "attributes": [{"name": PAYLOAD, "ratio": PAYLOAD, "prompt": PAYLOAD}],
                "preserve": [PAYLOAD],
                "parameters": {PAYLOAD: [PAYLOAD]},
                "checks": {PAYLOAD: {PAYLOAD: [{PAYLOAD: PAYLOAD}]}},
            },
        },
        effective_parameters={PAYLOAD: [PAYLOAD, {PAYLOAD: PAYLOAD}]},
        findings=(views.Finding(PAYLOAD, PAYLOAD, PAYLOAD),),
        candidate_edits=("E-0001", PAYLOAD),
        certificate=(views.CertificateRow(PAYLOAD, PAYLOAD, 1.0, 1.0, 1.0, PAYLOAD),),
        sites=(views.SiteNorm(PAYLOAD, 1.0),),
        conflicts=(PAYLOAD,),
        verdict=views.Verdict("FAIL", (rule,)),
        metrics={
            PAYLOAD: {PAYLOAD: {"value": PAYLOAD, "low": 0, "high": 1, "n": PAYLOAD}}
        },
        signoffs=(signoff,),
        missing=(PAYLOAD,),
        verify_lines=(PAYLOAD,),
    )
    fake.reasons["E-0001"] |= {"revert": PAYLOAD}
    fake.payload = PAYLOAD
    return fake


def assert_harmless(app: GovernanceApp) -> None:
    """No dangerous character is on screen; the payload's words are, as text."""
    text = screen_text(app)
    assert DANGEROUS.isdisjoint(text)
    for strip in app.screen._compositor.render_strips():
        for segment in strip:
            assert segment.control is None
            assert segment.style is not None
            assert "click" not in str(segment.style.meta)


@pytest.mark.parametrize("size", SIZES)
async def test_every_tab_shows_hostile_text_as_text(
    hostile: FakeGovernance, clock: Clock, tmp_path: Path, size: tuple[int, int]
) -> None:
    app = make_app(hostile, clock, tmp_path)
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        assert "[@click=app.quit]click[/]" in screen_text(app)
        assert_harmless(app)
        for _ in range(4):
            await pilot.press("l")
            await pilot.pause()
            assert_harmless(app)
            await pilot.press("G")
            await pilot.pause()
            assert_harmless(app)
        for key in "AXC":
            await pilot.press(key)
            await pilot.pause()
            assert app.screen.query("#decision")
            assert_harmless(app)
            clock.pass_by(1.0)
            await pilot.press("escape")
            await pilot.pause()


async def test_every_other_screen_shows_hostile_text_as_text(
    hostile: FakeGovernance, clock: Clock, tmp_path: Path
) -> None:
    hostile.argv = [sys.executable, "-c", f"print({ESCAPES!r})"]
    hostile.broken_at = 3
    app = make_app(hostile, clock, tmp_path)
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        record = app.desk.queue.submit(Job(JobKind.CHECK), PAYLOAD)
        while not record.over:
            await pilot.pause(0.02)
        for key in "2351":
            await pilot.press(key)
            await settle(pilot)
            assert_harmless(app)
            await pilot.press("j", "enter", "d")
            await pilot.pause()
            assert_harmless(app)
        await pilot.press("U")
        await pilot.pause()
        assert_harmless(app)
        app.tell(PAYLOAD, bad=True)
        await pilot.press("question_mark")
        await pilot.pause()
        assert_harmless(app)


async def test_a_hostile_error_about_a_file_is_shown_as_text(
    hostile: FakeGovernance,
    clock: Clock,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(_: Path) -> None:
        raise UsageError(PAYLOAD, PAYLOAD)

    monkeypatch.setattr(hostile, "preview_proposal", refuse)
    app = make_app(hostile, clock, tmp_path)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("n", *"a.yaml")
        panel = app.screen.query_one("#proposal")
        await pilot.pause(0.3)
        await settle(pilot)
        assert "[@click=app.quit]click[/]" in screen_text(app)
        assert_harmless(app)
        assert panel.is_attached


def test_the_filter_drops_control_bytes_whoever_rendered_them() -> None:
    dirty = [Segment(PAYLOAD), Segment("x", Style(bold=True)), Segment("", None, [])]
    clean = ControlFilter().apply(dirty, Color(0, 0, 0))
    assert DANGEROUS.isdisjoint("".join(segment.text for segment in clean))
    assert all(segment.style is not None for segment in clean)


def test_letters_of_any_script_pass_the_filter() -> None:
    for text in ("plain", "Ünïcödé", "漢字", "עברית", "━┃●"):
        assert without_controls(text) == text


async def test_the_filter_comes_first(app: GovernanceApp) -> None:
    assert isinstance(app.get_line_filters()[0], ControlFilter)


PROGRAM = """
import sys
from pathlib import Path
sys.path.insert(0, {root!r})
from tests.tui.fake import inbox
from tests.tui.test_hostile import PAYLOAD
from governance.domain.lifecycle import EditState
from governance.tui.app import GovernanceApp
fake = inbox(Path({folder!r}))
fake.add("E-0050", PAYLOAD, EditState.APPLIED)
class Short(GovernanceApp):
    def on_ready(self):
        self.set_timer(0.5, lambda: self.exit(0))
Short(fake, jobs_folder=Path({folder!r}) / "jobs").run()
"""


def test_no_payload_reaches_a_real_terminal(tmp_path: Path) -> None:
    root = str(Path(__file__).parents[2])
    program = PROGRAM.format(root=root, folder=str(tmp_path))
    terminal, inner = pty.openpty()
    process = subprocess.Popen(  # noqa: S603 - our own program
        [sys.executable, "-c", program],
        stdin=inner,
        stdout=inner,
        stderr=inner,
        env=os.environ | {"TERM": "xterm-256color", "COLUMNS": "120", "LINES": "40"},
        start_new_session=True,
    )
    os.close(inner)
    written = read_all(terminal)
    assert process.wait() == 0
    assert b"click[/]" in written
    for payload in (b"\x1b]52;", b"\x1b]8;;http://evil", b"\x9b31m", "‮".encode()):
        assert payload not in written
    # The program itself leaves the alternate screen once, at its end.
    assert written.count(b"\x1b[?1049l") == 1


def read_all(terminal: int) -> bytes:
    """Read what a terminal was sent until its program ends."""
    written = b""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        ready, _, _ = select.select([terminal], [], [], 1.0)
        if not ready:
            continue
        try:
            piece = os.read(terminal, 65_536)
        except OSError:
            # Linux says so when the last process holding the terminal has ended.
            break
        if not piece:
            break
        written += piece
    os.close(terminal)
    return written
