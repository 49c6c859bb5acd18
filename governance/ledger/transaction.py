"""The one writer there is at a time."""

from collections.abc import Iterator, Mapping

from sqlalchemy import Connection

from governance.canonical import JSON
from governance.domain.signoff import Head
from governance.ledger.entry import Entry
from governance.ledger.rows import (
    Position,
    count,
    follow,
    insert_entry,
    page,
    position_at,
)


def head_of(position: Position) -> Head:
    """Return a position as others cite it."""
    return Head(position.size, position.frontier.root.hex())


class WriteTransaction:
    """A view of the log that nobody else can change, and what is appended to it.

    What it appends is kept or lost together.

    Args:
        connection: A connection in a write transaction.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._position = position_at(connection, count(connection))

    def head(self) -> Head:
        """Return the head, own entries included."""
        return head_of(self._position)

    def entries(self, after: int = 0) -> Iterator[Entry]:
        """Yield the entries behind a sequence, own ones included.

        Args:
            after: Sequence to start behind.

        Raises:
            BadEntryError: At the first entry that is not what was appended.
        """
        upto = self._position.size
        position = position_at(self._connection, min(after, upto))
        while rows := page(self._connection, position.size, upto):
            for entry, reached in follow(rows, position):
                position = reached
                yield entry

    def append(
        self, event: str, actor: str, data: Mapping[str, JSON], *, now: str
    ) -> Entry:
        """Append one entry.

        Args:
            event: What happened, past tense.
            actor: Who did it.
            data: JSON of the event.
            now: RFC 3339 UTC.

        Raises:
            UsageError: If a field cannot be written.
        """
        entry = Entry(self._position.size + 1, now, event, actor, data)
        self._position = insert_entry(self._connection, entry, self._position)
        return entry
