"""Checkpoints as the database keeps them, one for each transaction."""

from sqlalchemy import Connection, func, insert, select

from governance.domain.signoff import Head
from governance.errors import IntegrityError
from governance.ledger.checkpoint import open_checkpoint, parse_checkpoint
from governance.ledger.note import NoteKey
from governance.ledger.rows import position_at
from governance.ledger.tables import checkpoints

_INSERT = insert(checkpoints)
_NEWEST = select(func.max(checkpoints.c.size))


def insert_note(connection: Connection, head: Head, note: str) -> None:
    """Keep a checkpoint inside the transaction it is of."""
    connection.execute(_INSERT, {"size": head.size, "note": note.encode()})


def newest_note(connection: Connection) -> str | None:
    """Return the newest kept checkpoint, ``None`` where there is none."""
    newest = select(checkpoints.c.note).order_by(checkpoints.c.size.desc()).limit(1)
    found = connection.execute(newest).scalar()
    return None if found is None else _text(found)


def newest_size(connection: Connection) -> int | None:
    """Return the size of the newest kept checkpoint, ``None`` where there is none."""
    found: int | None = connection.execute(_NEWEST).scalar()
    return found


def noted_sizes(connection: Connection) -> frozenset[int]:
    """Return the size of every kept checkpoint."""
    return frozenset(connection.execute(select(checkpoints.c.size)).scalars())


def newest_head(connection: Connection, key: NoteKey) -> Head | None:
    """Return the head of the newest kept checkpoint, its signature checked.

    Raises:
        IntegrityError: If that key did not sign it.
    """
    note = newest_note(connection)
    if note is None:
        return None
    try:
        return open_checkpoint(note, key)
    except IntegrityError as error:
        message = f"the database's newest checkpoint: {error.message}"
        raise IntegrityError(message, error.hint) from error


def changed_range(connection: Connection, origin: str, size: int) -> tuple[int, int]:
    """Narrow down where a log was rewritten, by the roots signed on the way.

    From the rewritten entry on every root differs, so halving finds it. What the
    database keeps is only used to point at the place, never to call a log good.

    Args:
        connection: An open connection to a log that is consistent in itself.
        origin: Name of the ledger.
        size: A size at which its root is known to be wrong.

    Returns:
        The first and last entry of the transaction that was rewritten.
    """
    good, bad = 0, size
    while (found := _between(connection, good, bad)) is not None:
        reached, note = found
        text = note.rpartition("\n\n")[0] + "\n"
        root = position_at(connection, reached).frontier.root.hex()
        if _claims(text, origin) == Head(reached, root):
            good = reached
        else:
            bad = reached
    return good + 1, bad


def _text(note: object) -> str:
    """Return a stored note's text; damage in it shows when it is checked."""
    return str(note, "utf-8", "replace") if isinstance(note, bytes) else ""


def _claims(text: str, origin: str) -> Head | None:
    """Return the head a text claims, nothing where it cannot be read."""
    try:
        return parse_checkpoint(text, origin)
    except IntegrityError:
        return None


def _between(connection: Connection, good: int, bad: int) -> tuple[int, str] | None:
    """Return a kept checkpoint near the middle, strictly between two sizes."""
    size = checkpoints.c.size
    inside = select(size, checkpoints.c.note).where(size > good, size < bad)
    middle = (good + bad) // 2
    for half in (
        inside.where(size >= middle).order_by(size),
        inside.where(size < middle).order_by(size.desc()),
    ):
        row = connection.execute(half.limit(1)).first()
        if row is not None:
            return row.size, _text(row.note)
    return None
