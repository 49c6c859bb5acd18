"""Propose changes of policy and roster: signed, judged, waiting for others."""

from collections.abc import Sequence
from pathlib import Path

from governance.domain.change import ChangeKind, change_digest
from governance.domain.change_events import ChangeProposed
from governance.domain.event import Document
from governance.domain.signoff import PROPOSAL_NAMESPACE
from governance.domain.state import WorkspaceState
from governance.errors import NotFoundError, UsageError, WrongStateError
from governance.identity.keys import read_public_key
from governance.policy.files import find_policy, load_policy
from governance.service.change_rules import (
    change_refusal,
    policy_refusal,
    roles_known,
)
from governance.service.identity import find_identity, new_principal
from governance.service.reasons import checked_reason
from governance.service.workspace import Workspace
from governance.text import forbidden_character, normalise, safe

_LONGEST_ROLE = 120


def propose_policy(workspace: Workspace, name_or_file: str) -> str:
    """Propose that a policy comes into force.

    Args:
        workspace: The workspace.
        name_or_file: Policy file, or the name of a shipped one.

    Returns:
        The change's id.

    Raises:
        RequestError: The policy is wrong.
        PolicyRefusedError: Its version does not grow, or nobody could satisfy it.
    """
    workspace.refuse_readonly("activate")
    policy = load_policy(find_policy(name_or_file))
    refusal = policy_refusal(workspace.state, policy)
    if refusal is not None:
        raise refusal
    # What an entry names is stored before the entry is appended.
    workspace.store.put_bytes(policy.suite.canonical)
    workspace.store.put_bytes(policy.canonical)
    subject: Document = {
        "name": policy.name,
        "version": policy.version,
        "digest": policy.digest,
        "suite": {"name": policy.suite.name, "digest": policy.suite.digest},
    }
    return _propose(workspace, ChangeKind.POLICY, subject)


def propose_reviewer(
    workspace: Workspace,
    principal: str,
    public_key: Path,
    roles: Sequence[str],
    *,
    new_role: bool = False,
) -> str:
    """Propose that somebody joins the roster.

    Args:
        workspace: The workspace.
        principal: Their name.
        public_key: Their public key's file.
        roles: Roles they would hold.
        new_role: Whether a role may be one that no policy here names: for a policy
            that comes later, which takes its people first, or for an auditor.

    Returns:
        The change's id.

    Raises:
        UsageError: Name, key or a role is none, or a role is unknown.
        PolicyRefusedError: The name or the key is taken.
    """
    workspace.refuse_readonly("add")
    named = checked_roles(roles)
    known = roles_known(workspace, workspace.state)
    if not new_role:
        _refuse_unknown(named, known)
    _refuse_look_alikes(named, known)
    subject: Document = {
        "principal": new_principal(principal),
        "key": read_public_key(public_key).text,
        "roles": list(named),
    }
    return _propose(workspace, ChangeKind.REVIEWER_ADD, subject)


def propose_revocation(workspace: Workspace, principal: str, reason: str) -> str:
    """Propose that somebody's key no longer counts.

    Args:
        workspace: The workspace.
        principal: Their name.
        reason: Why; it stays in the ledger.

    Returns:
        The change's id.

    Raises:
        NotFoundError: They are not on the roster.
        PolicyRefusedError: Nothing could be approved without them.
    """
    workspace.refuse_readonly("revoke")
    said = checked_reason(reason, "revoke")
    state = workspace.state
    found = state.roster.find(principal, state.size + 1)
    if found is None:
        raise NotFoundError(
            f"revoke {principal[:64]!r}: not on the roster, or no longer",
            "`governance reviewer list` shows who is.",
        )
    subject: Document = {"principal": principal, "key": found.key, "reason": said}
    return _propose(workspace, ChangeKind.REVIEWER_REVOKE, subject)


def checked_roles(roles: Sequence[str]) -> tuple[str, ...]:
    """Return roles without repetition.

    Raises:
        UsageError: There is none, or one is no plain short text.
    """
    named = tuple(dict.fromkeys(role.strip() for role in roles))
    if not named:
        raise UsageError("expected at least one role, found none", "Give --role ROLE.")
    for role in named:
        if not 0 < len(role) <= _LONGEST_ROLE or forbidden_character(role):
            raise UsageError(
                f"role {role[:40]!r}: expected 1 to {_LONGEST_ROLE} characters, none "
                "of them invisible",
                "Use a word such as reviewer.",
            )
    return named


def _refuse_unknown(roles: Sequence[str], known: Sequence[str]) -> None:
    unknown = [role for role in roles if role not in known]
    if unknown:
        raise UsageError(
            f"role {unknown[0]!r}: expected one that the policy in force, or one that "
            f"waits, names: {safe(', '.join(known), 400)}",
            "If it is meant, for a policy that comes later or for somebody without a "
            "say, repeat it with --new-role.",
        )


def _refuse_look_alikes(roles: Sequence[str], known: Sequence[str]) -> None:
    """Refuse a role that whoever approves would read as another."""
    for role in roles:
        for other in known:
            if role != other and normalise(role) == normalise(other):
                raise UsageError(
                    f"role {safe(role, 80)!r} reads like {safe(other, 80)!r}, which is "
                    "another",
                    f"Use {safe(other, 80)}, or a word that cannot be mistaken for it.",
                )


def _propose(workspace: Workspace, kind: ChangeKind, subject: Document) -> str:
    state = workspace.state
    _refuse(workspace, state, kind, subject)
    identity = find_identity(
        workspace.settings, workspace.layout, state.roster, state.size + 1
    )
    change = state.next_change_id()
    digest = change_digest(state.origin, change, kind, subject)
    signature = identity.signer.sign(digest.encode("ascii"), PROPOSAL_NAMESPACE)
    with workspace.writing() as writing:
        if writing.state.next_change_id() != change:
            raise WrongStateError(
                "propose: another change was proposed meanwhile",
                "Look at it with `governance change list`, then repeat this one.",
            )
        _refuse(workspace, writing.state, kind, subject)
        writing.append(
            ChangeProposed(
                change=change,
                kind=kind.value,
                subject=subject,
                digest=digest,
                key=identity.key,
                signature=signature,
            ),
            identity.principal,
        )
    return change


def _refuse(
    workspace: Workspace, state: WorkspaceState, kind: ChangeKind, subject: Document
) -> None:
    refusal = change_refusal(workspace, state, kind, subject)
    if refusal is not None:
        raise refusal
