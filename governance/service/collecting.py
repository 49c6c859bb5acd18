"""gc: candidates that nobody can activate any more give their tensors back.

What is recorded is removed, never the other way round: a process that is killed in
between leaves objects that the next gc removes. Both happen while nobody else can
append, so that an entry never names an object that is being removed.
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
from governance.service.identity import actor_name
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
    """Give back the tensors of candidates that nobody can activate any more.

    Args:
        workspace: The workspace.
        dry_run: Only say what would be given back.

    Returns:
        What was given back, and which snapshots keep theirs.

    Raises:
        UsageError: The workspace is open for reading only.
        IntegrityError: A snapshot's document changed on disk.
        LedgerError: The store cannot be written, and the next gc finishes; or the
            database lets this user read only, and nothing was removed.
    """
    if dry_run:
        return _view(plan(workspace.store, workspace.book), dry_run=True)
    workspace.refuse_readonly("gc")
    # Removing files asks no database: whoever may not append removes nothing either.
    workspace.ledger.refuse_reader()
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
    return _view(Plan(found.candidates, due, found.kept), dry_run=False)


def _view(found: Plan, *, dry_run: bool) -> CollectView:
    return CollectView(
        freed=found.freed,
        objects=tuple(sorted(found.objects)),
        candidates=found.candidates,
        kept=found.kept,
        dry_run=dry_run,
    )


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
