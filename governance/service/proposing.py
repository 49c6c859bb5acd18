"""Propose and withdraw: request files in, signed entries out, all or none."""

from collections.abc import Iterable, Sequence
from itertools import chain
from pathlib import Path

from governance.documents.request import LoadedRequest, load_requests
from governance.domain.events import EditProposed, EditWithdrawn
from governance.domain.lifecycle import EditState, Step, allowed
from governance.domain.request import EditRequest
from governance.domain.signoff import PROPOSAL_NAMESPACE
from governance.domain.state import WorkspaceState
from governance.errors import (
    PolicyRefusedError,
    WrongStateError,
)
from governance.policy.evaluate import judge_proposal, refused
from governance.policy.model import Policy
from governance.policy.outcome import Finding, Outcome
from governance.service.aligning import check_alignment
from governance.service.identity import Identity, actor_name, find_identity
from governance.service.planning import live_requests
from governance.service.reasons import checked_reason
from governance.service.selecting import over_hint, the_edit
from governance.service.wording import check_loaded
from governance.service.workspace import Workspace, Writing
from governance.text import safe

_OPEN = frozenset({EditState.PROPOSED, EditState.APPLIED, EditState.LIVE})


def judged_file(workspace: Workspace, path: Path) -> tuple[Finding, ...]:
    """Judge every request of a file as it stands, writing nothing.

    Args:
        workspace: The workspace.
        path: Request file.

    Returns:
        What every rule says.

    Raises:
        RequestError: The file is wrong.
    """
    loaded = load_requests(path)
    check_loaded(workspace, loaded, path)
    check_alignment(workspace, loaded, path)
    state = workspace.state
    found = (_judged(workspace, state, item.request) for item in loaded)
    return tuple(chain.from_iterable(found))


def propose(workspace: Workspace, paths: Sequence[Path]) -> tuple[str, ...]:
    """Validate, judge, sign and append every request of every file, or none.

    Args:
        workspace: The workspace.
        paths: Request files.

    Returns:
        The new ids, in order.

    Raises:
        RequestError: A file is wrong.
        PolicyRefusedError: The policy refuses one; nothing is appended.
        WrongStateError: The same request is open already.
    """
    workspace.refuse_readonly("propose")
    loaded: list[LoadedRequest] = []
    for path in paths:
        requests = load_requests(path)
        check_loaded(workspace, requests, path)
        check_alignment(workspace, requests, path)
        loaded.extend(requests)
    _refuse_twins(item.request for item in loaded)
    state = workspace.state
    for item in loaded:
        _refuse(workspace, state, item.request)
    identity = _identity(workspace, state)
    signatures = [_signature(identity, item.request) for item in loaded]
    for item in loaded:
        for content in item.files.values():
            workspace.store.put_bytes(content)
    with workspace.writing() as writing:
        return tuple(
            _append(workspace, writing, identity, item.request, signature)
            for item, signature in zip(loaded, signatures, strict=True)
        )


def withdraw(workspace: Workspace, name: str, reason: str) -> str:
    """Take a proposal back before it goes live.

    Args:
        workspace: The workspace.
        name: Edit id.
        reason: Why; it stays in the ledger.

    Returns:
        The edit's id.

    Raises:
        WrongStateError: It is live, or over already.
    """
    checked_reason(reason, "withdraw")
    with workspace.writing() as writing:
        state = writing.state
        record = the_edit(state, name)
        if not allowed(record.state, Step.WITHDRAW):
            raise WrongStateError(
                f"withdraw {record.id}: it is {record.state}, expected PROPOSED or "
                "APPLIED",
                over_hint(record.state),
            )
        actor = actor_name(
            workspace.settings, workspace.layout, state.roster, state.size + 1
        )
        writing.append(EditWithdrawn(edit=record.id, reason=reason.strip()), actor)
        return record.id


def _identity(workspace: Workspace, state: WorkspaceState) -> Identity:
    return find_identity(
        workspace.settings, workspace.layout, state.roster, state.size + 1
    )


def _signature(identity: Identity, request: EditRequest) -> str:
    return identity.signer.sign(request.digest.encode("ascii"), PROPOSAL_NAMESPACE)


def _append(
    workspace: Workspace,
    writing: Writing,
    identity: Identity,
    request: EditRequest,
    signature: str,
) -> str:
    # Judged again here: another edit may have gone live since.
    findings = _refuse(workspace, writing.state, request)
    edit = writing.state.next_edit_id()
    writing.append(
        EditProposed(
            edit=edit,
            model=request.model,
            digest=request.digest,
            request=request.document,
            findings=[
                {
                    "rule": finding.rule,
                    "outcome": finding.outcome.value,
                    "message": finding.message,
                }
                for finding in findings
            ],
            key=identity.key,
            signature=signature,
        ),
        identity.principal,
    )
    return edit


def _judged(
    workspace: Workspace, state: WorkspaceState, request: EditRequest
) -> tuple[Finding, ...]:
    live = live_requests(workspace.store, state, request.model)
    return judge_proposal(workspace.policy(state), request, live)


def _refuse(
    workspace: Workspace, state: WorkspaceState, request: EditRequest
) -> tuple[Finding, ...]:
    for record in state.edits.values():
        if record.digest == request.digest and record.state in _OPEN:
            raise WrongStateError(
                f"propose: this is the same request as {record.id}, which is "
                f"{record.state}",
                f"`governance edit show {record.id}` shows it.",
            )
    findings = _judged(workspace, state, request)
    refuse_findings(workspace.policy(state), findings, request)
    return findings


def refuse_findings(
    policy: Policy, findings: Sequence[Finding], request: EditRequest
) -> None:
    """Refuse what the policy refuses.

    Raises:
        PolicyRefusedError: It does; every rule in the way is named.
    """
    if refused(policy, findings):
        against = [item for item in findings if item.outcome is not Outcome.PASS]
        said = "; ".join(f"{item.rule}: {item.message}" for item in against)
        raise PolicyRefusedError(
            f"policy {policy.name} refuses {safe(request.title, 120)!r}: {said}",
            "`governance policy show` prints the rules. Nothing was recorded.",
        )


def _refuse_twins(requests: Iterable[EditRequest]) -> None:
    seen: set[str] = set()
    for request in requests:
        if request.digest in seen:
            raise WrongStateError(
                f"propose: {safe(request.title, 120)!r} is given twice",
                "Give each request once.",
            )
        seen.add(request.digest)
