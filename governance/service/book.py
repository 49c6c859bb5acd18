"""The ledger folded: the state, and what every snapshot was."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from governance.domain.events import (
    EditReverted,
    EditsApplied,
    Event,
    ModelRegistered,
    SnapshotActivated,
    SnapshotRestored,
    parse_event,
)
from governance.domain.evolving import evolve
from governance.domain.fold import state_after
from governance.domain.persistent import PersistentMap, grown
from governance.domain.persistent_list import PersistentList
from governance.domain.rollback import RollbackSigned, Wanted
from governance.domain.signoff import Signed, signed_at
from governance.domain.state import WorkspaceState
from governance.errors import IntegrityError
from governance.ledger.entry import Entry
from governance.text import safe


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
        cosigned: Statements of others which that one needed beside it.
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
    cosigned: tuple[Signed, ...] = ()
    lived: PersistentList[int] = field(default_factory=PersistentList)


Key = tuple[str, str]
_NAMING = (
    ModelRegistered,
    EditsApplied,
    SnapshotActivated,
    EditReverted,
    SnapshotRestored,
    RollbackSigned,
)


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
            book = book.following(parse_event(entry.event, entry.data), entry)
        return book

    def following(self, event: Event, entry: Entry) -> "Book":
        """Fold one more entry.

        Args:
            event: What it says.
            entry: The entry that follows.

        Raises:
            IntegrityError: The lifecycle forbids it.
        """
        state = state_after(self.state, event, entry)
        snapshots, named = self.snapshots, _named(event, entry, self.state)
        if named is not None:
            key = named.model, named.digest
            known = snapshots.get(key)
            if isinstance(event, SnapshotRestored):
                _check_lived(known, event, entry)
            merged = named if known is None else _merged(known, named)
            if merged is not known:
                snapshots = grown(snapshots, {key: merged})
        return Book(state, snapshots)


def _check_lived(
    known: SnapshotRecord | None, event: SnapshotRestored, entry: Entry
) -> None:
    """Refuse to return to what never was: whose tensors nobody approved.

    Raises:
        IntegrityError: It never was live.
    """
    if known is None or not known.was_live:
        raise IntegrityError(
            f"entry {entry.sequence}: {safe(event.snapshot[:12], 12)} went live again, and "
            "never was",
            "Run `governance ledger verify`.",
        )


def _merged(known: SnapshotRecord, named: SnapshotRecord) -> SnapshotRecord:
    """Keep when a snapshot was first made; take what is newly true of it.

    The same request, proposed and applied anew, leads to the same digest: what lived
    still did so with the edits that were approved for it.
    """
    if not named.was_live and (known.was_live or named.edits == known.edits):
        return known
    return evolve(
        named,
        created=known.created,
        sequence=known.sequence,
        was_live=known.was_live or named.was_live,
        rollback=named.rollback if named.was_live else known.rollback,
        cosigned=named.cosigned if named.was_live else known.cosigned,
        lived=known.lived.plus(named.lived),
    )


def cosigners(
    before: WorkspaceState, signed: Signed, event: EditReverted | SnapshotRestored
) -> tuple[Signed, ...]:
    """Return who signed for a rollback before its last signer, and still counts.

    Args:
        before: The state before it.
        signed: The last signature.
        event: The rollback.
    """
    waiting = before.rollbacks.get(wanted_of(before, event))
    return tuple(
        other
        for other in (waiting.signatures if waiting else ())
        if other.document.get("policy") == signed.document.get("policy")
        and other.principal != signed.principal
        and before.roster.owner(other.key, signed.sequence) is not None
    )


def wanted_of(before: WorkspaceState, event: EditReverted | SnapshotRestored) -> Wanted:
    """Say what a rollback does, in the words of what waits for one."""
    live = before.live_edits(event.model)
    leaving = tuple(item.id for item in live if item.id not in event.live)
    action = "revert" if isinstance(event, EditReverted) else "activate"
    return (action, event.model, event.snapshot, leaving)


def _named(event: Event, entry: Entry, before: WorkspaceState) -> SnapshotRecord | None:
    """Return the snapshot an entry speaks of, if it speaks of one."""
    if not isinstance(event, _NAMING):
        return None
    lives = not isinstance(event, (EditsApplied, RollbackSigned))

    def record(
        model: str,
        digest: str,
        edits: Iterable[str],
        rollback: Signed | None = None,
        cosigned: tuple[Signed, ...] = (),
    ) -> SnapshotRecord:
        return SnapshotRecord(
            digest=digest,
            model=model,
            edits=tuple(sorted(edits)),
            created=entry.time,
            sequence=entry.sequence,
            was_live=lives,
            rollback=rollback,
            cosigned=cosigned,
            lived=PersistentList((entry.sequence,) if lives else ()),
        )

    match event:
        case ModelRegistered():
            return record(event.model, event.base, ())
        case EditsApplied():
            return record(event.model, event.candidate, event.resolved)
        case SnapshotActivated():
            return record(event.model, event.snapshot, event.live)
        case EditReverted() | SnapshotRestored():
            signed = signed_at(event, entry)
            others = cosigners(before, signed, event)
            return record(event.model, event.snapshot, event.live, signed, others)
        case RollbackSigned():
            return record(event.model, event.snapshot, event.live)
