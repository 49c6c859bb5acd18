"""Long work runs in a child, and can be stopped whole."""

import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
from textual.pilot import Pilot

from governance.canonical import JSON
from governance.domain.signoff import Head
from governance.errors import WrongStateError
from governance.service.facade import Job, JobKind
from governance.tui.app import GovernanceApp
from governance.tui.child import Child, WorkerFailedError
from governance.tui.jobs import JobRecord
from tests.tui.conftest import Clock, screen_text
from tests.tui.fake import FakeGovernance

JOB = Job(JobKind.CHECK, {"edit": "E-0005"})
EVENTS = [
    {"event": "progress", "step": "draw", "done": 3, "total": 8},
    {"event": "log", "text": "drew three"},
    {"event": "result", "value": {"outcome": "PASS"}},
]
STUBBORN = """
import os, signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
print('{"event": "log", "text": "%d"}' % child.pid, flush=True)
time.sleep(60)
"""


def printing(*events: object, status: int = 0) -> list[str]:
    """A child that prints events and ends."""
    lines = "\n".join(json.dumps(event) for event in events)
    return [sys.executable, "-c", f"print({lines!r}); raise SystemExit({status})"]


async def until_over(pilot: Pilot[int], record: JobRecord) -> None:
    while not record.over:
        await pilot.pause(0.02)
    await pilot.pause()


async def test_a_job_shows_progress_and_its_result_is_recorded_by_the_parent(
    app: GovernanceApp, fake: FakeGovernance
) -> None:
    fake.argv = printing(*EVENTS)
    seen = Head(41, "root")
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("5")
        record = app.desk.queue.submit(JOB, "Check E-0005", seen)
        await until_over(pilot, record)
        assert record.status == "DONE"
        assert record.progress is not None
        assert (record.progress.step, record.progress.done) == ("draw", 3)
        assert fake.finished == [(JOB, {"outcome": "PASS"}, seen)]
        text = screen_text(app)
        assert "drew three" in text
        assert "DONE" in text.splitlines()[-2]
        assert record.log.read_text() == "drew three\n"
        assert record.log.stat().st_mode & 0o777 == 0o600


async def test_what_a_child_stored_is_held_until_it_is_recorded(
    app: GovernanceApp, fake: FakeGovernance, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The child's own hold ends with it, and gc may come by before the parent records.

    A job that fails is let go of too.
    """
    told: list[str] = []
    command, finish = fake.worker_command, fake.finish

    @contextmanager
    def holding() -> Iterator[None]:
        told.append("hold")
        try:
            yield
        finally:
            told.append("let go")

    def commanded(job: Job) -> Sequence[str]:
        told.append("child")
        return command(job)

    def finished(
        job: Job, result: Mapping[str, JSON], *, seen: Head | None = None
    ) -> Mapping[str, JSON]:
        told.append("record")
        return finish(job, result, seen=seen)

    monkeypatch.setattr(fake, "holding", holding)
    monkeypatch.setattr(fake, "worker_command", commanded)
    monkeypatch.setattr(fake, "finish", finished)
    fake.argv = printing(*EVENTS)
    async with app.run_test(size=(120, 40)) as pilot:
        record = app.desk.queue.submit(JOB, "Check E-0005")
        await until_over(pilot, record)
        assert record.status == "DONE"
        assert told == ["hold", "child", "record", "let go"]
        fake.argv = printing(EVENTS[0], status=3)
        record = app.desk.queue.submit(JOB, "Check E-0005")
        await until_over(pilot, record)
        assert record.status == "FAILED"
        assert told[4:] == ["hold", "child", "let go"]


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (
            printing({"event": "error", "message": "solve: singular", "hint": "h"}),
            "solve: singular",
        ),
        (printing(EVENTS[0], status=3), "worker: ended with status 3 and no result"),
        (printing(EVENTS[0]), "worker: ended without a result"),
        (["/nowhere/python"], "worker /nowhere/python: cannot start"),
    ],
)
async def test_a_job_that_fails_says_why_and_records_nothing(
    app: GovernanceApp, fake: FakeGovernance, argv: list[str], message: str
) -> None:
    fake.argv = argv
    async with app.run_test(size=(80, 24)) as pilot:
        record = app.desk.queue.submit(JOB, "Check E-0005")
        await until_over(pilot, record)
        assert record.status == "FAILED"
        assert message in record.message
        assert fake.finished == []
        assert "FAILED" in screen_text(app)


async def test_a_refusal_while_recording_is_a_failure_too(
    app: GovernanceApp, fake: FakeGovernance
) -> None:
    fake.argv = printing(EVENTS[2])
    fake.refusal = WrongStateError(
        "E-0005: another candidate went live", "Apply again."
    )
    async with app.run_test(size=(80, 24)) as pilot:
        record = app.desk.queue.submit(JOB, "Check E-0005")
        await until_over(pilot, record)
        assert (record.status, record.hint) == ("FAILED", "Apply again.")
        assert "another candidate went live" in record.message


async def test_what_a_child_prints_beside_events_is_kept_as_log(
    tmp_path: Path,
) -> None:
    code = (
        "import sys; print('plain words'); print('[1, 2]'); sys.stderr.write('oh\\n')"
    )
    child = Child([sys.executable, "-c", code], tmp_path / "log")
    events = [event async for event in child.events()]
    assert events == [
        {"event": "log", "text": "plain words"},
        {"event": "log", "text": "[1, 2]"},
    ]
    kept = (tmp_path / "log").read_text().splitlines()
    assert sorted(kept) == ["[1, 2]", "oh", "plain words"]


async def test_cancelling_kills_the_whole_group_of_a_child_that_will_not_stop(
    app: GovernanceApp, fake: FakeGovernance, clock: Clock
) -> None:
    fake.argv = [sys.executable, "-c", STUBBORN]
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("5")
        record = app.desk.queue.submit(JOB, "Check E-0005")
        while not record.tail:
            await pilot.pause(0.02)
        grandchild = int(record.tail[0])
        await pilot.press("x")
        await pilot.pause()
        assert record.status == "RUNNING"
        clock.pass_by(1.0)
        await pilot.press("x")
        await until_over(pilot, record)
        assert record.status == "CANCELLED"
        assert fake.finished == []
        assert not alive(grandchild)
        assert "CANCELLED" in screen_text(app)


POLITE = """
import signal, sys, time
def stop(*_):
    print('{"event": "error", "message": "stopped; nothing was recorded"}', flush=True)
    sys.exit(130)
signal.signal(signal.SIGTERM, stop)
print('{"event": "log", "text": "ready"}', flush=True)
time.sleep(60)
"""


async def test_a_child_that_says_it_was_stopped_was_cancelled_and_did_not_fail(
    app: GovernanceApp, fake: FakeGovernance
) -> None:
    fake.argv = [sys.executable, "-c", POLITE]
    async with app.run_test(size=(80, 24)) as pilot:
        record = app.desk.queue.submit(JOB, "Check E-0005")
        while not record.tail:
            await pilot.pause(0.02)
        await app.desk.queue.cancel(record)
        await until_over(pilot, record)
        assert record.status == "CANCELLED"
        assert record.message == "stopped; nothing was recorded"


def alive(process: int) -> bool:
    """Whether a process runs; one that only waits to be collected does not."""
    try:
        status = Path(f"/proc/{process}/stat").read_text()
    except FileNotFoundError:
        return False
    return status.rpartition(")")[2].split()[0] != "Z"


async def test_a_second_x_after_three_seconds_only_asks_again(
    app: GovernanceApp, fake: FakeGovernance, clock: Clock
) -> None:
    fake.argv = [sys.executable, "-c", "import time; time.sleep(60)"]
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("5")
        record = app.desk.queue.submit(JOB, "Check E-0005")
        await pilot.pause()
        await pilot.press("x")
        clock.pass_by(3.5)
        await pilot.press("x")
        await pilot.pause()
        assert not record.over
        assert record.status != "STOPPING"
        await app.desk.queue.cancel(record)
        await until_over(pilot, record)


async def test_a_waiting_job_leaves_the_queue_without_having_run(
    app: GovernanceApp, fake: FakeGovernance
) -> None:
    fake.argv = [sys.executable, "-c", "import time; time.sleep(60)"]
    async with app.run_test(size=(80, 24)) as pilot:
        first = app.desk.queue.submit(JOB, "first")
        second = app.desk.queue.submit(JOB, "second")
        while first.status != "RUNNING":
            await pilot.pause(0.02)
        assert second.status == "QUEUED"
        await app.desk.queue.cancel(second)
        assert second.status == "CANCELLED"
        await app.desk.queue.cancel(first)
        await until_over(pilot, first)
        assert not second.log.exists()


async def test_quitting_with_a_running_job_asks_once_and_stops_it(
    app: GovernanceApp, fake: FakeGovernance
) -> None:
    fake.argv = [
        sys.executable,
        "-c",
        "import os, time; print(os.getpid(), flush=True); time.sleep(60)",
    ]
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        record = app.desk.queue.submit(JOB, "Check E-0005")
        while not record.tail:
            await pilot.pause(0.02)
        await pilot.press("q")
        await pilot.pause()
        assert app.is_running
        assert "A job is running" in screen_text(app)
        await pilot.press("q")
        await pilot.pause()
    assert not alive(int(record.tail[0]))
    assert app.return_value == 0


async def test_a_child_runs_in_its_own_session_with_nothing_to_read(
    tmp_path: Path,
) -> None:
    code = "import os, sys; print(os.getsid(0), os.getpid(), repr(sys.stdin.read()))"
    child = Child([sys.executable, "-c", code], tmp_path / "log")
    [event] = [event async for event in child.events()]
    session, process, read = str(event["text"]).split()
    assert session == process
    assert int(session) != os.getsid(0)
    assert read == "''"


async def test_a_line_without_end_is_refused_not_swallowed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("governance.tui.child.LINE_LIMIT", 1000)
    child = Child([sys.executable, "-c", "print('x' * 5000)"], tmp_path / "log")
    with pytest.raises(WorkerFailedError, match="printed a line over 1000 bytes"):
        _ = [event async for event in child.events()]
