"""Read and write rows of the log, and check each against the ones before."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple, TypeAlias

from sqlalchemy import Connection, Row, bindparam, func, insert, select

from governance.errors import IntegrityError
from governance.ledger.entry import Entry, parse_entry
from governance.ledger.merkle import EMPTY, HASH_BYTES, Frontier, leaf_hash, peak_ends
from governance.ledger.tables import NO_PREVIOUS, entries

Parser: TypeAlias = Callable[[bytes], Entry]

PAGE = 500
# Built once: building a statement takes longer than running it.
_NEWEST = select(func.max(entries.c.sequence))
_NODES = select(entries.c.sequence, entries.c.node, entries.c.digest).where(
    entries.c.sequence.in_(bindparam("ends", expanding=True))
)
_PAGE = (
    select(entries)
    .where(
        entries.c.sequence > bindparam("after"), entries.c.sequence <= bindparam("upto")
    )
    .order_by(entries.c.sequence)
    .limit(PAGE)
)
_INSERT = insert(entries)


class Position(NamedTuple):
    """Where a reader or writer stands in the log.

    Args:
        frontier: The tree over all entries so far.
        digest: Digest of the newest of them.
    """

    frontier: Frontier = EMPTY
    digest: bytes = NO_PREVIOUS

    @property
    def size(self) -> int:
        """Number of entries so far."""
        return self.frontier.size

    def after(self, digest: bytes) -> "Position":
        """Return the position behind one more entry."""
        return Position(self.frontier.append(digest), digest)


class BadEntryError(IntegrityError):
    """An entry is not what was appended.

    Args:
        sequence: The entry.
        problem: What is wrong with it.
    """

    def __init__(self, sequence: int, problem: str) -> None:
        super().__init__(
            f"entry {sequence} of the ledger: {problem}",
            "Run `governance ledger verify`; restore a backup.",
        )
        self.sequence = sequence
        self.problem = problem


def count(connection: Connection) -> int:
    """Return the newest sequence number, 0 in an empty log."""
    return connection.execute(_NEWEST).scalar() or 0


def position_at(connection: Connection, size: int) -> Position:
    """Return the position behind an entry, from the stored nodes.

    Args:
        connection: An open connection.
        size: How many entries lie behind.

    Raises:
        BadEntryError: If one of the rows it needs is missing.
    """
    if size == 0:
        return Position()
    ends = peak_ends(size)
    found = {row.sequence: row for row in connection.execute(_NODES, {"ends": ends})}
    for end in ends:
        if end not in found:
            raise BadEntryError(end, "is missing")
        _check_hashes(end, found[end].node, found[end].digest)
    peaks = tuple(found[end].node for end in ends)
    return Position(Frontier(size, peaks), found[size].digest)


def page(connection: Connection, after: int, upto: int) -> list[Row[Any]]:
    """Return up to a page of rows behind ``after`` and not beyond ``upto``."""
    found = connection.execute(_PAGE, {"after": after, "upto": upto}).all()
    return list(found)


def follow(
    rows: Iterable[Row[Any]],
    position: Position,
    parse: Parser = parse_entry,
) -> Iterator[tuple[Entry, Position]]:
    """Check rows one after the other, hashing every payload again.

    Args:
        rows: Rows in order of sequence.
        position: Where the first of them should connect.
        parse: Reads each payload.

    Yields:
        Each entry and the position behind it.

    Raises:
        BadEntryError: At the first row that is not what was appended.
    """
    for row in rows:
        position = _step(row, position)
        try:
            entry = parse(row.payload)
        except IntegrityError as error:
            raise BadEntryError(position.size, error.message) from error
        if entry.sequence != position.size:
            problem = f"its payload says it is entry {entry.sequence}"
            raise BadEntryError(position.size, problem)
        yield entry, position


def _check_hashes(sequence: int, *stored: object) -> None:
    """Refuse what a damaged file holds in place of hashes.

    Raises:
        BadEntryError: If one of them is none.
    """
    for value in stored:
        if not isinstance(value, bytes) or len(value) != HASH_BYTES:
            raise BadEntryError(sequence, "its stored hashes are damaged")


def _step(row: Row[Any], position: Position) -> Position:
    """Return the position behind a row whose hashes are all right."""
    expected = position.size + 1
    sequence, previous, digest, node, payload = tuple(row)
    if sequence != expected:
        raise BadEntryError(expected, "is missing")
    _check_hashes(expected, previous, digest, node)
    if not isinstance(payload, bytes):
        raise BadEntryError(expected, "its payload is gone")
    found = leaf_hash(payload)
    if found != digest:
        raise BadEntryError(expected, "its payload does not match its digest")
    if previous != position.digest:
        problem = f"its link to entry {position.size} is broken"
        raise BadEntryError(expected, problem)
    reached = position.after(found)
    if node != reached.frontier.node:
        raise BadEntryError(expected, "its tree node does not match its subtree")
    return reached


def insert_entry(connection: Connection, entry: Entry, position: Position) -> Position:
    """Append one entry inside a write transaction.

    Args:
        connection: A connection in a write transaction.
        entry: The entry; its sequence is the next one.
        position: The head, read in this transaction.

    Returns:
        The head behind the entry.
    """
    payload = entry.payload
    reached = position.after(leaf_hash(payload))
    row = {
        "sequence": entry.sequence,
        "previous": position.digest,
        "digest": reached.digest,
        "node": reached.frontier.node,
        "payload": payload,
    }
    connection.execute(_INSERT, row)
    return reached
