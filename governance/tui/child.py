"""One child process that computes a job: events in, a signal out."""

import asyncio
import json
import os
import signal
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import suppress
from pathlib import Path

from governance.errors import GovernanceError

LINE_LIMIT = 64 * 1024 * 1024
"""Longest JSON line a child may print: results carry certificates of whole lists."""


class WorkerFailedError(GovernanceError):
    """The child ended without a result, or reported an error of its own."""


class Child:
    """A process in its own session, stdin closed, so that it can be stopped whole.

    Args:
        argv: What to run; prints one JSON document per line.
        log: File that takes what the child says on stderr and its log events.
        grace: Seconds between asking it to stop and killing its group.
    """

    def __init__(self, argv: Sequence[str], log: Path, grace: float = 10.0) -> None:
        self._argv = tuple(argv)
        self._log = log
        self._grace = grace
        self._process: asyncio.subprocess.Process | None = None
        self._asked_to_stop = False

    @property
    def stopped(self) -> bool:
        """Whether somebody asked it to stop."""
        return self._asked_to_stop

    async def events(self) -> AsyncGenerator[dict[str, object], None]:
        """Start the process and yield what it reports, until it ends.

        Raises:
            WorkerFailedError: It could not start, or ended with another exit status
                than 0 without having said why.
        """
        descriptor = os.open(self._log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        with os.fdopen(descriptor, "ab", buffering=0) as log:
            process = await self._start(log.fileno())
            try:
                async for event in self._read(process):
                    if event.get("event") == "log":
                        log.write((str(event.get("text", "")) + "\n").encode())
                    yield event
                await process.wait()
            finally:
                await self.stop()
        if process.returncode and not self._asked_to_stop:
            raise WorkerFailedError(
                f"worker: ended with status {process.returncode} and no result",
                f"Read {self._log}.",
            )

    async def stop(self) -> None:
        """Ask the process to stop; after the grace kill its whole group."""
        process = self._process
        if process is None or process.returncode is not None:
            return
        self._asked_to_stop = True
        _signal_group(process.pid, signal.SIGTERM)
        try:
            await asyncio.wait_for(process.wait(), self._grace)
        except TimeoutError:
            _signal_group(process.pid, signal.SIGKILL)
            await process.wait()

    async def _start(self, log: int) -> asyncio.subprocess.Process:
        try:
            self._process = await asyncio.create_subprocess_exec(
                *self._argv,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
                start_new_session=True,
                limit=LINE_LIMIT,
            )
        except OSError as error:
            raise WorkerFailedError(
                f"worker {self._argv[0]}: cannot start: {error.strerror}",
                "Is the program still installed?",
            ) from error
        return self._process

    async def _read(
        self, process: asyncio.subprocess.Process
    ) -> AsyncIterator[dict[str, object]]:
        if process.stdout is None:
            return
        while True:
            try:
                text = await process.stdout.readline()
            except ValueError as error:
                raise WorkerFailedError(
                    f"worker: printed a line over {LINE_LIMIT} bytes",
                    f"Read {self._log}.",
                ) from error
            if not text:
                return
            yield _parse(text)


def _parse(text: bytes) -> dict[str, object]:
    """Read one line; what is no JSON object becomes a log event, never lost."""
    with suppress(ValueError):
        value = json.loads(text)
        if isinstance(value, dict):
            return value
    return {"event": "log", "text": text.decode(errors="replace").rstrip("\n")}


def _signal_group(leader: int, number: signal.Signals) -> None:
    # The group is gone when the last process of it has ended in the meantime.
    with suppress(ProcessLookupError):
        os.killpg(leader, number)
