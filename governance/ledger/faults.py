"""What a database driver's complaint means to a person."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError

from governance.errors import GovernanceError, IntegrityError, LedgerError

_SQLITE_PRIMARY = 0xFF
_BUSY = LedgerError, "is busy: another process is writing", "Try again in a moment."
_DAMAGED = (
    IntegrityError,
    "is damaged: it is no readable SQLite database",
    "Restore a backup and compare its head with one that somebody else holds.",
)
_REFUSED = (
    IntegrityError,
    "refused the change",
    "Run `governance ledger verify`.",
)
# SQLite primary result codes, https://sqlite.org/rescode.html
_SQLITE: dict[int, tuple[type[GovernanceError], str, str]] = {
    5: _BUSY,
    6: _BUSY,
    8: (LedgerError, "cannot be written to", "Check the permissions of its folder."),
    10: (LedgerError, "cannot be read or written: disk error", "Check the disk."),
    11: _DAMAGED,
    13: (LedgerError, "cannot grow: the disk is full", "Make room and try again."),
    14: (LedgerError, "cannot be opened", "Check that its folder exists."),
    19: _REFUSED,
    20: _DAMAGED,
    26: _DAMAGED,
}
# PostgreSQL SQLSTATE, by code or class.
_POSTGRESQL: dict[str, tuple[type[GovernanceError], str, str]] = {
    "55P03": _BUSY,
    "40001": _BUSY,
    "40P01": _BUSY,
    "42501": (
        LedgerError,
        "does not let this database user do that",
        "An account of governance_writer appends; one of governance_auditor only reads.",
    ),
    "53100": (LedgerError, "cannot grow: the disk is full", "Make room."),
    "25006": (LedgerError, "is opened for reading only", ""),
    "P0001": _REFUSED,
    "23505": _REFUSED,
}
_DAMAGED_SCHEMA = b"malformed database schema"
_UNREACHABLE = LedgerError, "cannot be reached", "Check the database URL and server."


def _meaning(fault: BaseException | None) -> tuple[type[GovernanceError], str, str]:
    """Look up what a driver's own exception means."""
    sqlite_code = getattr(fault, "sqlite_errorcode", None)
    if isinstance(sqlite_code, int):
        unknown = LedgerError, "could not do that", ""
        return _SQLITE.get(sqlite_code & _SQLITE_PRIMARY, unknown)
    state = getattr(fault, "sqlstate", None)
    if isinstance(state, str):
        return _POSTGRESQL.get(state, (LedgerError, "could not do that", ""))
    if isinstance(fault, UnicodeDecodeError) or "decode to UTF-8" in str(fault):
        return _DAMAGED
    return _UNREACHABLE


def explained(fault: BaseException | None, name: str) -> GovernanceError:
    """Return the error to raise for a driver's exception.

    Args:
        fault: What the driver raised.
        name: The database as a person knows it; no password in it.
    """
    kind, what, hint = _meaning(fault)
    detail = str(fault).strip().split("\n")[0]
    return kind(f"the ledger {name} {what} ({detail})", hint)


@contextmanager
def explaining(name: str) -> Iterator[None]:
    """Turn driver exceptions raised inside into errors a person understands.

    Args:
        name: The database as a person knows it.

    Raises:
        LedgerError: If it is busy, full, unreachable or unwritable.
        IntegrityError: If it is damaged or refused the change.
    """
    try:
        yield
    except DBAPIError as error:
        raise explained(error.orig, name) from error
    except UnicodeDecodeError as error:
        # The driver chokes on SQLite's own message when the damage is quoted in it.
        if not error.object.startswith(_DAMAGED_SCHEMA):
            raise
        raise explained(error, name) from error
