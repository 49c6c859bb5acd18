"""The fold: entries in, state out. State is never stored, only derived."""

from collections.abc import Iterable

from governance.canonical import JSON
from governance.domain.change_events import (
    ChangeActivated,
    ChangeProposed,
    ChangeSigned,
)
from governance.domain.change_fold import fold_change
from governance.domain.event import RecordedEvent as RecordedEvent
from governance.domain.events import (
    EditProposed,
    EditReverted,
    EditsApplied,
    EditsChecked,
    EditWithdrawn,
    Event,
    ModelRegistered,
    SignOffGiven,
    SnapshotActivated,
    SnapshotRestored,
    WorkspaceCreated,
    parse_event,
)
from governance.domain.evolving import evolve
from governance.domain.lifecycle import TRANSITIONS, Step
from governance.domain.persistent import grown
from governance.domain.released import fold_released, solved_again
from governance.domain.releasing import TensorsReleased
from governance.domain.rollback import (
    RollbackSigned,
    RollbackWithdrawn,
    fold_rollback,
    fold_withdrawn,
    overtaken,
)
from governance.domain.roster import Reviewer, Roster
from governance.domain.signing_key import SigningKeyRecorded, fold_signing_key
from governance.domain.signoff import Decision, Signed
from governance.domain.state import (
    Candidate,
    EditRecord,
    ModelRecord,
    WorkspaceState,
)
from governance.domain.statistics import StatisticsRecord, StatisticsRecorded
from governance.errors import IntegrityError


def fold(
    entries: Iterable[RecordedEvent], start: WorkspaceState | None = None
) -> WorkspaceState:
    """Fold entries into the state after them.

    Args:
        entries: Ledger entries in order.
        start: State to continue from; the empty workspace where omitted.

    Returns:
        The state after the last entry.

    Raises:
        IntegrityError: An entry is no event, or one the lifecycle forbids.
    """
    state = start or WorkspaceState()
    for entry in entries:
        state = state_after(state, parse_event(entry.event, entry.data), entry)
    return state


def state_after(
    state: WorkspaceState, event: Event, entry: RecordedEvent
) -> WorkspaceState:
    """Return the state after one more entry.

    Args:
        state: The state before it.
        event: What it says.
        entry: The entry.

    Raises:
        IntegrityError: The lifecycle forbids it.
    """
    after = _step(state, event, entry)
    return after if after.size == entry.sequence else evolve(after, size=entry.sequence)


def _step(state: WorkspaceState, event: Event, entry: RecordedEvent) -> WorkspaceState:
    match event:
        case WorkspaceCreated():
            return _created(state, event, entry)
        case ModelRegistered():
            return _registered(state, event, entry)
        case EditProposed():
            return _proposed(state, event, entry)
        case EditWithdrawn():
            return _withdrawn(state, event, entry)
        case ChangeProposed() | ChangeSigned() | ChangeActivated():
            return fold_change(state, event, entry)
        case StatisticsRecorded() | SigningKeyRecorded():
            return _recorded(state, event, entry)
        case TensorsReleased():
            return _released(state, event, entry)
        case _:
            return _moved_candidate(state, event, entry)


def _moved_candidate(
    state: WorkspaceState, event: Event, entry: RecordedEvent
) -> WorkspaceState:
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
            return evolve(
                state, rollbacks=fold_withdrawn(state.rollbacks, event, entry)
            )
        case _:  # pragma: no cover - parse_event knows only the events above
            raise IntegrityError(f"entry {entry.sequence}: {entry.event} is not folded")


def _withdrawn(
    state: WorkspaceState, event: EditWithdrawn, entry: RecordedEvent
) -> WorkspaceState:
    record = _edit(state, event.edit, entry)
    moved = _moved(record, Step.WITHDRAW, entry, reason=event.reason)
    return _with_edits(state, entry, moved)


def _recorded(
    state: WorkspaceState,
    event: StatisticsRecorded | SigningKeyRecorded,
    entry: RecordedEvent,
) -> WorkspaceState:
    if isinstance(event, SigningKeyRecorded):
        keys = fold_signing_key(state.signing_keys, event, entry)
        return evolve(state, signing_keys=keys)
    record = StatisticsRecord.of(event, entry)
    return evolve(state, statistics={**state.statistics, record.digest: record})


def _released(
    state: WorkspaceState, event: TensorsReleased, entry: RecordedEvent
) -> WorkspaceState:
    live = (model.live for model in state.models.values())
    candidates = fold_released(state.candidates, live, event, entry)
    return evolve(state, candidates=candidates)


def _created(
    state: WorkspaceState, event: WorkspaceCreated, entry: RecordedEvent
) -> WorkspaceState:
    if entry.sequence != 1:
        raise IntegrityError(
            f"entry {entry.sequence}: WorkspaceCreated may only be entry 1",
            "Run `governance ledger verify`.",
        )
    reviewers = tuple(
        Reviewer(
            principal=str(item["principal"]),
            key=str(item["key"]),
            roles=_texts(item["roles"]),
            since=entry.sequence,
        )
        for item in event.reviewers
    )
    return evolve(
        state,
        origin=event.origin,
        policy=event.policy,
        suites=event.suites,
        roster=Roster(reviewers),
    )


def _registered(
    state: WorkspaceState, event: ModelRegistered, entry: RecordedEvent
) -> WorkspaceState:
    if event.model in state.models:
        raise IntegrityError(f"entry {entry.sequence}: model {event.model!r} twice")
    record = ModelRecord(
        name=event.model,
        path=event.path,
        digest=event.digest,
        family=event.family,
        files=tuple(event.files),
        source=event.source,
        base=event.base,
        live=event.base,
        time=entry.time,
    )
    return evolve(state, models={**state.models, event.model: record})


def _proposed(
    state: WorkspaceState, event: EditProposed, entry: RecordedEvent
) -> WorkspaceState:
    if event.edit != state.next_edit_id():
        raise IntegrityError(
            f"entry {entry.sequence}: expected edit {state.next_edit_id()}, "
            f"found {event.edit}",
            "Run `governance ledger verify`.",
        )
    record = EditRecord(
        id=event.edit,
        model=event.model,
        digest=event.digest,
        request=event.request,
        findings=tuple(event.findings),
        proposer=entry.actor,
        key=event.key,
        signature=event.signature,
        sequence=entry.sequence,
        time=entry.time,
    )
    return _with_edits(state, entry, record)


def _applied(
    state: WorkspaceState, event: EditsApplied, entry: RecordedEvent
) -> WorkspaceState:
    # A new candidate drops whatever was known and signed about an older one.
    moved = [
        _moved(
            _edit(state, name, entry),
            Step.APPLY,
            entry,
            candidate=event.candidate,
            signoffs=(),
        )
        for name in event.edits
    ]
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
    return _with_edits(state, entry, *moved, candidates=candidates)


def _checked(
    state: WorkspaceState, event: EditsChecked, entry: RecordedEvent
) -> WorkspaceState:
    candidate = _candidate(state, event.candidate, entry)
    moved = [
        _moved(_edit(state, name, entry), Step.CHECK, entry, signoffs=())
        for name in event.edits
    ]
    checked = evolve(candidate, check=event, check_sequence=entry.sequence, signoffs=())
    candidates = grown(state.candidates, {event.candidate: checked})
    return _with_edits(state, entry, *moved, candidates=candidates)


def _signed(
    state: WorkspaceState, event: SignOffGiven, entry: RecordedEvent
) -> WorkspaceState:
    signed = Signed(
        principal=entry.actor,
        key=event.key,
        document=event.statement,
        signature=event.signature,
        sequence=entry.sequence,
        time=entry.time,
    )
    rejected = event.decision == Decision.REJECT.value
    step = Step.REJECT if rejected else Step.APPROVE
    moved = []
    for name in event.edits:
        record = _edit(state, name, entry)
        given = (*record.signoffs, signed)
        moved.append(_moved(record, step, entry, signoffs=given))
    if not event.candidate:
        return _with_edits(state, entry, *moved)
    candidate = _candidate(state, event.candidate, entry)
    held = evolve(candidate, signoffs=(*candidate.signoffs, signed))
    candidates = grown(state.candidates, {event.candidate: held})
    return _with_edits(state, entry, *moved, candidates=candidates)


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
    named = (state.edits.get(name) for name in event.live)
    held = [edit for edit in named if edit is not None and edit.model == event.model]
    live = {edit.id for edit in held}
    moved = [_moved(edit, Step.ACTIVATE, entry) for edit in held]
    moved += [
        _moved(_edit(state, name, entry), Step.REVERT, entry)
        for name in model.holds
        if name not in live
    ]
    updated = evolve(model, live=event.snapshot, holds=tuple(sorted(live)))
    return _with_edits(
        state,
        entry,
        *moved,
        models={**state.models, event.model: updated},
        candidates=solved_again(state.candidates, event.snapshot),
        rollbacks=overtaken(state.rollbacks, event.model),
    )


def _rolling_back(
    state: WorkspaceState, event: RollbackSigned, entry: RecordedEvent
) -> WorkspaceState:
    model = state.models.get(event.model)
    live = "" if model is None else model.live
    rollbacks = fold_rollback(state.rollbacks, live, event, entry)
    candidates = solved_again(state.candidates, event.snapshot)
    return evolve(state, rollbacks=rollbacks, candidates=candidates)


def _moved(
    record: EditRecord, step: Step, entry: RecordedEvent, **new: object
) -> EditRecord:
    target = TRANSITIONS.get((record.state, step))
    if target is None:
        raise IntegrityError(
            f"entry {entry.sequence}: {record.id} is {record.state} and cannot "
            f"{step.value}",
            "Run `governance ledger verify`.",
        )
    return evolve(record, state=target, **new)


def _edit(state: WorkspaceState, name: str, entry: RecordedEvent) -> EditRecord:
    record = state.edits.get(name)
    if record is None:
        raise IntegrityError(f"entry {entry.sequence}: edit {name!r} does not exist")
    return record


def _candidate(state: WorkspaceState, digest: str, entry: RecordedEvent) -> Candidate:
    candidate = state.candidates.get(digest)
    if candidate is None:
        raise IntegrityError(
            f"entry {entry.sequence}: candidate {digest[:12]} does not exist"
        )
    return candidate


def _with_edits(
    state: WorkspaceState, entry: RecordedEvent, *records: EditRecord, **new: object
) -> WorkspaceState:
    edits = grown(state.edits, {item.id: item for item in records})
    return evolve(state, edits=edits, size=entry.sequence, **new)


def _texts(value: JSON) -> tuple[str, ...]:
    if not isinstance(value, (list, tuple)):
        raise IntegrityError(f"ledger entry: expected a list of texts, found {value!r}")
    return tuple(str(item) for item in value)
