"""Copy a log while others write to it.

Copying the database file alone would leave out what still stands in its journal, and
the copy would look whole.
"""

import os
import secrets
import sqlite3
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
        cursor.execute("VACUUM INTO ?", (str(target),))
        cursor.close()
    except sqlite3.Error as error:
        raise explained(error, name) from error
    finally:
        connection.close()


def reserve(path: Path) -> Path:
    """Make an empty temporary file beside the one a backup will become.

    Args:
        path: Where the backup goes; nothing is overwritten.

    Raises:
        UsageError: If something is there already.
        LedgerError: If the folder cannot be written.
    """
    if path.exists() or path.is_symlink():
        message = f"there is already a file {path}"
        raise UsageError(message, "Give another name for the backup.")
    temporary = path.with_name(f".{path.name}-{secrets.token_hex(8)}")
    try:
        flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY
        os.close(os.open(temporary, flags, _OWNER_ONLY))
    except OSError as error:
        message = f"the backup {path} cannot be written: {error.strerror}"
        raise LedgerError(message, "Check the folder.") from error
    return temporary


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
