"""Revert an edit, or return to what was live before: signed, never approved anew."""

import time
from collections.abc import Iterable, Mapping

from governance.canonical import JSON
from governance.domain.events import EditReverted, SnapshotRestored
from governance.domain.lifecycle import EditState
from governance.domain.signoff import (
    ROLLBACK_NAMESPACE,
    Head,
    RollbackStatement,
    Signed,
)
from governance.domain.state import EditRecord, WorkspaceState
from governance.errors import SignOffMissingError, WrongStateError
from governance.ledger.entry import Entry
from governance.policy.signoffs import Proposal, judge_rollback
from governance.service.authority import check_heads
from governance.service.book import SnapshotRecord
from governance.service.facade import ProgressCallback
from governance.service.fields import floats, table, tables, text, texts
from governance.service.identity import Identity, find_identity
from governance.service.planning import check_base, check_held, planned
from governance.service.proposing import checked_reason
from governance.service.selecting import the_edit, the_snapshot
from governance.service.stored import check_snapshot
from governance.service.views import Acted
from governance.service.workspace import Workspace


def compute_revert(
    workspace: Workspace, name: str, reason: str, progress: ProgressCallback
) -> Mapping[str, JSON]:
    """Solve the other live edits anew from the base; writes objects, no entry.

    Args:
        workspace: The workspace.
        name: Id of the live edit that leaves.
        reason: Why; it is signed.
        progress: Told about every step.

    Returns:
        What :func:`finish_revert` records.

    Raises:
        WrongStateError: The edit is not live.
        IntegrityError: A file of the base changed.
    """
    checked_reason(reason, "revert")
    state = workspace.state
    record = _live(state, name)
    model = state.models[record.model]
    started = time.perf_counter()
    check_base(workspace.parts.models, model, progress)
    left = [item for item in state.live_edits(model.name) if item.id != record.id]
    solved = workspace.parts.solver.solve(
        workspace.place, model, planned(workspace.store, state, left), progress
    )
    return {
        "edit": record.id,
        "model": model.name,
        "snapshot": solved.snapshot.digest,
        "previous": model.live,
        "live": [item.id for item in left],
        "certificate": list(solved.certificate),
        "seconds": {
            **solved.seconds,
            "total": round(time.perf_counter() - started, 3),
        },
    }


def finish_revert(
    workspace: Workspace,
    reason: str,
    result: Mapping[str, JSON],
    seen: Head | None,
) -> Mapping[str, JSON]:
    """Sign and record a revert, unless something went live since it was solved.

    Args:
        workspace: The workspace.
        reason: Why; it is signed.
        result: What :func:`compute_revert` returned.
        seen: Ledger head its signer saw.

    Returns:
        ``{edits, state, live, certificate, seconds}``.

    Raises:
        WrongStateError: Another snapshot went live meanwhile.
        SignOffMissingError: The policy's rollback rule is not met.
    """
    workspace.refuse_readonly("revert")
    state = workspace.state
    record = _live(state, text(result, "edit"))
    _refuse_moved(state, record.model, text(result, "previous"), "revert")
    digest = text(result, "snapshot")
    check_held(workspace.store, state, digest, texts(result, "live"))
    signing = _Signing(workspace, state, "revert", (record,), digest, reason)
    statement, identity, signature, now = signing.sign(seen)
    event = EditReverted(
        edit=record.id,
        model=record.model,
        snapshot=digest,
        previous=text(result, "previous"),
        live=list(texts(result, "live")),
        reason=statement.reason,
        certificate=list(tables(result, "certificate")),
        key=identity.key,
        statement=statement.document(),
        signature=signature,
    )
    with workspace.writing(now=now) as writing:
        _live(writing.state, record.id)
        _refuse_moved(writing.state, record.model, event.previous, "revert")
        entry = writing.append(event, identity.principal)
        check_rollback(workspace, writing.state, entry, (record,))
    return {
        "edits": [record.id],
        "state": EditState.REVERTED.value,
        "live": digest,
        "certificate": list(event.certificate),
        "seconds": floats(table(result, "seconds")),
    }


def activate(
    workspace: Workspace, name: str, reason: str, model: str | None, seen: Head | None
) -> Acted:
    """Return to the base, or to what was live before.

    Args:
        workspace: The workspace.
        name: Snapshot, as a person names it.
        reason: Why; it is signed.
        model: Model name, where it is needed.
        seen: Ledger head its signer saw.

    Returns:
        The edits that are live then.

    Raises:
        WrongStateError: It is live already.
        SignOffMissingError: It was never live, or holds an edit that was taken back.
        IntegrityError: It changed on disk.
    """
    workspace.refuse_readonly("activate")
    book = workspace.book
    state = book.state
    target = the_snapshot(book, name, model)
    _refuse_unreturnable(state, target)
    check_snapshot(workspace.store, target.digest)
    leaving = [
        item for item in state.live_edits(target.model) if item.id not in target.edits
    ]
    signing = _Signing(workspace, state, "activate", leaving, target.digest, reason)
    statement, identity, signature, now = signing.sign(seen)
    previous = state.models[target.model].live
    with workspace.writing(now=now) as writing:
        _refuse_moved(writing.state, target.model, previous, "activate")
        entry = writing.append(
            SnapshotRestored(
                model=target.model,
                snapshot=target.digest,
                previous=previous,
                live=list(target.edits),
                reason=statement.reason,
                key=identity.key,
                statement=statement.document(),
                signature=signature,
            ),
            identity.principal,
        )
        check_rollback(workspace, writing.state, entry, leaving)
    return Acted(target.edits, EditState.LIVE.value, target.digest)


def return_refusal(state: WorkspaceState, target: SnapshotRecord) -> str | None:
    """Say why a snapshot cannot be made live again, if it cannot."""
    if not target.was_live:
        return "it was never live: its edits need approvals"
    gone = [
        name for name in target.edits if state.edits[name].state is not EditState.LIVE
    ]
    if gone:
        return f"it holds {', '.join(gone)}, which was taken back: propose it again"
    return None


def _refuse_unreturnable(state: WorkspaceState, target: SnapshotRecord) -> None:
    shown = f"snapshot {target.digest[:12]}"
    if state.models[target.model].live == target.digest:
        raise WrongStateError(f"activate: {shown} is live already")
    refusal = return_refusal(state, target)
    if refusal is not None:
        raise SignOffMissingError(
            f"activate: {shown} cannot go live: {refusal}",
            "Edits go live by `governance edit sign`, with every approval.",
        )


class _Signing:
    """A rollback on its way to a signature."""

    def __init__(
        self,
        workspace: Workspace,
        state: WorkspaceState,
        action: str,
        edits: Iterable[EditRecord],
        snapshot: str,
        reason: str,
    ) -> None:
        self.workspace = workspace
        self.state = state
        self.action = action
        self.edits = tuple(item.digest for item in edits)
        self.snapshot = snapshot
        self.reason = checked_reason(reason, action)

    def sign(self, seen: Head | None) -> tuple[RollbackStatement, Identity, str, str]:
        """Sign the statement, having checked the head its signer saw."""
        workspace, state = self.workspace, self.state
        identity = find_identity(
            workspace.settings, workspace.layout, state.roster, state.size + 1
        )
        head = seen or workspace.ledger.head()
        check_heads(workspace.ledger, (head,))
        now = workspace.now()
        statement = RollbackStatement(
            origin=state.origin,
            head=head,
            action=self.action,
            edits=self.edits,
            snapshot=self.snapshot,
            policy=workspace.policy(state).digest,
            reason=self.reason,
            principal=identity.principal,
            time=now,
        )
        signature = identity.signer.sign(statement.message(), ROLLBACK_NAMESPACE)
        workspace.store.put_bytes(statement.message())
        workspace.store.put_bytes(signature.encode("ascii"))
        return statement, identity, signature, now


def _live(state: WorkspaceState, name: str) -> EditRecord:
    record = the_edit(state, name)
    if record.state is not EditState.LIVE:
        raise WrongStateError(
            f"revert {record.id}: it is {record.state}, expected LIVE",
            "Only a live edit can be reverted.",
        )
    return record


def _refuse_moved(
    state: WorkspaceState, model: str, previous: str, action: str
) -> None:
    live = state.models[model].live
    if live != previous:
        raise WrongStateError(
            f"{action}: another snapshot went live meanwhile; expected "
            f"{previous[:12]}, found {live[:12]}",
            "Nothing was recorded. Look again, then repeat it.",
        )


def check_rollback(
    workspace: Workspace,
    state: WorkspaceState,
    entry: Entry,
    edits: Iterable[EditRecord],
) -> None:
    """Hold a signed rollback against the policy's rule.

    Args:
        workspace: The workspace.
        state: The state after its entry.
        entry: The entry.
        edits: The edits that leave.

    Raises:
        SignOffMissingError: The rule is not met.
    """
    signed = Signed(
        principal=entry.actor,
        key=text(entry.data, "key"),
        document=table(entry.data, "statement"),
        signature=text(entry.data, "signature"),
        sequence=entry.sequence,
        time=entry.time,
    )
    approval = judge_rollback(
        workspace.policy(state),
        [signed],
        [Proposal(item.proposer, item.key) for item in edits],
        state.roster,
        reason=text(entry.data, "reason"),
        at=state.size,
        now=entry.time,
    )
    if approval.missing:
        why = [f"{who.principal!r}: {said}" for who, said in approval.dismissed]
        raise SignOffMissingError(
            "rollback: the policy is not satisfied: missing "
            f"{', '.join(approval.missing)}{'; ' if why else ''}{'; '.join(why)}",
            "`governance policy show` prints its rollback rule.",
        )
