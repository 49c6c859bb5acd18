"""What can be done with an edit now, and why the rest cannot."""

from collections.abc import Mapping

from governance.domain.lifecycle import EditState, Step, allowed
from governance.domain.state import EditRecord, WorkspaceState
from governance.errors import GovernanceError
from governance.policy.model import Policy
from governance.service.identity import Identity, find_identity
from governance.service.planning import candidate_broken
from governance.service.readiness import approval_refusal
from governance.service.selecting import the_edit
from governance.service.workspace import Workspace

_STEPS = {
    "reject": Step.REJECT,
    "apply": Step.APPLY,
    "revert": Step.REVERT,
    "withdraw": Step.WITHDRAW,
}
_SIGNED = ("approve", "reject", "revert")


def reasons(workspace: Workspace, name: str) -> Mapping[str, str]:
    """Return each action's reason for being impossible now; empty if possible.

    Args:
        workspace: The workspace.
        name: Edit id.
    """
    state = workspace.state
    record = the_edit(state, name)
    policy = workspace.policy(state)
    found = {action: _by_state(record, step) for action, step in _STEPS.items()}
    found["check"] = _checkable(state, record)
    found["approve"] = _approvable(state, policy, record)
    found["export"] = ""
    identity, why = _identity(workspace, state)
    for action in _SIGNED:
        found[action] = found[action] or why
    if not found["approve"] and identity is not None:
        found["approve"] = _same_hand(state, policy, record, identity)
    if workspace.settings.readonly:
        shut = "the workspace is open for reading only"
        found = {key: "" if key == "export" else shut for key in found}
    return found


def _by_state(record: EditRecord, step: Step) -> str:
    if allowed(record.state, step):
        return ""
    return f"{record.id} is {record.state}"


def _checkable(state: WorkspaceState, record: EditRecord) -> str:
    if record.state is EditState.PROPOSED:
        return f"{record.id} was not applied yet"
    return candidate_broken(state, record) or ""


def _approvable(state: WorkspaceState, policy: Policy, record: EditRecord) -> str:
    refusal = approval_refusal(state, policy, record)
    return "" if refusal is None else refusal.message


def _identity(
    workspace: Workspace, state: WorkspaceState
) -> tuple[Identity | None, str]:
    try:
        return (
            find_identity(
                workspace.settings, workspace.layout, state.roster, state.size + 1
            ),
            "",
        )
    except GovernanceError as error:
        return None, error.message


def _same_hand(
    state: WorkspaceState, policy: Policy, record: EditRecord, identity: Identity
) -> str:
    candidate = state.candidates[record.candidate or ""]
    if any(signed.principal == identity.principal for signed in candidate.signoffs):
        return f"{identity.principal} approved it already"
    if not policy.spec.distinct_from_proposer:
        return ""
    for name in candidate.edits:
        edit = state.edits[name]
        if identity.principal == edit.proposer or identity.key == edit.key:
            return f"{identity.principal} proposed {name}: somebody else has to approve"
    return ""
