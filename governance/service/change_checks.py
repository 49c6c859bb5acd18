"""Verify changes: every signature again, and every activation by what was in force."""

from governance.canonical import sha256_hex
from governance.domain.change import change_digest
from governance.domain.change_events import (
    ChangeActivated,
    ChangeProposed,
    ChangeSigned,
)
from governance.domain.change_fold import ChangeEvent
from governance.domain.signoff import SIGNOFF_NAMESPACE, signed_at
from governance.domain.state import WorkspaceState
from governance.errors import IntegrityError
from governance.ledger.entry import Entry
from governance.service.authority import (
    allowed_signers_text,
    verify_proposal,
    verify_signed,
)
from governance.service.change_rules import change_refusal, weigh_change
from governance.service.fields import table, text, whole
from governance.service.stored import stored_policy
from governance.service.workspace import Workspace


def check_change(
    workspace: Workspace,
    before: WorkspaceState,
    state: WorkspaceState,
    event: ChangeEvent,
    entry: Entry,
) -> None:
    """Check an entry about a change.

    Args:
        workspace: The workspace.
        before: The state before it.
        state: The state after it.
        event: What it says.
        entry: The entry.

    Raises:
        GovernanceError: It does not hold.
    """
    match event:
        case ChangeProposed():
            _check_proposed(workspace, state, event)
        case ChangeSigned():
            _check_signed(state, event, entry)
        case ChangeActivated():
            _check_activated(workspace, before, state, event, entry)


def _check_proposed(
    workspace: Workspace, state: WorkspaceState, event: ChangeProposed
) -> None:
    digest = change_digest(state.origin, event.change, event.kind, event.subject)
    if digest != event.digest:
        raise IntegrityError(
            f"{event.change}: expected digest {digest}, found {event.digest}"
        )
    verify_proposal(state.changes[event.change], state.roster)
    if event.kind != "policy":
        return
    policy = stored_policy(workspace.store, text(event.subject, "digest"))
    suite = table(event.subject, "suite")
    named = (
        text(event.subject, "name"),
        whole(event.subject, "version"),
        text(suite, "name"),
        text(suite, "digest"),
    )
    found = (policy.name, policy.version, policy.suite.name, policy.suite.digest)
    if named != found:
        raise IntegrityError(f"{event.change}: its policy is not what the entry says")


def _check_signed(state: WorkspaceState, event: ChangeSigned, entry: Entry) -> None:
    record = state.changes[event.change]
    signed = signed_at(event, entry)
    verify_signed(signed, state.roster, SIGNOFF_NAMESPACE)
    said = event.statement
    same = (
        said.get("change") == record.id
        and said.get("digest") == record.digest
        and said.get("decision") == event.decision
        and said.get("origin") == state.origin
    )
    if not same:
        raise IntegrityError("the entry says something else than what was signed")
    if record.concerns(entry.actor, event.key):
        raise IntegrityError(f"{record.id}: {entry.actor!r} signed on themselves")


def _check_activated(
    workspace: Workspace,
    before: WorkspaceState,
    state: WorkspaceState,
    event: ChangeActivated,
    entry: Entry,
) -> None:
    """Judge by the policy and roster it found, never by those it brought."""
    record = before.changes[event.change]
    refusal = change_refusal(workspace, before, record.kind, record.subject)
    if refusal is not None:
        raise refusal
    missing = weigh_change(workspace, before, record, entry.time).missing
    if missing:
        raise IntegrityError(f"{record.id} took effect without {', '.join(missing)}")
    copy = sha256_hex(allowed_signers_text(state.roster).encode())
    if copy != event.allowed_signers:
        raise IntegrityError(
            f"{record.id}: expected allowed_signers {copy}, found "
            f"{event.allowed_signers}"
        )
