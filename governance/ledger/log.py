"""The log: append inside a transaction, read and verify by hashing everything again."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from sqlalchemy import Connection

from governance.canonical import JSON
from governance.domain.signoff import Head
from governance.errors import NotFoundError, WrongStateError
from governance.ledger.backup import publish, reserved
from governance.ledger.checkpoint import Held
from governance.ledger.database import Database, open_database, sqlite_url
from governance.ledger.entry import Entry, parse_entry
from governance.ledger.guard import check_extends, sign_head
from governance.ledger.nodes import prove_consistency, prove_inclusion
from governance.ledger.notary import Notary
from governance.ledger.notes import newest_note, noted_sizes
from governance.ledger.reading import follow_pages
from governance.ledger.rehashing import rehashed_heads
from governance.ledger.report import BadEntry, VerifyReport
from governance.ledger.rows import BadEntryError, Parser, count, position_at
from governance.ledger.transaction import WriteTransaction, head_of
from governance.ledger.verification import Visitor, verify_log

__all__ = ["BadEntry", "Ledger", "VerifyReport", "WriteTransaction"]


class Ledger:
    """An append-only log of entries in a database.

    Args:
        database: An opened database; use :meth:`open`.
        notary: Signs the head after every append; ``None`` to sign none.
    """

    def __init__(self, database: Database, notary: Notary | None = None) -> None:
        self._database = database
        self._notary = notary
        self._watch: Connection | None = None

    @classmethod
    def open(
        cls,
        url: str,
        *,
        create: bool = False,
        readonly: bool = False,
        busy_seconds: float = 10.0,
        notary: Notary | None = None,
    ) -> Self:
        """Open a ledger, bringing an older schema up to date.

        Args:
            url: ``sqlite:///PATH`` or ``postgresql+psycopg://USER@HOST/DATABASE``.
            create: Make the database if there is none.
            readonly: Open so that nothing can be written.
            busy_seconds: How long to wait for another writer.
            notary: Signs the head after every append, and what it signed is compared
                at every verification.

        Raises:
            NotFoundError: If there is no ledger and none should be made.
            LedgerError: If it cannot be opened or its schema is another.
            UsageError: If the URL names no supported database.
        """
        database = open_database(
            url, create=create, readonly=readonly, busy_seconds=busy_seconds
        )
        return cls(database, notary)

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

    @property
    def notary(self) -> Notary | None:
        """Who signs its heads; ``None`` where nobody does."""
        return self._notary

    def refuse_reader(self) -> None:
        """Refuse a database user who may append nothing.

        Raises:
            LedgerError: The server lets this one read only.
        """
        self._database.refuse_reader()

    def head(self) -> Head:
        """Return the size and root of the log as stored; :meth:`verify` recomputes."""
        with self._database.read() as connection:
            return head_of(position_at(connection, count(connection)))

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
        for entry, _ in follow_pages(self._database, after):
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

    def verify(
        self,
        held: Iterable[Held] = (),
        visit: Visitor | None = None,
        parse: Parser = parse_entry,
    ) -> VerifyReport:
        """Hash every payload again and compare everything stored with the result.

        A log cut off at its end, or rewritten throughout, is consistent in itself: it
        is caught by the checkpoint in the notary's file and by heads others hold.

        Args:
            held: Heads that somebody else holds.
            visit: Told about each entry once it is known to be what was appended.
            parse: Reads each payload; another one than the usual leaves the payloads'
                form to the caller.
        """
        return verify_log(self._database, self._notary, held, visit, parse)

    def checkpoint(self) -> str:
        """Return the head as a signed note.

        Raises:
            NotFoundError: If the ledger signs none.
            IntegrityError: If the log does not extend the checkpoint in the file.
        """
        with self._database.read() as connection:
            if self._notary is None:
                note = newest_note(connection)
            else:
                head = head_of(position_at(connection, count(connection)))
                check_extends(connection, self._notary, head)
                note = self._notary.sign(head)
        if note is None:
            message = "the ledger has no checkpoint: it has no key of its own"
            raise NotFoundError(message)
        return note

    def noted_sizes(self) -> frozenset[int]:
        """Return the sizes of which the database keeps a signed head, unchecked."""
        with self._database.read() as connection:
            return noted_sizes(connection)

    def backup(self, path: Path) -> Head:
        """Copy the log into a new file, while others may write.

        Keep the notary's key and checkpoint file with it: without the checkpoint, an
        older backup put back looks like a log that was cut off.

        Args:
            path: Where to; nothing is overwritten.

        Returns:
            The head of the copy, which has been verified.

        Raises:
            UsageError: If something is there already.
            LedgerError: If it cannot be written.
            IntegrityError: If what was copied does not verify.
        """
        with reserved(path) as temporary:
            self._database.copy(temporary)
            with type(self).open(sqlite_url(temporary), readonly=True) as copy:
                report = copy.verify()
            if report.first_bad is not None:
                bad = report.first_bad
                raise BadEntryError(bad.sequence, bad.problem)
            publish(temporary, path)
        return report.head

    def head_at(self, size: int) -> Head:
        """Return the head as it was after so many entries, as stored.

        Raises:
            NotFoundError: If the log is shorter.
        """
        with self._database.read() as connection:
            self._check_reaches(connection, size)
            return head_of(position_at(connection, size))

    def rehashed_heads(self, sizes: Iterable[int]) -> Iterator[Head]:
        """Recompute the heads at some sizes, hashing every payload before them again.

        Args:
            sizes: Numbers of entries, in any order.

        Returns:
            The head at each size the log reaches, ascending, as it is reached.

        Raises:
            BadEntryError: At the first payload that is missing or was changed.
        """
        return rehashed_heads(self._database, sizes)

    def inclusion_proof(self, sequence: int, size: int) -> list[str]:
        """Prove that an entry is among the first ``size``.

        Args:
            sequence: The entry; its leaf index is one less.
            size: Number of entries the proof is for.

        Returns:
            Sibling hashes from the leaf up, hex.

        Raises:
            NotFoundError: If the log has no such entry or is shorter.
        """
        with self._database.read() as connection:
            self._check_reaches(connection, size)
            if not 1 <= sequence <= size:
                message = f"entry {sequence} is not among the first {size}"
                raise NotFoundError(message)
            proof = prove_inclusion(connection, sequence, size)
        return [node.hex() for node in proof]

    def consistency_proof(self, old: int, size: int) -> list[str]:
        """Prove that the log only grew from ``old`` to ``size`` entries.

        Returns:
            Hashes in the order of RFC 9162, hex.

        Raises:
            NotFoundError: If the log is shorter, or the sizes are in no order.
        """
        with self._database.read() as connection:
            self._check_reaches(connection, size)
            if not 1 <= old <= size:
                message = f"nothing is proven from {old} to {size} entries"
                raise NotFoundError(message)
            proof = prove_consistency(connection, old, size)
        return [node.hex() for node in proof]

    def _check_reaches(self, connection: Connection, size: int) -> None:
        """Refuse a size the log has not reached.

        Raises:
            NotFoundError: If the log is shorter.
        """
        reached = count(connection)
        if not 0 <= size <= reached:
            message = f"the ledger has {reached} entries: asked for {size}"
            raise NotFoundError(message)

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
        note = None
        with self._database.write() as connection:
            transaction = WriteTransaction(connection)
            before = transaction.head()
            if expected_head is not None and before != expected_head:
                raise _changed(expected_head, before)
            if self._notary is not None:
                check_extends(connection, self._notary, before)
            yield transaction
            after = transaction.head()
            if self._notary is not None and after != before:
                note = sign_head(connection, self._notary, after)
        if self._notary is not None and note is not None:
            self._notary.keep(note)


def _changed(expected: Head, found: Head) -> WrongStateError:
    """Return the error for a decision made on an old head."""
    message = (
        f"the ledger changed while you looked: expected {expected.size} entries with "
        f"root {expected.root[:12]}, found {found.size} with root {found.root[:12]}"
    )
    return WrongStateError(message, "Look again, then repeat the action.")
