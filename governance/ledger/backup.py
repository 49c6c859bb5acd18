"""Copy a log while others write to it.

Copying the database file alone would leave out what still stands in its journal, and
the copy would look whole.
"""

import fcntl
import os
import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from sqlalchemy import Engine

from governance.errors import LedgerError, UsageError
from governance.ledger.faults import explained

_OWNER_ONLY = 0o600


def copy_sqlite(engine: Engine, name: str, target: Path) -> None:
    """Write a consistent copy of an SQLite database.

    Args:
        engine: Its engine.
        name: What to call it in messages.
        target: An empty file.

    Raises:
        LedgerError: If it cannot be written.
        IntegrityError: If the database is damaged.
    """
    connection = engine.raw_connection()
    try:
        cursor = connection.cursor()
        # A reader's connection may write nothing, not even this other file; what it
        # reads stays closed to it all the same, by the mode it was opened in.
        reading = cursor.execute("PRAGMA query_only").fetchone()[0]
        cursor.execute("PRAGMA query_only=OFF")
        try:
            cursor.execute("VACUUM INTO ?", (str(target),))
        finally:
            cursor.execute(f"PRAGMA query_only={int(reading)}")
            cursor.close()
    except sqlite3.Error as error:
        raise explained(error, name) from error
    finally:
        connection.close()


@contextmanager
def reserved(path: Path) -> Iterator[Path]:
    """Make an empty temporary file beside the one a backup will become.

    It is removed again, and so is what killed processes left beside the same path.

    Args:
        path: Where the backup goes; nothing is overwritten.

    Raises:
        UsageError: If something is there already.
        LedgerError: If the folder cannot be written.
    """
    if path.exists() or path.is_symlink():
        message = f"there is already a file {path}"
        raise UsageError(message, "Give another name for the backup.")
    try:
        _remove_abandoned(path)
        temporary = path.with_name(f"{_prefix(path)}{secrets.token_hex(8)}")
        flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY
        descriptor = os.open(temporary, flags, _OWNER_ONLY)
    except OSError as error:
        message = f"the backup {path} cannot be written: {error.strerror}"
        raise LedgerError(message, "Check the folder.") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield temporary
    finally:
        # Where even this fails, the next backup to the same path removes it.
        with suppress(OSError):
            temporary.unlink()
        os.close(descriptor)


def _prefix(path: Path) -> str:
    return f".{path.name}-partial-"


def _remove_abandoned(path: Path) -> None:
    """Remove temporary files that no living process holds locked."""
    for left in path.parent.iterdir():
        if left.name.startswith(_prefix(path)):
            descriptor = os.open(left, os.O_RDONLY | os.O_NOFOLLOW)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                left.unlink(missing_ok=True)
            except BlockingIOError:
                continue
            finally:
                os.close(descriptor)


def publish(temporary: Path, path: Path) -> None:
    """Make a finished copy durable and give it its name.

    Raises:
        UsageError: If somebody took the name meanwhile.
        LedgerError: If the folder cannot be written.
    """
    try:
        _sync(temporary, os.O_RDWR)
        # A link, unlike a rename, never replaces what is there.
        os.link(temporary, path)
        temporary.unlink()
        _sync(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    except FileExistsError as error:
        message = f"there is already a file {path}"
        raise UsageError(message, "Give another name for the backup.") from error
    except OSError as error:
        message = f"the backup {path} cannot be written: {error.strerror}"
        raise LedgerError(message, "Check the folder.") from error


def _sync(path: Path, flags: int) -> None:
    """Make a file or folder durable."""
    descriptor = os.open(path, flags)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
