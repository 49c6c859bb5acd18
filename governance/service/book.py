"""The ledger folded: the state, and what every snapshot was."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from governance.domain.events import (
    EditReverted,
    EditsApplied,
    ModelRegistered,
    SnapshotActivated,
    SnapshotRestored,
    parse_event,
)
from governance.domain.fold import fold
from governance.domain.persistent import PersistentMap, grown
from governance.domain.signoff import Signed
from governance.domain.state import WorkspaceState
from governance.ledger.entry import Entry


@dataclass(frozen=True, slots=True)
class SnapshotRecord:
    """What the ledger says of one snapshot of one model.

    Args:
        digest: Snapshot digest.
        model: Model name.
        edits: Ids of every edit it holds.
        created: When it was first solved.
        sequence: Entry that first named it.
        was_live: Whether it is, or once was, live.
        rollback: Signed statement that last made it live, where one did.
        lived: Entries that made it live, in their order; for a base, the entry that
            registered it.
    """

    digest: str
    model: str
    edits: tuple[str, ...]
    created: str
    sequence: int
    was_live: bool
    rollback: Signed | None = None
    lived: tuple[int, ...] = ()


Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Book:
    """State and snapshots after the last folded entry; never stored.

    Args:
        state: The domain's fold.
        snapshots: (model, digest) to what it was.
    """

    state: WorkspaceState = field(default_factory=WorkspaceState)
    snapshots: Mapping[Key, SnapshotRecord] = field(default_factory=PersistentMap)

    def after(self, entries: Iterable[Entry]) -> "Book":
        """Fold more entries.

        Args:
            entries: The entries that follow.

        Returns:
            The book after them.

        Raises:
            IntegrityError: An entry is no event, or one the lifecycle forbids.
        """
        book = self
        for entry in entries:
            named = _named(entry)
            state = fold((entry,), book.state)
            snapshots = book.snapshots
            if named is not None:
                known = snapshots.get((named.model, named.digest))
                merged = named if known is None else _merged(known, named)
                snapshots = grown(snapshots, {(named.model, named.digest): merged})
            book = Book(state, snapshots)
        return book


def _merged(known: SnapshotRecord, named: SnapshotRecord) -> SnapshotRecord:
    """Keep when a snapshot was first made; take what is newly true of it."""
    return replace(
        named,
        created=known.created,
        sequence=known.sequence,
        was_live=known.was_live or named.was_live,
        rollback=named.rollback if named.was_live else known.rollback,
        lived=(*known.lived, *named.lived),
    )


def _named(entry: Entry) -> SnapshotRecord | None:
    """Return the snapshot an entry speaks of, if it speaks of one."""
    event = parse_event(entry.event, entry.data)

    def record(
        model: str, digest: str, edits: Iterable[str], rollback: Signed | None = None
    ) -> SnapshotRecord:
        return SnapshotRecord(
            digest=digest,
            model=model,
            edits=tuple(sorted(edits)),
            created=entry.time,
            sequence=entry.sequence,
            was_live=not isinstance(event, EditsApplied),
            rollback=rollback,
            lived=() if isinstance(event, EditsApplied) else (entry.sequence,),
        )

    match event:
        case ModelRegistered():
            return record(event.model, event.base, ())
        case EditsApplied():
            return record(event.model, event.candidate, event.resolved)
        case SnapshotActivated():
            return record(event.model, event.snapshot, event.live)
        case EditReverted() | SnapshotRestored():
            signed = Signed(
                principal=entry.actor,
                key=event.key,
                document=event.statement,
                signature=event.signature,
                sequence=entry.sequence,
                time=entry.time,
            )
            return record(event.model, event.snapshot, event.live, signed)
        case _:
            return None
