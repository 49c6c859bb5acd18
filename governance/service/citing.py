"""What an export cites of the ledger: the entries it rests on, with their proofs."""

from collections.abc import Iterable, Iterator, Mapping

from governance.canonical import JSON, canonical_bytes
from governance.domain.change import ChangeKind, ChangeState
from governance.domain.signoff import Head
from governance.domain.state import Candidate, WorkspaceState
from governance.errors import LedgerError
from governance.identity.model_key import ModelKey
from governance.ledger.checkpoint import open_checkpoint
from governance.ledger.entry import Entry
from governance.ledger.log import Ledger
from governance.service.book import Book, SnapshotRecord
from governance.service.custody import ledger_key
from governance.service.fields import text
from governance.service.planning import solved
from governance.service.stored import stored_document
from governance.service.workspace import Workspace
from governance.snapshots.inputs import CitedEntry, CitedHead, ExportedLog

# A leaf hash is 67 bytes of JSON: the longest list that is exported takes 1.1 MB.
MOST_LEAVES = 16_384
_TRIES = 100


def standing(workspace: Workspace) -> tuple[Book, str, Head]:
    """Return book, checkpoint and head of one and the same moment.

    Args:
        workspace: The workspace.

    Raises:
        LedgerError: Others append faster than it can be read.
    """
    key = ledger_key(workspace)
    for _ in range(_TRIES):
        book, note = workspace.book, workspace.ledger.checkpoint()
        head = open_checkpoint(note, key)
        if head.size == book.state.size:
            return book, note, head
    raise LedgerError(
        f"export: the ledger has {book.state.size} entries, its newest checkpoint "
        f"{head.size}",
        "Try again when nobody writes.",
    )


def cite(
    workspace: Workspace,
    book: Book,
    record: SnapshotRecord,
    note: str,
    head: Head,
    signer: ModelKey,
) -> ExportedLog:
    """Gather the entries a snapshot's record rests on, and prove each.

    Args:
        workspace: The workspace.
        book: The book as of the checkpoint.
        record: The snapshot.
        note: The checkpoint.
        head: Its head.
        signer: The key that signs the export.
    """
    ledger, state = workspace.ledger, book.state
    cited = _cited(book, record)
    cited.add(state.signing_keys[signer.public.pem.decode()])
    entries = [ledger.entry(number) for number in sorted(cited)]
    policies = tuple(_policies(workspace, state))
    suites = dict.fromkeys(text(_table(policy, "spec"), "suite") for policy in policies)
    long = head.size > MOST_LEAVES
    return ExportedLog(
        checkpoint=note,
        key=ledger_key(workspace).text,
        entries=tuple(
            CitedEntry(entry, tuple(ledger.inclusion_proof(entry.sequence, head.size)))
            for entry in entries
        ),
        heads=tuple(_heads(ledger, entries, head)),
        leaves=() if long else tuple(entry.digest for entry in ledger.entries()),
        policies=tuple(map(canonical_bytes, policies)),
        suites=tuple(workspace.store.get(digest) for digest in suites),
        files=tuple(workspace.store.get(name) for name in _files(entries)),
    )


def _cited(book: Book, record: SnapshotRecord) -> set[int]:
    state = book.state
    base = book.snapshots[record.model, state.models[record.model].base]
    found = {1, base.lived[0], record.lived[-1], *_of_changes(state)}
    for name in record.edits:
        candidate = solved(state, state.edits[name])
        found |= set(_of_candidate(book, candidate))
    found |= set(_replaced(book, record))
    if record.rollback is not None:
        found |= {signed.sequence for signed in record.cosigned}
        gone = _texts(record.rollback.document.get("edits"))
        found |= {e.sequence for e in state.edits.values() if e.digest in gone}
    return found


def _replaced(book: Book, record: SnapshotRecord) -> Iterator[int]:
    """Yield the entry that made another snapshot live in place of this, if one did."""
    later = [
        number
        for (model, _), other in book.snapshots.items()
        for number in other.lived
        if model == record.model and number > record.lived[-1]
    ]
    if later:
        yield min(later)


def _of_changes(state: WorkspaceState) -> Iterator[int]:
    """Yield every entry on policy and roster: all of them decide who may sign."""
    for change in state.changes.values():
        yield change.sequence
        yield from (signed.sequence for signed in change.signoffs)
        if change.activated is not None:
            yield change.activated


def _of_candidate(book: Book, candidate: Candidate) -> Iterator[int]:
    """Yield how a candidate was proposed, solved, checked, signed and made live."""
    yield candidate.sequence
    yield from (book.state.edits[name].sequence for name in candidate.edits)
    yield from (signed.sequence for signed in candidate.signoffs)
    if candidate.check_sequence is not None:
        yield candidate.check_sequence
    lived = book.snapshots[candidate.model, candidate.digest].lived
    yield from [number for number in lived if number > candidate.sequence][:1]


def _policies(
    workspace: Workspace, state: WorkspaceState
) -> Iterator[Mapping[str, JSON]]:
    """Yield every policy that was ever in force, the first one first."""
    genesis = workspace.ledger.entry(1)
    digests = [text(_table(genesis.data, "policy"), "digest")]
    digests += [
        text(change.subject, "digest")
        for change in state.changes.values()
        if change.kind is ChangeKind.POLICY and change.state is ChangeState.ACTIVE
    ]
    for digest in dict.fromkeys(digests):
        yield stored_document(workspace.store, digest)


def _heads(ledger: Ledger, entries: Iterable[Entry], head: Head) -> Iterator[CitedHead]:
    seen: dict[tuple[int, str], Head] = {}
    for entry in entries:
        match entry.data.get("statement"):
            case {"head": {"size": int(size), "root": str(root)}} if size > 0:
                seen[size, root] = Head(size, root)
    for _, one in sorted(seen.items()):
        yield CitedHead(one, tuple(ledger.consistency_proof(one.size, head.size)))


def _files(entries: Iterable[Entry]) -> Mapping[str, None]:
    """Return the digests of text files that cited requests refer to."""
    found: dict[str, None] = {}
    for entry in entries:
        spec = _table(_table(entry.data, "request"), "spec")
        for name in ("concepts_file", "preserve_file"):
            if isinstance(digest := spec.get(name), str):
                found[digest] = None
    return found


def _table(data: Mapping[str, JSON], name: str) -> Mapping[str, JSON]:
    value = data.get(name)
    return value if isinstance(value, Mapping) else {}


def _texts(value: JSON) -> set[str]:
    return set(map(str, value)) if isinstance(value, list | tuple) else set()
