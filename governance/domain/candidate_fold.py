"""The fold of candidates: solved, measured, signed for, live, rolled back."""

from collections.abc import Iterable

from governance.domain.event import RecordedEvent
from governance.domain.events import (
    EditReverted,
    EditsApplied,
    EditsChecked,
    Event,
    SignOffGiven,
    SnapshotActivated,
    SnapshotRestored,
)
from governance.domain.evolving import evolve
from governance.domain.folding import candidate_of, edit_of, one_step, with_edits
from governance.domain.lifecycle import EditState, Step
from governance.domain.persistent import grown
from governance.domain.released import solved_again
from governance.domain.rollback import (
    RollbackSigned,
    RollbackWithdrawn,
    fold_rollback,
    fold_withdrawn,
    overtaken,
)
from governance.domain.signoff import Decision, signed_at
from governance.domain.state import Candidate, EditRecord, ModelRecord, WorkspaceState
from governance.errors import IntegrityError
from governance.text import safe


def fold_candidate(
    state: WorkspaceState, event: Event, entry: RecordedEvent
) -> WorkspaceState:
    """Return the state after a candidate was solved, measured, signed for or live.

    Args:
        state: The state before.
        event: What happened.
        entry: Where that is recorded.

    Raises:
        IntegrityError: The lifecycle forbids it.
    """
    match event:
        case EditsApplied():
            return _applied(state, event, entry)
        case EditsChecked():
            return _checked(state, event, entry)
        case SignOffGiven():
            return _signed(state, event, entry)
        case SnapshotActivated() | EditReverted() | SnapshotRestored():
            return _went_live(state, event, entry)
        case RollbackSigned():
            return _rolling_back(state, event, entry)
        case RollbackWithdrawn():
            rollbacks = fold_withdrawn(state.rollbacks, event, entry)
            return _noted(evolve(state, rollbacks=rollbacks), event, entry)
        case _:  # pragma: no cover - parse_event knows only the events above
            raise IntegrityError(f"entry {entry.sequence}: {entry.event} is not folded")


def _applied(
    state: WorkspaceState, event: EditsApplied, entry: RecordedEvent
) -> WorkspaceState:
    _check_solved(state, event, entry)
    # A new candidate drops whatever was known and signed about an older one.
    moved = [
        one_step(
            edit_of(state, name, entry),
            Step.APPLY,
            entry,
            candidate=event.candidate,
            signoffs=(),
            past=None,
        )
        for name in event.edits
    ]
    moved += _replaced(state, event)
    candidate = Candidate(
        digest=event.candidate,
        model=event.model,
        edits=tuple(event.edits),
        parent=event.parent,
        applied=event,
        sequence=entry.sequence,
        time=entry.time,
    )
    candidates = grown(state.candidates, {event.candidate: candidate})
    return with_edits(state, entry, *moved, candidates=candidates)


def _check_solved(
    state: WorkspaceState, event: EditsApplied, entry: RecordedEvent
) -> None:
    """Refuse a candidate that is not of these edits, on top of what is live.

    Nobody signs this event: approvals of its candidate are for the edits it names.

    Raises:
        IntegrityError: It names none or one twice, or they are another model's.
    """
    model = state.models.get(event.model)
    edits = [edit_of(state, name, entry) for name in event.edits]
    if (
        model is None
        or model.live != event.parent
        or not edits
        or len({edit.id for edit in edits}) != len(edits)
        or any(edit.model != event.model for edit in edits)
    ):
        raise IntegrityError(
            f"entry {entry.sequence}: candidate {event.candidate[:12]} was not solved "
            f"of edits of {safe(event.model, 80)}, on top of what was live",
            "Run `governance ledger verify`.",
        )


def _replaced(state: WorkspaceState, event: EditsApplied) -> list[EditRecord]:
    """Let edits that had led to the same snapshot keep what was found for them.

    The same request, proposed anew, is solved into the same weights.
    """
    old = state.candidates.get(event.candidate)
    return [
        evolve(state.edits[name], past=old)
        for name in (old.edits if old is not None else ())
        if name not in event.edits and state.edits[name].candidate == event.candidate
    ]


def _checked(
    state: WorkspaceState, event: EditsChecked, entry: RecordedEvent
) -> WorkspaceState:
    candidate = candidate_of(state, event.candidate, entry)
    if tuple(event.edits) != candidate.edits:
        raise IntegrityError(
            f"entry {entry.sequence}: candidate {event.candidate[:12]} was measured for "
            "other edits than it is of",
            "Run `governance ledger verify`.",
        )
    if event.policy != state.policy.get("digest"):
        raise IntegrityError(
            f"entry {entry.sequence}: candidate {event.candidate[:12]} was judged by "
            "another policy than the one in force",
            "Run `governance ledger verify`.",
        )
    moved = [
        one_step(edit_of(state, name, entry), Step.CHECK, entry, signoffs=())
        for name in event.edits
    ]
    checked = evolve(candidate, check=event, check_sequence=entry.sequence, signoffs=())
    candidates = grown(state.candidates, {event.candidate: checked})
    return with_edits(state, entry, *moved, candidates=candidates)


def _signed(
    state: WorkspaceState, event: SignOffGiven, entry: RecordedEvent
) -> WorkspaceState:
    signed = signed_at(event, entry)
    rejected = event.decision == Decision.REJECT.value
    step = Step.REJECT if rejected else Step.APPROVE
    moved = []
    for name in event.edits:
        record = edit_of(state, name, entry)
        given = (*record.signoffs, signed)
        moved.append(one_step(record, step, entry, signoffs=given))
    if not event.candidate:
        return with_edits(state, entry, *moved)
    candidate = candidate_of(state, event.candidate, entry)
    held = evolve(candidate, signoffs=(*candidate.signoffs, signed))
    candidates = grown(state.candidates, {event.candidate: held})
    return with_edits(state, entry, *moved, candidates=candidates)


def _went_live(
    state: WorkspaceState,
    event: SnapshotActivated | EditReverted | SnapshotRestored,
    entry: RecordedEvent,
) -> WorkspaceState:
    model = state.models.get(event.model)
    if model is None or model.live != event.previous:
        raise IntegrityError(
            f"entry {entry.sequence}: {event.snapshot[:12]} says it replaced "
            f"{event.previous[:12]}, which was not live on {event.model!r}",
            "Run `governance ledger verify`.",
        )
    if isinstance(event, SnapshotActivated):
        _check_approved(state, event, model, entry)
    else:
        _check_returns(event, model.holds, entry)
    named = (state.edits.get(name) for name in event.live)
    held = [edit for edit in named if edit is not None and edit.model == event.model]
    live = {edit.id for edit in held}
    moved = [one_step(edit, Step.ACTIVATE, entry) for edit in held]
    given = () if isinstance(event, SnapshotActivated) else (signed_at(event, entry),)
    for name in model.holds:
        if name not in live:
            edit = edit_of(state, name, entry)
            told = (*edit.rollbacks, *given)
            moved.append(one_step(edit, Step.REVERT, entry, rollbacks=told))
    updated = evolve(model, live=event.snapshot, holds=tuple(sorted(live)))
    return with_edits(
        state,
        entry,
        *moved,
        models={**state.models, event.model: updated},
        candidates=solved_again(state.candidates, event.snapshot),
        rollbacks=overtaken(state.rollbacks, event.model),
    )


def _check_returns(
    event: EditReverted | SnapshotRestored | RollbackSigned,
    holds: Iterable[str],
    entry: RecordedEvent,
) -> None:
    """Refuse a rollback that brings an edit to life: that takes every approval."""
    for name in sorted(set(event.live) - set(holds)):
        raise IntegrityError(
            f"entry {entry.sequence}: a rollback made {safe(name, 40)} live, which only "
            "approvals can",
            "Run `governance ledger verify`.",
        )


def _check_approved(
    state: WorkspaceState,
    event: SnapshotActivated,
    model: ModelRecord,
    entry: RecordedEvent,
) -> None:
    """Refuse to make live by old approvals what has moved on since.

    Nobody signs this event: it follows from approvals, of edits that wait for it, on
    top of what was live when they were solved.
    """
    candidate = candidate_of(state, event.snapshot, entry)
    edits = [edit_of(state, name, entry) for name in candidate.edits]
    waiting = all(
        edit.state is EditState.APPLIED and edit.candidate == event.snapshot
        for edit in edits
    )
    expected = {*model.holds, *candidate.edits}
    if (
        not waiting
        or candidate.model != event.model
        or candidate.parent != event.previous
        or len(event.live) != len(expected)
        or set(event.live) != expected
    ):
        raise IntegrityError(
            f"entry {entry.sequence}: {event.snapshot[:12]} cannot go live by its "
            "approvals: it was solved on something else, or its edits do not wait",
            "Run `governance ledger verify`.",
        )


def _rolling_back(
    state: WorkspaceState, event: RollbackSigned, entry: RecordedEvent
) -> WorkspaceState:
    model = state.models.get(event.model)
    live, holds = ("", ()) if model is None else (model.live, model.holds)
    rollbacks = fold_rollback(state.rollbacks, live, event, entry)
    _check_returns(event, holds, entry)
    candidates = solved_again(state.candidates, event.snapshot)
    waiting = evolve(state, rollbacks=rollbacks, candidates=candidates)
    return _noted(waiting, event, entry)


def _noted(
    state: WorkspaceState,
    event: RollbackSigned | RollbackWithdrawn,
    entry: RecordedEvent,
) -> WorkspaceState:
    """Keep a signature with every edit it would take out, or leave where it is."""
    signed = signed_at(event, entry)
    edits = [edit_of(state, name, entry) for name in event.leaving]
    told = [evolve(item, rollbacks=(*item.rollbacks, signed)) for item in edits]
    return with_edits(state, entry, *told)
