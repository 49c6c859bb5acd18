"""What a person sees of changes of policy and roster."""

from governance.domain.change import ChangeKind, ChangeRecord, ChangeState
from governance.domain.state import WorkspaceState
from governance.identity.keys import parse_public_key
from governance.service.change_records import ChangeDetail, ChangeSummary
from governance.service.change_rules import change_refusal, in_words, weigh_change
from governance.service.fields import text, texts
from governance.service.selecting import the_change
from governance.service.signed_views import signoff_view, verify_lines
from governance.service.stored import stored_document
from governance.service.workspace import Workspace


def changes(workspace: Workspace) -> tuple[ChangeSummary, ...]:
    """Return every change, newest first."""
    state = workspace.state
    records = sorted(state.changes.items(), reverse=True)
    return tuple(summary(workspace, state, record) for _, record in records)


def summary(
    workspace: Workspace, state: WorkspaceState, record: ChangeRecord
) -> ChangeSummary:
    """Return one line of the list of changes."""
    return ChangeSummary(
        id=record.id,
        kind=record.kind,
        state=record.state,
        missing=_missing(workspace, state, record),
        summary=in_words(record.kind, record.subject),
        proposer=record.proposer,
        time=record.time,
        fingerprint=_fingerprint(record),
    )


def change(workspace: Workspace, name: str) -> ChangeDetail:
    """Return one change in full.

    Args:
        workspace: The workspace.
        name: Its id.
    """
    state = workspace.state
    record = the_change(state, name)
    line = summary(workspace, state, record)
    new = old = None
    if record.kind is ChangeKind.POLICY:
        new = stored_document(workspace.store, text(record.subject, "digest"))
        old = workspace.policy(state).document
    return ChangeDetail(
        id=line.id,
        kind=line.kind,
        state=line.state,
        missing=line.missing,
        summary=line.summary,
        proposer=line.proposer,
        time=line.time,
        digest=record.digest,
        subject=record.subject,
        document=new,
        in_force=old,
        signoffs=tuple(signoff_view(signed) for signed in record.signoffs),
        verify_lines=verify_lines(workspace.layout, record.signoffs, state.roster),
        fingerprint=line.fingerprint,
        roles=_roles(state, record),
    )


def _fingerprint(record: ChangeRecord) -> str:
    if record.kind is ChangeKind.POLICY:
        return ""
    return parse_public_key(text(record.subject, "key")).fingerprint


def _roles(state: WorkspaceState, record: ChangeRecord) -> tuple[str, ...]:
    """Return the roles of whoever joins, or those that whoever leaves has or had."""
    if record.kind is ChangeKind.REVIEWER_ADD:
        return texts(record.subject, "roles")
    if record.kind is ChangeKind.POLICY:
        return ()
    key = text(record.subject, "key")
    found = (one.roles for one in state.roster.reviewers if one.key == key)
    return next(found, ())


def _missing(
    workspace: Workspace, state: WorkspaceState, record: ChangeRecord
) -> tuple[str, ...]:
    if record.state is not ChangeState.PROPOSED:
        return ()
    refusal = change_refusal(workspace, state, record.kind, record.subject)
    if refusal is not None:
        return (refusal.message,)
    return weigh_change(workspace, state, record, workspace.now()).missing
