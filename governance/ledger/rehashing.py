"""Heads recomputed from payloads, and from nothing else that is stored."""

from collections.abc import Iterable, Iterator

from sqlalchemy import bindparam, select

from governance.domain.signoff import Head
from governance.ledger.database import Database
from governance.ledger.merkle import EMPTY, leaf_hash
from governance.ledger.rows import PAGE, BadEntryError
from governance.ledger.tables import entries

# What else a row holds follows from these two, or does not matter to a root.
_PAYLOADS = (
    select(entries.c.sequence, entries.c.digest, entries.c.payload)
    .where(entries.c.sequence > bindparam("after"))
    .order_by(entries.c.sequence)
    .limit(PAGE)
)


def rehashed_heads(database: Database, sizes: Iterable[int]) -> Iterator[Head]:
    """Hash payloads from the first on, and yield the head at some sizes.

    What a payload says is not looked at: one that leads to a root somebody saw is the
    one they saw. Holds a page at a time, and no transaction between pages.

    Args:
        database: The log.
        sizes: Numbers of entries, in any order.

    Yields:
        The head at each size the log reaches, ascending.

    Raises:
        BadEntryError: At the first payload that is missing or was changed.
    """
    wanted = sorted(set(sizes), reverse=True)
    frontier = EMPTY
    while wanted:
        if frontier.size == wanted[-1]:
            yield Head(wanted.pop(), frontier.root.hex())
            continue
        with database.read() as connection:
            rows = connection.execute(_PAYLOADS, {"after": frontier.size}).all()
        if not rows:
            return
        for sequence, digest, payload in rows[: wanted[-1] - frontier.size]:
            leaf = _leaf(frontier.size + 1, sequence, digest, payload)
            frontier = frontier.append(leaf)


def _leaf(expected: int, sequence: object, digest: object, payload: object) -> bytes:
    """Return the hash of a row's payload.

    Raises:
        BadEntryError: The row is another one's, or its payload another.
    """
    if sequence != expected:
        raise BadEntryError(expected, "is missing")
    if not isinstance(payload, bytes):
        raise BadEntryError(expected, "its payload is gone")
    leaf = leaf_hash(payload)
    if leaf != digest:
        raise BadEntryError(expected, "its payload does not match its digest")
    return leaf
