"""An open workspace: ledger, objects, parts, and the one way to write."""

import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from governance.domain.events import Event
from governance.domain.freshness import statement_of, unseen
from governance.domain.signoff import Head
from governance.domain.state import WorkspaceState
from governance.errors import UsageError, WrongStateError
from governance.ledger.entry import Entry, timestamp
from governance.ledger.hashed_once import HashedOnce
from governance.ledger.log import Ledger, WriteTransaction
from governance.ledger.store import ObjectStore
from governance.policy.model import Policy
from governance.service.book import Book
from governance.service.fields import table, whole
from governance.service.holding import holding
from governance.service.layout import Layout
from governance.service.marking import Marks
from governance.service.ports import Parts, Place
from governance.service.stored import stored_policy
from governance.settings import Settings


class Clock(Protocol):
    """Tells the time."""

    def __call__(self) -> datetime:
        """Return an aware moment."""


def utc_now() -> datetime:
    """Return the local clock's time in UTC."""
    return datetime.now(UTC)


@dataclass
class Writing:
    """A write transaction and the state it decides on.

    Args:
        transaction: The ledger's.
        book: State as of the newest entry, own ones included.
        now: Time of every entry, RFC 3339 UTC.
    """

    transaction: WriteTransaction
    book: Book
    now: str

    @property
    def state(self) -> WorkspaceState:
        """The state as of the newest entry, own ones included."""
        return self.book.state

    def append(self, event: Event, actor: str) -> Entry:
        """Append an event and fold it, so that an illegal one is never kept.

        Args:
            event: What happened.
            actor: Who did it.

        Raises:
            IntegrityError: The lifecycle forbids it.
            WrongStateError: Its signer has signed something else since they looked.
        """
        self._refuse_unseen(event, actor)
        entry = self.transaction.append(event.name, actor, event.data(), now=self.now)
        self.book = self.book.after((entry,))
        return entry

    def _refuse_unseen(self, event: Event, actor: str) -> None:
        statement = statement_of(event)
        if statement is None:
            return
        size = whole(table(statement, "head"), "size")
        if last := unseen(self.state, actor, size):
            raise WrongStateError(
                f"{actor!r} signed something else (entry {last}) since this was looked "
                f"at (the first {size} entries)",
                "Nothing was recorded. Look again, and sign what you see.",
            )


class Workspace:
    """What every action of the service works with.

    Args:
        settings: Where it lies and who acts.
        ledger: The open ledger.
        parts: Everything heavy.
        clock: Tells the time.
    """

    def __init__(
        self, settings: Settings, ledger: Ledger, parts: Parts, clock: Clock = utc_now
    ) -> None:
        self.settings = settings
        self.layout = Layout(settings.workspace)
        self.ledger = ledger
        self.parts = parts
        self.store = ObjectStore(self.layout.objects)
        self._clock = clock
        self.marks = Marks(self.layout.mark, ledger, readonly=settings.readonly)
        self._book: Book | None = None
        self._policies: dict[str, Policy] = {}
        self._lock = threading.RLock()

    @property
    def place(self) -> Place:
        """Where the parts read and write."""
        return Place(
            store=self.store,
            images=self.layout.images,
            encodings=self.layout.encodings,
            device=self.settings.device,
        )

    @property
    def book(self) -> Book:
        """State and snapshots as of the newest entry."""
        with self._lock:
            book = self.marks.resume() if self._book is None else self._book
            self._book = book.after(self.ledger.entries(after=book.state.size))
            self.marks.keep(self._book)
            return self._book

    @property
    def state(self) -> WorkspaceState:
        """The state as of the newest entry."""
        return self.book.state

    def now(self) -> str:
        """Return the time, RFC 3339 UTC."""
        return timestamp(self._clock())

    def policy(self, state: WorkspaceState | None = None) -> Policy:
        """Return the policy in force.

        Args:
            state: As of when; now where omitted.

        Raises:
            IntegrityError: The stored policy is not the recorded one.
        """
        digest = str((state or self.state).policy["digest"])
        if digest not in self._policies:
            self._policies[digest] = stored_policy(self.store, digest)
        return self._policies[digest]

    def auditing(self) -> "Workspace":
        """Return the workspace as an audit sees it: it recalls nothing.

        Its store hashes each object again, once.
        """
        found = Workspace(self.settings, self.ledger, self.parts, self._clock)
        found.store = HashedOnce(self.layout.objects)
        return found

    def holding(self) -> AbstractContextManager[None]:
        """Keep gc from objects that are stored meanwhile and not recorded yet.

        Raises:
            LedgerError: The objects cannot be held.
        """
        if self.settings.readonly:
            return nullcontext()
        return holding(self.store.root)

    @contextmanager
    def writing(
        self, expected: Head | None = None, *, now: str | None = None
    ) -> Iterator[Writing]:
        """Decide and append while nobody else writes.

        Args:
            expected: Head an earlier decision was made on, where it depends on it.
            now: Time of the entries; the clock's where omitted.

        Yields:
            The transaction; kept at the end, lost on any exception.

        Raises:
            UsageError: The workspace is open for reading only.
            LedgerError: The ledger is busy.
        """
        self.refuse_readonly("write")
        book = self.book
        with self.ledger.write(expected) as transaction:
            book = book.after(transaction.entries(after=book.state.size))
            yield Writing(transaction, book, now or self.now())

    def refuse_readonly(self, action: str) -> None:
        """Refuse an action in a workspace that is open for reading only.

        Raises:
            UsageError: It is.
        """
        if self.settings.readonly:
            raise UsageError(
                f"{action}: the workspace {self.layout.root} is open for reading only",
                "Open it without --readonly.",
            )

    def path(self, name: str) -> Path:
        """Return where an object lies, re-hashed, for a program that needs a path."""
        return self.store.path(name)
