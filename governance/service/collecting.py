"""gc: candidates that nobody can activate any more give their tensors back.

What is recorded is removed, never the other way round: a process that is killed in
between leaves objects that the next gc removes. Both happen while nobody else can
append, so that an entry never names an object that is being removed. What killed
actions stored and never recorded goes too, where no action is at work.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from governance.canonical import canonical_bytes
from governance.domain.releasing import TensorsReleased
from governance.domain.state import Candidate, WorkspaceState
from governance.errors import IntegrityError, WrongStateError
from governance.ledger.store import ObjectStore
from governance.service.book import Book
from governance.service.holding import nobody_storing
from governance.service.identity import actor_name
from governance.service.leftover import Leftover
from governance.service.planning import candidate_broken
from governance.service.records import CollectView
from governance.service.stored import stored_snapshot
from governance.service.workspace import Workspace

_DIGEST = re.compile(rb"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Plan:
    """What may be given back.

    Args:
        candidates: Snapshots that give their tensors back now.
        objects: Digest and bytes of every object to be removed, earlier candidates'
            included.
        kept: Snapshots that keep their tensors.
    """

    candidates: tuple[str, ...]
    objects: dict[str, int]
    kept: tuple[str, ...]

    @property
    def freed(self) -> int:
        """Bytes in all."""
        return sum(self.objects.values())


def collect(workspace: Workspace, *, dry_run: bool = False) -> CollectView:
    """Give back what candidates that nobody can activate hold, and what was left.

    Args:
        workspace: The workspace.
        dry_run: Only say what would be given back.

    Returns:
        What was given back, which snapshots keep theirs, and what interrupted actions
        had left.

    Raises:
        UsageError: The workspace is open for reading only.
        NotFoundError: The document of a snapshot is missing.
        IntegrityError: It changed on disk.
        LedgerError: The store cannot be written, and the next gc finishes; or the
            database lets this user read only, and nothing was removed.
    """
    if not dry_run:
        workspace.refuse_readonly("gc")
        # Removing files asks no database: who may not append removes nothing either.
        workspace.ledger.refuse_reader()
    with nobody_storing(workspace.store.root) as alone:
        leftover = _leftover(workspace) if alone else None
        if dry_run:
            found = plan(workspace.store, workspace.book)
            left = leftover.sizes() if leftover else {}
        else:
            found = _give_back(workspace)
            left = _clear(workspace, leftover) if leftover else {}
    # A released tensor is never left over: the document that names it is recorded.
    return CollectView(
        freed=found.freed,
        objects=tuple(sorted(found.objects)),
        candidates=found.candidates,
        kept=found.kept,
        dry_run=dry_run,
        left=tuple(sorted(left)),
        left_freed=sum(left.values()),
        held=not alone,
    )


def _give_back(workspace: Workspace) -> Plan:
    """Record what candidates give back, then remove it."""
    with workspace.writing() as writing:
        found = plan(workspace.store, writing.book)
        if found.candidates:
            state = writing.state
            actor = actor_name(
                workspace.settings, workspace.layout, state.roster, state.size + 1
            )
            event = TensorsReleased(
                list(found.candidates), sorted(found.objects), found.freed
            )
            writing.append(event, actor)
    # Durable by now. What an apply has recorded since is needed again, and is kept.
    with workspace.writing() as writing:
        due = removable(workspace.store, writing.book)
        for digest in due:
            workspace.store.remove(digest)
    workspace.store.remove_abandoned()
    return Plan(found.candidates, due, found.kept)


def _leftover(workspace: Workspace) -> Leftover:
    """Find what no entry names; no action holds anything it would still record."""
    found = Leftover(workspace.store)
    found.see(workspace.ledger.entries())
    return found


def _clear(workspace: Workspace, leftover: Leftover) -> dict[str, int]:
    """Remove what no entry names, seen through to the newest one."""
    with workspace.writing() as writing:
        leftover.see(writing.transaction.entries(after=leftover.size))
        left = leftover.sizes()
        for digest in left:
            workspace.store.remove(digest)
    return left


def plan(store: ObjectStore, book: Book) -> Plan:
    """Decide which candidates give their tensors back, and which objects that frees.

    Args:
        store: The objects.
        book: As of when.
    """
    candidates = tuple(sorted(_releasable(book)))
    over = {*candidates, *_released(book.state)}
    kept = {digest for _, digest in book.snapshots if digest not in over}
    objects = removable(store, book, candidates)
    return Plan(candidates, objects, tuple(sorted(kept)))


def removable(
    store: ObjectStore, book: Book, also: Iterable[str] = ()
) -> dict[str, int]:
    """Return the bytes of every object of released candidates that is still there.

    Args:
        store: The objects.
        book: As of when.
        also: Candidates that are about to be released too.
    """
    found = {}
    for digest in sorted(absent(store, book, also)):
        if store.has(digest):
            found[digest] = store.size(digest)
    return found


def absent(store: ObjectStore, book: Book, also: Iterable[str] = ()) -> set[str]:
    """Return every object that may be missing because its candidates gave it back.

    Args:
        store: The objects.
        book: As of when.
        also: Candidates that are about to be released too.

    Raises:
        NotFoundError: The document of a snapshot is missing.
        IntegrityError: It changed on disk.
    """
    over = {*also, *_released(book.state)}
    if not over:
        return set()
    free: set[str] = set()
    for digest in over:
        free |= _tensors(store, digest)
    for _, digest in book.snapshots:
        if digest not in over:
            free -= _tensors(store, digest)
    return free - _cited(book.state)


def refuse_incomplete(store: ObjectStore, digest: str) -> None:
    """Refuse a snapshot whose tensors were given back while it was solved.

    Cheap enough for a write transaction: nothing is hashed.

    Raises:
        WrongStateError: A tensor is not there.
    """
    for tensor in sorted(_tensors(store, digest)):
        if not store.has(tensor):
            raise WrongStateError(
                f"snapshot {digest[:12]}: tensor {tensor[:12]} was removed since it "
                "was solved, as by `governance snapshot gc`",
                "Nothing was recorded. Repeat the action.",
            )


def check_release(before: Book, event: TensorsReleased) -> None:
    """Check that candidates gave back only what nobody could activate.

    Args:
        before: Everything before the entry.
        event: What it says.

    Raises:
        IntegrityError: One of them could still go live, or was live.
    """
    over = set(_releasable(before))
    for digest in event.candidates:
        if digest not in over:
            raise IntegrityError(
                f"candidate {digest[:12]} gave its tensors back, but could still be "
                "signed, or was live"
            )


def _tensors(store: ObjectStore, digest: str) -> set[str]:
    return set(stored_snapshot(store, digest).tensors.values())


def _released(state: WorkspaceState) -> Iterator[str]:
    return (
        digest
        for digest, candidate in state.candidates.items()
        if candidate.released is not None
    )


def _releasable(book: Book) -> Iterator[str]:
    """Yield every candidate that never lived and that nobody can activate."""
    state = book.state
    needed = {item.snapshot for item in state.rollbacks.values()}
    needed |= {digest for (_, digest), item in book.snapshots.items() if item.was_live}
    for digest, candidate in state.candidates.items():
        over = candidate.released is not None or digest in needed
        if not over and not stands(state, candidate):
            yield digest


def stands(state: WorkspaceState, candidate: Candidate) -> bool:
    """Say whether a candidate can still be checked, signed and made live."""
    return any(
        state.edits[name].candidate == candidate.digest
        and candidate_broken(state, state.edits[name]) is None
        for name in candidate.edits
    )


def _cited(state: WorkspaceState) -> set[str]:
    """Return every digest that requests, resolutions and statistics speak of.

    Somebody may have sent in a file that is a tensor's bytes.
    """
    found = set(state.statistics)
    documents = [item.request for item in state.edits.values()]
    for candidate in state.candidates.values():
        documents.extend(candidate.applied.resolved.values())
    for document in documents:
        spoken = _DIGEST.findall(canonical_bytes(document))
        found |= {digest.decode() for digest in spoken}
    return found
