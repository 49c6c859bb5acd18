"""Revert: solve the other live edits anew from the base, and sign for it."""

import time
from collections.abc import Mapping
from functools import partial

from governance.canonical import JSON
from governance.domain.events import EditReverted
from governance.domain.lifecycle import EditState, Step, allowed
from governance.domain.signoff import Head
from governance.domain.state import EditRecord, ModelRecord, WorkspaceState
from governance.errors import WrongStateError
from governance.service.authority import check_heads
from governance.service.facade import ProgressCallback
from governance.service.fields import floats, table, tables, text, texts
from governance.service.identity import find_identity
from governance.service.planning import check_base, check_held, planned
from governance.service.reasons import checked_reason
from governance.service.rollback import (
    Return,
    refuse_moved,
)
from governance.service.rollback_signing import (
    refuse_hand,
    settle_rollback,
    sign_rollback,
)
from governance.service.rollback_waiting import (
    refuse_other_bytes,
    waiting_revert,
    waiting_reverts,
)
from governance.service.selecting import the_edit
from governance.service.statements import keep_statement
from governance.service.stored import check_snapshot
from governance.service.views import to_json
from governance.service.workspace import Workspace


def compute_revert(
    workspace: Workspace,
    name: str,
    reason: str,
    progress: ProgressCallback,
    snapshot: str | None = None,
) -> Mapping[str, JSON]:
    """Solve the other live edits anew from the base; writes objects, no entry.

    Args:
        workspace: The workspace.
        name: Id of the live edit that leaves.
        reason: Why; it is signed.
        progress: Told about every step.
        snapshot: Digest, or its beginning, of the revert that waits and is to be
            signed as it is, whatever bytes this machine's solve leads to.

    Returns:
        What :func:`finish_revert` records.

    Raises:
        WrongStateError: The edit is not live; or a revert that leads to other bytes
            waits for signatures and was not named.
        NotFoundError: The one that was named does not wait.
        PolicyRefusedError: This person's signature would not count.
        IntegrityError: A file of the base changed.
    """
    reason = checked_reason(reason, "revert")
    state = workspace.state
    record = _live(state, name)
    model = state.models[record.model]
    if snapshot is not None:
        snapshot = waiting_revert(state, record.id, snapshot).snapshot
    left = [item for item in state.live_edits(model.name) if item.id != record.id]
    wanted = Return(
        action="revert",
        model=model.name,
        snapshot=snapshot or _waits(state, record),
        previous=model.live,
        leaving=(record,),
        live=tuple(item.id for item in left),
    )
    # Hours of work come next: who cannot sign for them learns so now.
    refuse_hand(workspace, state, wanted, reason)
    started = time.perf_counter()
    check_base(workspace.parts.models, model, progress)
    solved = workspace.parts.solver.solve(
        workspace.place, model, planned(workspace.store, state, left), progress
    )
    if snapshot is None:
        snapshot = solved.snapshot.digest
        refuse_other_bytes(
            state, record.id, snapshot, partial(_apart, workspace, model)
        )
    return {
        "edit": record.id,
        "model": model.name,
        "snapshot": snapshot,
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
    """Sign for a revert, unless something went live since it was solved.

    Args:
        workspace: The workspace.
        reason: Why; it is signed.
        result: What :func:`compute_revert` returned.
        seen: Ledger head its signer saw.

    Returns:
        ``{edits, state, live, missing, snapshot, signed, certificate, seconds}``; it
        is still live where somebody else has to sign too.

    Raises:
        WrongStateError: Another snapshot went live meanwhile.
        PolicyRefusedError: The policy does not count this signature.
    """
    workspace.refuse_readonly("revert")
    state = workspace.state
    record = _live(state, text(result, "edit"))
    wanted = Return(
        action="revert",
        model=record.model,
        snapshot=text(result, "snapshot"),
        previous=text(result, "previous"),
        leaving=(record,),
        live=texts(result, "live"),
    )
    refuse_moved(state, wanted)
    refuse_other_bytes(state, record.id, wanted.snapshot)
    check_held(workspace.store, state, wanted.model, wanted.snapshot, wanted.live)
    known = _known(workspace, state, seen)
    given = sign_rollback(workspace, state, wanted, reason, known)
    certificate = list(tables(result, "certificate"))
    with workspace.writing(now=given.time) as writing:
        _live(writing.state, record.id)
        refuse_other_bytes(writing.state, record.id, wanted.snapshot)
        missing = settle_rollback(workspace, writing, wanted, given)
        if not missing:
            writing.append(
                EditReverted(
                    edit=record.id,
                    model=wanted.model,
                    snapshot=wanted.snapshot,
                    previous=wanted.previous,
                    live=list(wanted.live),
                    reason=given.statement.reason,
                    certificate=certificate,
                    key=given.identity.key,
                    statement=given.statement.document(),
                    signature=given.signature,
                ),
                given.identity.principal,
            )
        keep_statement(workspace.store, given.statement, given.signature)
        after = writing.state
    return {
        "edits": [record.id],
        "state": after.edits[record.id].state.value,
        "live": after.models[wanted.model].live,
        "missing": list(missing),
        "snapshot": wanted.snapshot,
        "signed": to_json(given.identity.signatory),
        "certificate": certificate,
        "seconds": floats(table(result, "seconds")),
    }


def _known(
    workspace: Workspace, state: WorkspaceState, seen: Head | None
) -> Head | None:
    """Return the newest head its signer knows: solving takes hours.

    Whoever signed something else meanwhile knows the ledger up to that. What the revert
    rests on has not moved, or it would have been refused.
    """
    who = find_identity(
        workspace.settings, workspace.layout, state.roster, state.size + 1
    )
    last = state.signed.get(who.principal, 0)
    if seen is None or last <= seen.size:
        return seen
    check_heads(workspace.ledger, (seen,))
    return workspace.ledger.head_at(last)


def _apart(workspace: Workspace, model: ModelRecord, first: str, second: str) -> str:
    """Say how far two snapshots of the same edits lie apart."""
    norms = workspace.parts.exporter.norms(
        workspace.place,
        workspace.parts.models.folder(model),
        check_snapshot(workspace.store, first),
        check_snapshot(workspace.store, second),
    )
    far = max((item.norm for item in norms), default=0.0)
    return (
        f"; both hold the same edits, and {len(norms)} tensors differ, by a norm of "
        f"{far:.3g} at most (devices round differently)"
    )


def _waits(state: WorkspaceState, record: EditRecord) -> str:
    """Return the snapshot of the one revert that waits, empty where none does."""
    found = waiting_reverts(state, record.id)
    return found[0].snapshot if len(found) == 1 else ""


def _live(state: WorkspaceState, name: str) -> EditRecord:
    record = the_edit(state, name)
    if record.state is not EditState.LIVE:
        raise WrongStateError(
            f"revert {record.id}: it is {record.state}, expected LIVE",
            f"Only a live edit is reverted. `governance edit withdraw {record.id}` ends "
            "one that is not live yet."
            if allowed(record.state, Step.WITHDRAW)
            else "Only a live edit is reverted.",
        )
    return record
