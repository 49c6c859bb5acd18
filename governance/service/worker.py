"""A child process computes one job and prints JSON lines; the parent records it."""

import json
import os
import signal
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import TextIO

from governance.canonical import JSON
from governance.errors import (
    ExitCode,
    GovernanceError,
    InterruptedByUserError,
    UsageError,
)
from governance.service.facade import Governance, Job, JobKind, Progress
from governance.service.fields import table, text
from governance.settings import Settings

_STDOUT, _STDERR = 1, 2
Opener = Callable[[Settings], Governance]


def main(arguments: Sequence[str], open_workspace: Opener) -> int:
    """Compute the job named on the command line.

    Args:
        arguments: One JSON document: ``{settings, kind, arguments}``.
        open_workspace: Opens the workspace of some settings.

    Returns:
        The exit status: 0, or the error's.
    """
    signal.signal(signal.SIGTERM, _interrupt)
    with _only_events() as events:
        try:
            settings, job = read_order(arguments)
            value = open_workspace(settings).compute(job, _reporter(events))
            _say(events, {"event": "result", "value": value})
        except KeyboardInterrupt:
            stopped = InterruptedByUserError("stopped; nothing was recorded")
            return _failed(events, stopped, stopped.exit_code)
        except GovernanceError as error:
            return _failed(events, error, error.exit_code)
        except Exception as error:  # noqa: BLE001 - the worker's boundary: told, never lost
            traceback.print_exc()
            hint = "This is a bug in governance. The job's log holds the trace."
            told = GovernanceError(f"{type(error).__name__}: {error}", hint)
            return _failed(events, told, ExitCode.BUG)
    return int(ExitCode.DONE)


def read_order(arguments: Sequence[str]) -> tuple[Settings, Job]:
    """Read settings and job from the command line.

    Raises:
        UsageError: It holds something else.
    """
    try:
        (given,) = arguments
        order = {"order": json.loads(given)}
        found = table(order, "order")
        kind = JobKind(text(found, "kind"))
    except ValueError as error:
        raise UsageError(
            "worker: expected one JSON document with settings, kind and arguments",
            "It is started by the program itself.",
        ) from error
    settings = Settings.from_document(table(found, "settings"))
    return settings, Job(kind, table(found, "arguments"))


@contextmanager
def _only_events() -> Iterator[TextIO]:
    """Keep stdout for events: whatever a library prints goes to stderr."""
    sys.stdout.flush()
    kept = os.dup(_STDOUT)
    os.dup2(_STDERR, _STDOUT)
    try:
        with os.fdopen(os.dup(kept), "w", encoding="utf-8") as events:
            yield events
    finally:
        os.dup2(kept, _STDOUT)
        os.close(kept)


def _reporter(events: TextIO) -> Callable[[Progress], None]:
    def report(progress: Progress) -> None:
        _say(
            events,
            {
                "event": "progress",
                "step": progress.step,
                "done": progress.done,
                "total": progress.total,
            },
        )

    return report


def _failed(events: TextIO, error: GovernanceError, code: ExitCode) -> int:
    _say(
        events,
        {
            "event": "error",
            "type": type(error).__name__,
            "message": error.message,
            "hint": error.hint,
            "exit_code": int(code),
        },
    )
    return int(code)


def _say(events: TextIO, event: Mapping[str, JSON]) -> None:
    events.write(json.dumps(event) + "\n")
    events.flush()


def _interrupt(_: int, __: FrameType | None) -> None:
    raise KeyboardInterrupt
