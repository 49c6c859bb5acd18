"""The queue of long work: one child at a time, results recorded by the parent."""

import asyncio
import itertools
import tempfile
import time
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import ExitStack, aclosing
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from governance.canonical import JSON
from governance.domain.signoff import Head
from governance.errors import GovernanceError
from governance.service.facade import Governance, Job, Progress
from governance.tui.child import Child, WorkerFailedError

FINISHED = frozenset({"DONE", "FAILED", "CANCELLED"})


@dataclass
class JobRecord:
    """One job as the queue knows it.

    Args:
        number: Counts from 1 in this run of the program.
        job: What is computed.
        title: What it is about, in words; may hold outside text.
        seen: Ledger head its signer saw; ``None`` where nothing is signed.
        log: File with everything the child said.
        status: QUEUED, RUNNING, STOPPING, RECORDING, DONE, FAILED or CANCELLED.
        progress: Newest progress.
        message: Why it failed, or what came of it.
        hint: Next step after a failure.
        started: Clock when the child started.
        seconds: Seconds it took.
        tail: Newest log lines.
    """

    number: int
    job: Job
    title: str
    seen: Head | None
    log: Path
    status: str = "QUEUED"
    progress: Progress | None = None
    message: str = ""
    hint: str = ""
    started: float = 0.0
    seconds: float = 0.0
    result: Mapping[str, JSON] | None = None
    tail: deque[str] = field(default_factory=lambda: deque(maxlen=200))

    @property
    def over(self) -> bool:
        """Whether nothing more will happen to it."""
        return self.status in FINISHED


class JobQueue:
    """Runs jobs in order; tells ``changed`` after every event.

    Args:
        governance: Names the child's command and records its result.
        folder: Where log files go; a new private one where omitted. Made with the
            first job, so that looking leaves nothing behind.
        changed: Called in the event loop whenever a record changed.
        clock: Seconds, monotonic.
        grace: Seconds between asking a child to stop and killing its group.
    """

    def __init__(
        self,
        governance: Governance,
        folder: Path | None,
        changed: Callable[[JobRecord], None],
        *,
        clock: Callable[[], float] = time.monotonic,
        grace: float = 10.0,
    ) -> None:
        self._governance = governance
        self._folder = folder
        self._changed = changed
        self._clock = clock
        self._grace = grace
        self._numbers = itertools.count(1)
        self._waiting: asyncio.Queue[JobRecord] = asyncio.Queue()
        self._child: Child | None = None
        self.records: list[JobRecord] = []

    @property
    def current(self) -> JobRecord | None:
        """The job that is being worked on."""
        busy = ("RUNNING", "STOPPING", "RECORDING")
        return next((item for item in self.records if item.status in busy), None)

    @property
    def unfinished(self) -> tuple[JobRecord, ...]:
        """Jobs that wait or run."""
        return tuple(item for item in self.records if not item.over)

    def submit(self, job: Job, title: str, seen: Head | None = None) -> JobRecord:
        """Queue a job and return its record."""
        number = next(self._numbers)
        log = self._logs() / f"{number:03d}-{job.kind.value}.log"
        record = JobRecord(number=number, job=job, title=title, seen=seen, log=log)
        self.records.append(record)
        self._waiting.put_nowait(record)
        self._changed(record)
        return record

    def _logs(self) -> Path:
        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix="governance-jobs-"))
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return self._folder

    async def work(self) -> None:
        """Run queued jobs, one after the other, until cancelled."""
        while True:
            record = await self._waiting.get()
            if not record.over:
                await self._run(record)

    async def cancel(self, record: JobRecord) -> None:
        """Stop a running job, or take a waiting one out of the queue."""
        if record.status == "QUEUED":
            self._settle(record, "CANCELLED", "taken out of the queue")
        elif record.status == "RUNNING" and self._child is not None:
            record.status = "STOPPING"
            self._changed(record)
            await self._child.stop()

    async def close(self) -> None:
        """Stop whatever runs; nothing of it has reached the ledger."""
        if self._child is not None:
            await self._child.stop()

    async def _run(self, record: JobRecord) -> None:
        record.status, record.started = "RUNNING", self._clock()
        self._changed(record)
        try:
            # The child's own hold ends with it, before its result is recorded.
            with ExitStack() as held:
                await asyncio.to_thread(held.enter_context, self._governance.holding())
                await self._compute_and_record(record)
        except GovernanceError as error:
            # A child that is asked to stop may still say that it was stopped.
            status = "CANCELLED" if record.status == "STOPPING" else "FAILED"
            record.hint = error.hint
            self._settle(record, status, error.message)

    async def _compute_and_record(self, record: JobRecord) -> None:
        result = await self._compute(record)
        if result is None:
            self._settle(record, "CANCELLED", "stopped; nothing was recorded")
            return
        record.status = "RECORDING"
        self._changed(record)
        record.result = await asyncio.to_thread(
            self._governance.finish, record.job, result, seen=record.seen
        )
        self._settle(record, "DONE", outcome(record.result))

    async def _compute(self, record: JobRecord) -> Mapping[str, JSON] | None:
        """Return the child's result, or ``None`` where it was stopped."""
        argv = self._governance.worker_command(record.job)
        child = self._child = Child(argv, record.log, self._grace)
        result: Mapping[str, JSON] | None = None
        try:
            async with aclosing(child.events()) as events:
                async for event in events:
                    found = self._heard(record, event)
                    result = result if found is None else found
        finally:
            self._child = None
        if child.stopped:
            return None
        if result is None:
            raise WorkerFailedError(
                "worker: ended without a result", f"Read {record.log}."
            )
        return result

    def _heard(
        self, record: JobRecord, event: Mapping[str, object]
    ) -> Mapping[str, JSON] | None:
        """Take one event in; return the value of a result."""
        kind = event.get("event")
        if kind == "result":
            return cast("Mapping[str, JSON]", event.get("value") or {})
        if kind == "error":
            raise WorkerFailedError(
                str(event.get("message", "worker: failed")), str(event.get("hint", ""))
            )
        if kind == "progress":
            record.progress = Progress(
                str(event.get("step", "")),
                _count(event.get("done")),
                _count(event.get("total")),
            )
        else:
            record.tail.append(str(event.get("text", "")))
        self._changed(record)
        return None

    def _settle(self, record: JobRecord, status: str, message: str) -> None:
        record.status, record.message = status, message
        if record.started:
            record.seconds = self._clock() - record.started
        self._changed(record)


def _count(value: object) -> int:
    return value if isinstance(value, int) and value >= 0 else 0


def outcome(result: Mapping[str, JSON] | None) -> str:
    """Say in a few words what a finished job's document holds."""
    document = result or {}
    missing = document.get("missing")
    if isinstance(missing, list | tuple) and missing:
        return f"signed, still missing: {'; '.join(map(str, missing))}"
    for key in ("outcome", "state", "path", "candidate"):
        value = document.get(key)
        if isinstance(value, str) and value:
            return f"{key} {value[:12] if key == 'candidate' else value}"
    return "recorded"
