"""Check one entry: what it cites, what it decided, and who signed it."""

from governance.canonical import JSON
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
)
from governance.domain.rollback import RollbackSigned, RollbackWithdrawn
from governance.domain.signing_key import SigningKeyRecorded
from governance.domain.signoff import SIGNOFF_NAMESPACE, Signed
from governance.domain.state import WorkspaceState
from governance.domain.statistics import StatisticsRecorded
from governance.errors import IntegrityError
from governance.identity.model_key import PublicModelKey
from governance.ledger.entry import Entry
from governance.ledger.store import ObjectStore
from governance.service.authority import (
    Check,
    check_claim,
    verify_proposal,
    verify_signed,
)
from governance.service.change_checks import check_change
from governance.service.evidence import check_evidence, judged
from governance.service.fields import text
from governance.service.planning import check_held
from governance.service.readiness import evidence_refusal, weigh
from governance.service.rollback_checks import check_rollback, check_withdrawal
from governance.service.stored import (
    check_snapshot,
    once,
    request_of,
    stored_policy,
    stored_suite,
)
from governance.service.workspace import Workspace


def check_entry(
    workspace: Workspace,
    before: WorkspaceState,
    state: WorkspaceState,
    event: Event,
    entry: Entry,
    missing: set[str],
    check: Check = check_claim,
) -> None:
    """Check an entry.

    Args:
        workspace: The workspace.
        before: The state before it.
        state: The state after it.
        event: What it says.
        entry: The entry.
        missing: Takes tensors that are not there; gc may have given them back.
        check: Verifies signatures.

    Raises:
        GovernanceError: It is not as it should be.
    """
    if isinstance(event, ChangeProposed | ChangeSigned | ChangeActivated):
        check_change(workspace, before, state, event, entry)
    else:
        _check_cited(workspace, state, event, entry, missing)
        _check_signed(workspace, before, state, event, entry, check)


def _check_cited(
    workspace: Workspace,
    state: WorkspaceState,
    event: Event,
    entry: Entry,
    missing: set[str],
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
            check_held(store, state, event.candidate, event.resolved, missing)
            check_snapshot(store, event.parent, missing)
        case EditsChecked():
            _check_judgement(workspace, state, event)
        case SnapshotActivated():
            check_held(store, state, event.snapshot, event.live, missing)
            _check_activation(workspace, state, event, entry)
        case EditReverted() | SnapshotRestored() | RollbackSigned():
            check_held(store, state, event.snapshot, event.live, missing)
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
    store = workspace.store
    stored_suite(store, event.suite)
    records = [state.edits[name] for name in event.edits]
    # What an edit's entry says does not change, so these name all that is judged.
    asked = tuple((item.id, item.sequence, item.digest) for item in records)
    about = once(
        store,
        ("judged", event.evidence, event.policy, asked),
        lambda: _judged(store, state, event),
    )
    if about != (event.candidate, event.suite, event.outcome):
        raise IntegrityError(
            f"the evidence {event.evidence[:12]} is not what the entry says: expected "
            f"{event.outcome} on {event.candidate[:12]}, found {about[2]}"
        )


def _judged(
    store: ObjectStore, state: WorkspaceState, event: EditsChecked
) -> tuple[JSON, JSON, str]:
    """Return candidate and suite of an entry's evidence, and how it is judged."""
    evidence = check_evidence(store, event.evidence)
    policy = stored_policy(store, event.policy)
    outcome, _ = judged(store, state, policy, event.edits, evidence)
    return evidence["candidate"], evidence["suite"], outcome


def _check_signed(
    workspace: Workspace,
    before: WorkspaceState,
    state: WorkspaceState,
    event: Event,
    entry: Entry,
    check: Check,
) -> None:
    """Verify an entry's signature, and that it is over what the entry says."""
    match event:
        case EditProposed():
            record = state.edits[event.edit]
            request_of(workspace.store, record)
            verify_proposal(record, state.roster, check)
        case SignOffGiven():
            signed = _signed(event, entry)
            verify_signed(signed, state.roster, SIGNOFF_NAMESPACE, check)
            _check_statement(state, event)
        case SigningKeyRecorded():
            PublicModelKey.parse(event.key.encode())
        case EditReverted() | SnapshotRestored() | RollbackSigned():
            check_rollback(workspace, before, event, entry, check)
        case RollbackWithdrawn():
            check_withdrawal(workspace, before, event, entry, check)
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
