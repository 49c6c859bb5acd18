"""Check one entry: what it cites, what it decided, and who signed it."""

from governance.canonical import digest_of
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
from governance.domain.signoff import SIGNOFF_NAMESPACE, signed_at
from governance.domain.snapshot import Snapshot
from governance.domain.state import WorkspaceState
from governance.domain.statistics import StatisticsRecorded
from governance.errors import IntegrityError
from governance.identity.model_key import PublicModelKey
from governance.ledger.entry import Entry
from governance.ledger.store import ObjectStore
from governance.service.apart import Help, Needed, check_judgement, check_proposal
from governance.service.authority import (
    Check,
    check_claim,
    verify_proposal,
    verify_signed,
)
from governance.service.change_checks import check_change
from governance.service.fields import text
from governance.service.planning import check_held, resolution_of, resolved_from
from governance.service.readiness import evidence_refusal, weigh
from governance.service.rollback_checks import check_rollback, check_withdrawal
from governance.service.stored import (
    check_snapshot,
    request_of,
    stored_policy,
    stored_suite,
)
from governance.service.workspace import Workspace
from governance.text import safe

_CHANGES = (ChangeProposed, ChangeSigned, ChangeActivated)


def check_entry(
    workspace: Workspace,
    before: WorkspaceState,
    state: WorkspaceState,
    event: Event,
    entry: Entry,
    missing: set[str],
    helper: Help | None = None,
) -> None:
    """Check an entry.

    Args:
        workspace: The workspace.
        before: The state before it.
        state: The state after it.
        event: What it says.
        entry: The entry.
        missing: Takes tensors that are not there; gc may have given them back.
        helper: Takes signatures, requests and evidence, where there is one.

    Raises:
        GovernanceError: It is not as it should be.
    """
    if isinstance(event, _CHANGES):
        check_change(workspace, before, state, event, entry)
    else:
        if helper is None:
            _check_alone(workspace.store, state, event)
        _check_cited(workspace, before, state, event, entry, missing, helper)
        check = check_claim if helper is None else helper.claim
        _check_signed(workspace, before, state, event, entry, check)


def _check_alone(store: ObjectStore, state: WorkspaceState, event: Event) -> None:
    """Check an entry's request or evidence, where nobody else does."""
    if isinstance(event, EditProposed):
        policy = stored_policy(store, text(state.policy, "digest"))
        check_proposal(policy, request_of(store, state.edits[event.edit]), event)
    elif isinstance(event, EditsChecked):
        digests = {name: state.edits[name].digest for name in event.edits}
        check_judgement(
            store,
            digests,
            lambda name: request_of(store, state.edits[name]),
            state.candidates[event.candidate].parent,
            event,
        )


def _check_cited(
    workspace: Workspace,
    before: WorkspaceState,
    state: WorkspaceState,
    event: Event,
    entry: Entry,
    missing: set[str],
    helper: Help | None,
) -> None:
    """Re-hash what an entry cites and redo what it decided."""
    store = workspace.store
    match event:
        case WorkspaceCreated():
            _check_genesis(store, event)
        case ModelRegistered():
            _check_model(store, event)
        case StatisticsRecorded():
            store.open(event.statistics).close()
        case EditsApplied():
            _check_resolved(before, event)
            check_held(
                store, state, event.model, event.candidate, event.resolved, missing
            )
            check_snapshot(store, event.parent, missing)
        case SnapshotActivated():
            check_held(store, state, event.model, event.snapshot, event.live, missing)
            _check_activation(workspace, state, event, entry, helper)
        case EditReverted() | SnapshotRestored() | RollbackSigned():
            check_held(store, state, event.model, event.snapshot, event.live, missing)
        case _:
            return


def _check_genesis(store: ObjectStore, event: WorkspaceCreated) -> None:
    policy = stored_policy(store, text(event.policy, "digest"))
    named = event.policy.get("name"), event.policy.get("version")
    if named != (policy.name, policy.version):
        raise IntegrityError("the first policy is not what the entry says")
    for name in event.suites:
        stored_suite(store, text(event.suites, name))


def _check_resolved(before: WorkspaceState, event: EditsApplied) -> None:
    """Check that a candidate resolves what was live, as it was, and its own edits."""
    held = {
        item.id: resolution_of(before, item) for item in before.live_edits(event.model)
    }
    same = event.resolved.keys() == {*held, *event.edits} and all(
        found.get("request") == before.edits[name].digest
        and (name not in held or resolved_from(found) == held[name])
        for name, found in event.resolved.items()
    )
    if not same:
        raise IntegrityError(
            f"candidate {event.candidate[:12]} does not resolve what was live and the "
            "edits it is of"
        )


def _check_model(store: ObjectStore, event: ModelRegistered) -> None:
    """Check that a model is its files, and begins without any edit."""
    digest = digest_of(
        {text(item, "path"): text(item, "sha256") for item in event.files}
    )
    if digest != event.digest or Snapshot(digest, (), {}).digest != event.base:
        raise IntegrityError(
            f"model {safe(event.model, 80)}: its digest is not that of its files, or its "
            "base that of no edit"
        )
    check_snapshot(store, event.base)


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
            verify_proposal(state.edits[event.edit], state.roster, check)
        case SignOffGiven():
            signed = signed_at(event, entry)
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
    helper: Help | None,
) -> None:
    """Check that the sign-offs before it were enough."""
    candidate = state.candidates.get(event.snapshot)
    if candidate is None:
        raise IntegrityError(f"snapshot {event.snapshot[:12]} was never a candidate")
    policy = workspace.policy(state)
    refusal = evidence_refusal(policy, candidate, state.edits[candidate.edits[0]])
    if refusal is not None:
        raise refusal
    # What a request itself asks for, a helper knows.
    required = None if helper is None else policy.spec.required_approvals
    approval = weigh(workspace, state, candidate, entry.time, required)
    if approval.missing:
        found = ", ".join(approval.missing)
        raise IntegrityError(
            f"snapshot {event.snapshot[:12]} went live without {found}"
        )
    if helper is not None:
        counted = len(approval.counted)
        helper.enough(Needed(policy.digest, candidate.edits, counted))
