"""Verify: re-hash every entry, object and signature, and name the first that is off."""

from collections.abc import Mapping
from pathlib import Path

from governance.domain.change_events import (
    ChangeActivated,
    ChangeProposed,
    ChangeSigned,
)
from governance.domain.events import (
    EditProposed,
    EditReverted,
    EditsApplied,
    EditsChecked,
    Event,
    ModelRegistered,
    SignOffGiven,
    SnapshotActivated,
    SnapshotRestored,
    WorkspaceCreated,
    parse_event,
)
from governance.domain.rollback import RollbackSigned
from governance.domain.signoff import SIGNOFF_NAMESPACE, Signed
from governance.domain.state import WorkspaceState
from governance.domain.statistics import StatisticsRecorded
from governance.errors import GovernanceError, IntegrityError
from governance.ledger.entry import Entry
from governance.ledger.merkle import EMPTY_ROOT, Frontier, leaf_hash
from governance.ledger.store import ObjectStore
from governance.service.authority import verify_proposal, verify_signed
from governance.service.book import Book
from governance.service.change_checks import check_change
from governance.service.custody import kept_checkpoint, proven
from governance.service.evidence import check_evidence, judged
from governance.service.fields import table, text, whole
from governance.service.planning import check_held
from governance.service.readiness import evidence_refusal, weigh
from governance.service.rollback_checks import check_rollback
from governance.service.signers_file import signers_problem
from governance.service.stored import (
    check_snapshot,
    request_of,
    stored_policy,
    stored_suite,
)
from governance.service.views import HeadView, LedgerVerdict
from governance.service.workspace import Workspace


def verify(workspace: Workspace, against: Path | None = None) -> LedgerVerdict:
    """Recompute everything the ledger says and cites.

    Args:
        workspace: The workspace.
        against: A checkpoint somebody kept; the ledger must continue it.

    Returns:
        Whether all of it holds, else the first entry that does not, and why.

    Raises:
        IntegrityError: What was kept is no checkpoint of this ledger.
    """
    held = None if against is None else kept_checkpoint(workspace, against)
    report = workspace.ledger.verify(() if held is None else (held,))
    head = HeadView(report.head.size, report.head.root)
    if report.first_bad is not None:
        bad = report.first_bad
        return _broken(report.entries, head, bad.sequence, bad.problem)
    book, frontier, roots = Book(), Frontier(), {0: EMPTY_ROOT.hex()}
    for entry in workspace.ledger.entries():
        before = book.state
        frontier = frontier.append(leaf_hash(entry.payload))
        roots[frontier.size] = frontier.root.hex()
        try:
            book = book.after((entry,))
            event = parse_event(entry.event, entry.data)
            if isinstance(event, ChangeProposed | ChangeSigned | ChangeActivated):
                check_change(workspace, before, book.state, event, entry)
            else:
                _check_entry(workspace, book.state, event, entry)
                _check_signed(workspace, before, book.state, event, entry)
            _check_head(roots, event, entry)
        except GovernanceError as error:
            return _broken(report.entries, head, entry.sequence, error.message)
    message = signers_problem(workspace.layout, book.state.roster)
    kept = None if held is None else proven(workspace, held, report.head)
    return LedgerVerdict(not message, report.entries, head, None, message, kept)


def _broken(entries: int, head: HeadView, at: int, message: str) -> LedgerVerdict:
    return LedgerVerdict(
        ok=False, entries=entries, head=head, first_bad=at, message=message
    )


def _check_entry(
    workspace: Workspace, state: WorkspaceState, event: Event, entry: Entry
) -> None:
    """Re-hash what an entry cites and redo what it decided."""
    store = workspace.store
    match event:
        case WorkspaceCreated():
            _check_genesis(store, event)
        case ModelRegistered():
            check_snapshot(store, event.base)
        case StatisticsRecorded():
            store.open(event.statistics).close()
        case EditsApplied():
            check_held(store, state, event.candidate, event.resolved)
            check_snapshot(store, event.parent)
        case EditsChecked():
            _check_judgement(workspace, state, event)
        case SnapshotActivated():
            check_held(store, state, event.snapshot, event.live)
            _check_activation(workspace, state, event, entry)
        case EditReverted() | SnapshotRestored() | RollbackSigned():
            check_held(store, state, event.snapshot, event.live)
        case _:
            return


def _check_genesis(store: ObjectStore, event: WorkspaceCreated) -> None:
    stored_policy(store, text(event.policy, "digest"))
    for name in event.suites:
        stored_suite(store, text(event.suites, name))


def _check_judgement(
    workspace: Workspace, state: WorkspaceState, event: EditsChecked
) -> None:
    """Judge evidence again, by the policy it was judged by."""
    evidence = check_evidence(workspace.store, event.evidence)
    stored_suite(workspace.store, event.suite)
    policy = stored_policy(workspace.store, event.policy)
    outcome, _ = judged(workspace.store, state, policy, event.edits, evidence)
    about = (evidence["candidate"], evidence["suite"], outcome)
    if about != (event.candidate, event.suite, event.outcome):
        raise IntegrityError(
            f"the evidence {event.evidence[:12]} is not what the entry says: expected "
            f"{event.outcome} on {event.candidate[:12]}, found {outcome}"
        )


def _check_signed(
    workspace: Workspace,
    before: WorkspaceState,
    state: WorkspaceState,
    event: Event,
    entry: Entry,
) -> None:
    """Verify an entry's signature, and that it is over what the entry says."""
    match event:
        case EditProposed():
            record = state.edits[event.edit]
            request_of(workspace.store, record)
            verify_proposal(record, state.roster)
        case SignOffGiven():
            verify_signed(_signed(event, entry), state.roster, SIGNOFF_NAMESPACE)
            _check_statement(state, event)
        case EditReverted() | SnapshotRestored() | RollbackSigned():
            check_rollback(workspace, before, event, entry)
        case _:
            return


def _check_statement(state: WorkspaceState, event: SignOffGiven) -> None:
    """Compare what was signed with what the entry says was signed."""
    digests = [state.edits[name].digest for name in event.edits]
    statement = event.statement
    same = (
        statement.get("candidate") == event.candidate
        and statement.get("decision") == event.decision
        and statement.get("edits") == digests
        and statement.get("origin") == state.origin
    )
    if not same:
        raise IntegrityError("the entry says something else than what was signed")


def _check_activation(
    workspace: Workspace,
    state: WorkspaceState,
    event: SnapshotActivated,
    entry: Entry,
) -> None:
    """Check that the sign-offs before it were enough."""
    candidate = state.candidates.get(event.snapshot)
    if candidate is None:
        raise IntegrityError(f"snapshot {event.snapshot[:12]} was never a candidate")
    policy = workspace.policy(state)
    refusal = evidence_refusal(policy, candidate, state.edits[candidate.edits[0]])
    if refusal is not None:
        raise refusal
    missing = weigh(workspace, state, candidate, entry.time).missing
    if missing:
        raise IntegrityError(
            f"snapshot {event.snapshot[:12]} went live without {', '.join(missing)}"
        )


def _signed(event: SignOffGiven, entry: Entry) -> Signed:
    return Signed(
        principal=entry.actor,
        key=event.key,
        document=event.statement,
        signature=event.signature,
        sequence=entry.sequence,
        time=entry.time,
    )


def _check_head(roots: Mapping[int, str], event: Event, entry: Entry) -> None:
    """Check that the log held the head a statement says its signer saw."""
    if not isinstance(
        event,
        SignOffGiven | ChangeSigned | EditReverted | SnapshotRestored | RollbackSigned,
    ):
        return
    head = table(event.statement, "head")
    size = whole(head, "size")
    if size >= entry.sequence or roots.get(size) != text(head, "root"):
        raise IntegrityError(
            f"its signer saw another log: the first {size} entries had root "
            f"{text(head, 'root')[:16]}, found {roots.get(size, 'none')[:16]}"
        )
