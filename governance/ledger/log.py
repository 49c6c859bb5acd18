"""The log: append inside a transaction, read and verify by hashing everything again."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from sqlalchemy import Connection

from governance.canonical import JSON
from governance.domain.signoff import Head
from governance.errors import NotFoundError, WrongStateError
from governance.ledger.database import Database, open_database
from governance.ledger.entry import Entry
from governance.ledger.rows import (
    BadEntryError,
    Position,
    count,
    follow,
    insert_entry,
    page,
    position_at,
)


def _head(position: Position) -> Head:
    """Return a position as others cite it."""
    return Head(position.size, position.frontier.root.hex())


@dataclass(frozen=True, slots=True)
class BadEntry:
    """The first entry that is not what was appended.

    Args:
        sequence: The entry.
        problem: What is wrong with it.
    """

    sequence: int
    problem: str


@dataclass(frozen=True, slots=True)
class VerifyReport:
    """What a verification found.

    Args:
        ok: Whether every entry is what was appended.
        entries: How many are.
        head: Head over exactly those.
        first_bad: The first that is not, or ``None``.
    """

    ok: bool
    entries: int
    head: Head
    first_bad: BadEntry | None = None

    def document(self) -> dict[str, JSON]:
        """Return the report as JSON."""
        bad: JSON = None
        if self.first_bad is not None:
            bad = {
                "sequence": self.first_bad.sequence,
                "problem": self.first_bad.problem,
            }
        return {
            "ok": self.ok,
            "entries": self.entries,
            "head": self.head.document(),
            "first_bad": bad,
        }


class WriteTransaction:
    """The one writer there is at a time; what it appends is kept or lost together.

    Args:
        connection: A connection in a write transaction.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._position = position_at(connection, count(connection))

    def head(self) -> Head:
        """Return the head, own entries included."""
        return _head(self._position)

    def entries(self, after: int = 0) -> Iterator[Entry]:
        """Yield the entries behind a sequence, own ones included.

        Args:
            after: Sequence to start behind.

        Raises:
            BadEntryError: At the first entry that is not what was appended.
        """
        position = position_at(self._connection, min(after, self._position.size))
        upto = self._position.size
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


class Ledger:
    """An append-only log of entries in a database.

    Args:
        database: An opened database; use :meth:`open`.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._watch: Connection | None = None

    @classmethod
    def open(
        cls,
        url: str,
        *,
        create: bool = False,
        readonly: bool = False,
        busy_seconds: float = 10.0,
    ) -> Self:
        """Open a ledger, bringing an older schema up to date.

        Args:
            url: ``sqlite:///PATH``.
            create: Make the database if there is none.
            readonly: Open so that nothing can be written.
            busy_seconds: How long to wait for another writer.

        Raises:
            NotFoundError: If there is no ledger and none should be made.
            LedgerError: If it cannot be opened or its schema is another.
            UsageError: If the URL names no supported database.
        """
        return cls(
            open_database(
                url, create=create, readonly=readonly, busy_seconds=busy_seconds
            )
        )

    def __enter__(self) -> Self:
        """Return the open ledger."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close it."""
        self.close()

    def close(self) -> None:
        """Close the database."""
        if self._watch is not None:
            self._watch.close()
            self._watch = None
        self._database.close()

    def head(self) -> Head:
        """Return the size and root of the log as stored; :meth:`verify` recomputes."""
        with self._database.read() as connection:
            return _head(position_at(connection, count(connection)))

    def data_version(self) -> int:
        """Return a number that changes when anybody has committed since."""
        if self._watch is None:
            self._watch = self._database.watch()
        return self._database.data_version(self._watch)

    def entries(self, after: int = 0) -> Iterator[Entry]:
        """Yield the entries behind a sequence, hashing each again.

        Reads page by page and holds no transaction between pages, so a slow reader
        keeps nobody waiting; what was there at the first page is read to its end.

        Args:
            after: Sequence to start behind, such as the size of a known head.

        Raises:
            BadEntryError: At the first entry that is not what was appended.
        """
        for entry, _ in self._follow(after):
            yield entry

    def entry(self, sequence: int) -> Entry:
        """Return one entry.

        Raises:
            NotFoundError: If the log has no such entry.
            BadEntryError: If it is not what was appended.
        """
        if sequence >= 1:
            for entry in self.entries(after=sequence - 1):
                return entry
        message = f"the ledger has no entry {sequence}"
        raise NotFoundError(message, "`governance ledger log` lists them.")

    def verify(self) -> VerifyReport:
        """Hash every payload again and compare everything stored with the result.

        A log cut off at its end is consistent in itself: compare the head with one
        that somebody else holds.
        """
        position = Position()
        try:
            for _, reached in self._follow(0):
                position = reached
        except BadEntryError as error:
            bad = BadEntry(error.sequence, error.problem)
            return VerifyReport(
                ok=False,
                entries=position.size,
                head=_head(position),
                first_bad=bad,
            )
        return VerifyReport(ok=True, entries=position.size, head=_head(position))

    def append(
        self,
        event: str,
        actor: str,
        data: Mapping[str, JSON],
        *,
        now: str,
        expected_head: Head | None = None,
    ) -> Entry:
        """Append one entry in a transaction of its own.

        Args:
            event: What happened, past tense.
            actor: Who did it.
            data: JSON of the event.
            now: RFC 3339 UTC.
            expected_head: The head the decision was made on, if it depends on it.

        Raises:
            WrongStateError: If the log changed since ``expected_head``.
            LedgerError: If another process keeps writing.
        """
        with self.write(expected_head) as transaction:
            return transaction.append(event, actor, data, now=now)

    @contextmanager
    def write(self, expected_head: Head | None = None) -> Iterator[WriteTransaction]:
        """Decide and append while nobody else can write.

        Args:
            expected_head: The head an earlier decision was made on, if any.

        Yields:
            The transaction; kept at the end, lost on any exception.

        Raises:
            WrongStateError: If the log changed since ``expected_head``.
            LedgerError: If another process keeps writing.
        """
        with self._database.write() as connection:
            transaction = WriteTransaction(connection)
            found = transaction.head()
            if expected_head is not None and found != expected_head:
                message = (
                    "the ledger changed while you looked: expected "
                    f"{expected_head.size} entries with root "
                    f"{expected_head.root[:12]}, found {found.size} with root "
                    f"{found.root[:12]}"
                )
                raise WrongStateError(message, "Look again, then repeat the action.")
            yield transaction

    def _follow(self, after: int) -> Iterator[tuple[Entry, Position]]:
        """Yield checked entries and positions up to the head at the first page."""
        with self._database.read() as connection:
            upto = count(connection)
            position = position_at(connection, min(after, upto))
            rows = page(connection, position.size, upto)
        while rows:
            for entry, reached in follow(rows, position):
                position = reached
                yield entry, reached
            with self._database.read() as connection:
                rows = page(connection, position.size, upto)
