"""The fold: entries in, state out. State is never stored, only derived."""

from collections.abc import Iterable

from governance.canonical import JSON
from governance.domain.candidate_fold import fold_candidate
from governance.domain.change_events import (
    ChangeActivated,
    ChangeProposed,
    ChangeSigned,
)
from governance.domain.change_fold import fold_change
from governance.domain.event import RecordedEvent as RecordedEvent
from governance.domain.events import (
    EditProposed,
    EditWithdrawn,
    Event,
    ModelRegistered,
    WorkspaceCreated,
    parse_event,
)
from governance.domain.evolving import evolve
from governance.domain.folding import edit_of, one_step, with_edits
from governance.domain.freshness import statement_of
from governance.domain.lifecycle import Step
from governance.domain.released import fold_released
from governance.domain.releasing import TensorsReleased
from governance.domain.roster import Reviewer, Roster
from governance.domain.signing_key import SigningKeyRecorded, fold_signing_key
from governance.domain.state import (
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
    if statement_of(event) is not None:
        signed = {**after.signed, entry.actor: entry.sequence}
        return evolve(after, size=entry.sequence, signed=signed)
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
            return fold_candidate(state, event, entry)


def _withdrawn(
    state: WorkspaceState, event: EditWithdrawn, entry: RecordedEvent
) -> WorkspaceState:
    record = edit_of(state, event.edit, entry)
    moved = one_step(record, Step.WITHDRAW, entry, reason=event.reason)
    return with_edits(state, entry, moved)


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
    _check_proposal(state, event, entry)
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
    return with_edits(state, entry, record)


def _check_proposal(
    state: WorkspaceState, event: EditProposed, entry: RecordedEvent
) -> None:
    """Refuse a key that stands for a signature which is not there.

    Raises:
        IntegrityError: It does, or the model was never registered.
    """
    if (event.key is None) != (event.signature is None):
        raise IntegrityError(
            f"entry {entry.sequence}: {event.edit} names a key or a signature, and not "
            "both: nobody vouches for its proposer",
            "Run `governance ledger verify`.",
        )
    if event.model not in state.models:
        raise IntegrityError(
            f"entry {entry.sequence}: {event.edit} is for a model that was never "
            "registered",
            "Run `governance ledger verify`.",
        )


def _texts(value: JSON) -> tuple[str, ...]:
    if not isinstance(value, (list, tuple)):
        raise IntegrityError(f"ledger entry: expected a list of texts, found {value!r}")
    return tuple(str(item) for item in value)
