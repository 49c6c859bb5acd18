"""Every moment at which a process writes, named, and what may go wrong at it.

The interpreter itself tells: audit events for opening, renaming, linking, removing;
profile events for what has none: writing, syncing, and SQL that changes something.
Nothing sleeps and nothing is timed, so a step is the same step in every run.
"""

import errno
import io
import os
import signal
import sqlite3
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

_AUDITED = {
    "os.mkdir": "mkdir",
    "os.rename": "rename",
    "os.link": "link",
    "os.remove": "remove",
    "os.rmdir": "rmdir",
    "os.chmod": "chmod",
}
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
_CALLED = {"fsync", "write", "flush", "truncate"}
_SQL = {"execute", "commit"}
_FILES = (io.FileIO, io.BufferedWriter, io.BufferedRandom, io.TextIOWrapper)
_READS = ("SELECT", "PRAGMA", "BEGIN", "ROLLBACK", "EXECUTE")
SQL = "sql"

At = Callable[[str, str], None]
"""Told about a step before it is taken: its name, and what kind it is."""


class Watch:
    """The one hook of this process; told what to do step by step.

    Args:
        at: Told about each step; whatever it raises happens instead of the step.
    """

    def __init__(self, at: At) -> None:
        self._at = at

    def __enter__(self) -> None:
        """Begin to watch."""
        _HOOK.at = self._at
        sys.setprofile(_profile)

    def __exit__(self, *_: object) -> None:
        """Stop watching."""
        sys.setprofile(None)
        _HOOK.at = None


class _Hook:
    at: At | None = None
    installed = False


_HOOK = _Hook()


def install() -> None:
    """Ask for audit events; an audit hook stays until the process ends."""
    if not _HOOK.installed:
        _HOOK.installed = True
        sys.addaudithook(_audit)


def _audit(event: str, arguments: tuple[Any, ...]) -> None:
    if _HOOK.at is None:
        return
    if event == "open":
        if isinstance(arguments[2], int) and arguments[2] & _WRITING:
            _taken("open")
    elif event in _AUDITED:
        _taken(_AUDITED[event])


def _profile(frame: FrameType, event: str, called: Any) -> None:
    if event != "c_call" or _HOOK.at is None:
        return
    name, owner = called.__name__, called.__self__
    if name == "fsync" or (name in _CALLED and isinstance(owner, _FILES)):
        _taken(name)
    elif name in _SQL and isinstance(owner, sqlite3.Cursor | sqlite3.Connection):
        _changing(frame, name)


def _changing(frame: FrameType, name: str) -> None:
    """Tell about SQL, if it changes something."""
    default = "VACUUM" if frame.f_code.co_name == "copy_sqlite" else name
    statement = str(frame.f_locals.get("statement", default)).split()[0].upper()
    if statement not in _READS:
        _taken(f"{SQL} {statement}")


def _taken(kind: str) -> None:
    """Tell about a step, if it is the program's own."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        module = frame.f_globals.get("__name__", "")
        if frame.f_code.co_qualname == "Database.read":
            return
        if module.startswith("governance."):
            where = f"{module.removeprefix('governance.')}.{frame.f_code.co_qualname}"
            if _HOOK.at is not None:
                _HOOK.at(f"{where}: {kind}", kind)
            return
        frame = frame.f_back


def kill() -> None:
    """End this process as a power cut would."""
    os.kill(os.getpid(), signal.SIGKILL)


def failure(kind: str, code: int) -> OSError | sqlite3.OperationalError:
    """Return what a full or a read-only disk raises at a kind of step."""
    if not kind.startswith(SQL):
        return OSError(code, os.strerror(code))
    full = code == errno.ENOSPC
    error = sqlite3.OperationalError(
        "database or disk is full" if full else "attempt to write a readonly database"
    )
    error.sqlite_errorcode = sqlite3.SQLITE_FULL if full else sqlite3.SQLITE_READONLY
    return error
