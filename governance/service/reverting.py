"""Revert: solve the other live edits anew from the base, and sign for it."""

import time
from collections.abc import Mapping

from governance.canonical import JSON
from governance.domain.events import EditReverted
from governance.domain.lifecycle import EditState
from governance.domain.signoff import Head
from governance.domain.state import EditRecord, WorkspaceState
from governance.errors import WrongStateError
from governance.service.facade import ProgressCallback
from governance.service.fields import floats, table, tables, text, texts
from governance.service.planning import check_base, check_held, planned
from governance.service.reasons import checked_reason
from governance.service.rollback import Rollback, check_rollback, refuse_moved
from governance.service.selecting import the_edit
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
    refuse_moved(state, record.model, text(result, "previous"), "revert")
    digest = text(result, "snapshot")
    check_held(workspace.store, state, digest, texts(result, "live"))
    signing = Rollback(workspace, state, "revert", (record,), digest, reason)
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
        refuse_moved(writing.state, record.model, event.previous, "revert")
        entry = writing.append(event, identity.principal)
        check_rollback(workspace, writing.state, entry, (record,))
    return {
        "edits": [record.id],
        "state": EditState.REVERTED.value,
        "live": digest,
        "certificate": list(event.certificate),
        "seconds": floats(table(result, "seconds")),
    }


def _live(state: WorkspaceState, name: str) -> EditRecord:
    record = the_edit(state, name)
    if record.state is not EditState.LIVE:
        raise WrongStateError(
            f"revert {record.id}: it is {record.state}, expected LIVE",
            "Only a live edit can be reverted.",
        )
    return record
