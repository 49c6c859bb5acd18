"""Apply: resolve new edits and solve them jointly with the live ones."""

import time
from collections.abc import Mapping, Sequence

from governance.canonical import JSON
from governance.domain.events import Document, EditsApplied
from governance.domain.lifecycle import Step, allowed
from governance.domain.request import EditRequest
from governance.domain.state import EditRecord, ModelRecord, WorkspaceState
from governance.errors import IntegrityError, UsageError, WrongStateError
from governance.policy.conflicts import dropped_preserve
from governance.policy.evaluate import judge_proposal
from governance.policy.outcome import Outcome
from governance.service.collecting import refuse_incomplete
from governance.service.facade import ProgressCallback
from governance.service.fields import floats, table, tables, text, texts
from governance.service.identity import actor_name
from governance.service.planning import (
    check_base,
    live_requests,
    planned,
    resolved_from,
)
from governance.service.ports import Planned
from governance.service.proposing import refuse_findings
from governance.service.selecting import the_edit
from governance.service.statistics import statistics_for
from governance.service.stored import put_document, request_of, stored_snapshot
from governance.service.workspace import Workspace


def compute_apply(
    workspace: Workspace, names: Sequence[str], progress: ProgressCallback
) -> Mapping[str, JSON]:
    """Resolve and solve; writes objects, no entry.

    Args:
        workspace: The workspace.
        names: Ids of the edits to apply together.
        progress: Told about every step.

    Returns:
        What :func:`finish_apply` records.

    Raises:
        WrongStateError: An edit is in no state to be applied.
        IntegrityError: A file of the base changed.
        PolicyRefusedError: It collides with what is live.
    """
    state = workspace.state
    records = _applicable(state, names)
    model = state.models[records[0].model]
    started = time.perf_counter()
    check_base(workspace.parts.models, model, progress)
    requests = {item.id: request_of(workspace.store, item) for item in records}
    conflicts = _conflicts(workspace, state, model, requests)
    live = planned(workspace.store, state, state.live_edits(model.name))
    new = tuple(
        _resolve(workspace, state, model, item, requests, live, progress)
        for item in records
    )
    resolved_at = time.perf_counter()
    everything = (*live, *new)
    _refuse_twins(everything)
    solved = workspace.parts.solver.solve(workspace.place, model, everything, progress)
    for item in everything:
        put_document(workspace.store, item.resolved.document())
    warnings: list[JSON] = [{"kind": "warning", "message": w} for w in solved.warnings]
    return {
        "edits": [item.id for item in records],
        "model": model.name,
        "candidate": solved.snapshot.digest,
        "parent": model.live,
        "resolved": {item.id: item.resolved.document() for item in everything},
        "certificate": list(solved.certificate),
        "sites": list(solved.sites),
        "conflicts": [*conflicts, *warnings],
        "seconds": {"resolve": round(resolved_at - started, 3), **solved.seconds},
    }


def finish_apply(
    workspace: Workspace, result: Mapping[str, JSON]
) -> Mapping[str, JSON]:
    """Record a candidate, unless something went live since it was solved.

    Args:
        workspace: The workspace.
        result: What :func:`compute_apply` returned.

    Returns:
        ``{edits, candidate, seconds, certificate, conflicts}``.

    Raises:
        WrongStateError: The live snapshot or an edit has moved on.
        IntegrityError: The candidate is not what the result says.
    """
    event = _event(result)
    snapshot = stored_snapshot(workspace.store, event.candidate)
    resolved = {name: resolved_from(item) for name, item in event.resolved.items()}
    for item in resolved.values():
        # Whoever solved may not have been held until now, and a gc may have come by.
        put_document(workspace.store, item.document())
    with workspace.writing() as writing:
        state = writing.state
        _applicable(state, event.edits)
        model = state.models[event.model]
        if model.live != event.parent:
            raise WrongStateError(
                f"apply {', '.join(event.edits)}: another snapshot went live while it "
                f"was solved; expected {event.parent[:12]}, found {model.live[:12]}",
                "Apply again.",
            )
        expected = {item.id for item in state.live_edits(model.name)}
        if set(resolved) != expected | set(event.edits) or any(
            found.request != state.edits[name].digest
            for name, found in resolved.items()
        ):
            raise IntegrityError(
                f"apply: candidate {event.candidate[:12]} does not resolve the live "
                "edits and the new ones",
                "Apply again.",
            )
        refuse_incomplete(workspace.store, event.candidate)
        digests = sorted(item.digest for item in resolved.values())
        if snapshot.base != model.digest or sorted(snapshot.edits) != digests:
            raise IntegrityError(
                f"apply: snapshot {event.candidate[:12]} does not hold these edits of "
                f"model {model.name}",
                "Apply again.",
            )
        actor = actor_name(
            workspace.settings, workspace.layout, state.roster, state.size + 1
        )
        writing.append(event, actor)
    return {
        "edits": list(event.edits),
        "candidate": event.candidate,
        "seconds": event.seconds,
        "certificate": list(event.certificate),
        "conflicts": list(event.conflicts),
    }


def _event(result: Mapping[str, JSON]) -> EditsApplied:
    resolved = table(result, "resolved")
    return EditsApplied(
        edits=list(texts(result, "edits")),
        model=text(result, "model"),
        candidate=text(result, "candidate"),
        parent=text(result, "parent"),
        resolved={name: table(resolved, name) for name in resolved},
        certificate=list(tables(result, "certificate")),
        sites=list(tables(result, "sites")),
        conflicts=list(tables(result, "conflicts")),
        seconds=floats(table(result, "seconds")),
    )


def _applicable(state: WorkspaceState, names: Sequence[str]) -> tuple[EditRecord, ...]:
    records = {record.id: record for record in (the_edit(state, n) for n in names)}
    if not records:
        raise UsageError("apply: no edit was named", "Name one or several edits.")
    for record in records.values():
        if not allowed(record.state, Step.APPLY):
            raise WrongStateError(
                f"apply {record.id}: it is {record.state}, expected PROPOSED or "
                "APPLIED",
                "Propose it again.",
            )
    models = {record.model for record in records.values()}
    if len(models) > 1:
        raise UsageError(
            f"apply: these edits are for several models: {', '.join(sorted(models))}",
            "Apply the edits of one model at a time.",
        )
    return tuple(records[name] for name in sorted(records))


def _conflicts(
    workspace: Workspace,
    state: WorkspaceState,
    model: ModelRecord,
    requests: Mapping[str, EditRequest],
) -> list[JSON]:
    """Judge every new edit against the live ones and against each other."""
    policy = workspace.policy(state)
    company = {
        **live_requests(workspace.store, state, model.name),
        **requests,
    }
    found: list[JSON] = []
    for name, request in requests.items():
        others = {key: item for key, item in company.items() if key != name}
        findings = judge_proposal(policy, request, others)
        refuse_findings(policy, findings, request)
        found.extend(
            {"kind": finding.rule, "edit": name, "message": finding.message}
            for finding in findings
            if finding.outcome is not Outcome.PASS
        )
    return found


def _resolve(
    workspace: Workspace,
    state: WorkspaceState,
    model: ModelRecord,
    record: EditRecord,
    requests: Mapping[str, EditRequest],
    live: Sequence[Planned],
    progress: ProgressCallback,
) -> Planned:
    request = requests[record.id]
    others = {item.id: item.request for item in live}
    others.update({key: item for key, item in requests.items() if key != record.id})
    drop = workspace.policy(state).spec.conflicts == "drop_preserve"
    dropped = dropped_preserve(request, others) if drop else ()
    resolved = workspace.parts.solver.resolve(
        workspace.place,
        model,
        request,
        dropped,
        live,
        progress,
        statistics_for(workspace, model, request, live),
    )
    return Planned(record.id, request, resolved)


def _refuse_twins(edits: Sequence[Planned]) -> None:
    seen: dict[str, str] = {}
    for item in edits:
        if item.resolved.digest in seen:
            raise WrongStateError(
                f"apply {item.id}: it is the same edit as {seen[item.resolved.digest]}",
                f"Withdraw {item.id}.",
            )
        seen[item.resolved.digest] = item.id


def certificate_of(certificate: Sequence[Document], edit: str) -> tuple[Document, ...]:
    """Return one edit's rows of a certificate."""
    return tuple(row for row in certificate if row.get("edit") == edit)
