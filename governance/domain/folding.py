"""What every fold of an edit needs: it moves by the lifecycle, or not at all."""

from governance.domain.event import RecordedEvent
from governance.domain.evolving import evolve
from governance.domain.lifecycle import TRANSITIONS, Step
from governance.domain.persistent import grown
from governance.domain.state import Candidate, EditRecord, WorkspaceState
from governance.errors import IntegrityError


def one_step(
    record: EditRecord, step: Step, entry: RecordedEvent, **new: object
) -> EditRecord:
    """Return an edit one step further.

    Args:
        record: The edit.
        step: What happens to it.
        entry: Where that is recorded.
        new: Other fields that change with it.

    Raises:
        IntegrityError: The lifecycle forbids it.
    """
    target = TRANSITIONS.get((record.state, step))
    if target is None:
        raise IntegrityError(
            f"entry {entry.sequence}: {record.id} is {record.state} and cannot "
            f"{step.value}",
            "Run `governance ledger verify`.",
        )
    return evolve(record, state=target, **new)


def edit_of(state: WorkspaceState, name: str, entry: RecordedEvent) -> EditRecord:
    """Return an edit that an entry names.

    Raises:
        IntegrityError: There is none.
    """
    record = state.edits.get(name)
    if record is None:
        raise IntegrityError(f"entry {entry.sequence}: edit {name!r} does not exist")
    return record


def candidate_of(state: WorkspaceState, digest: str, entry: RecordedEvent) -> Candidate:
    """Return a candidate that an entry names.

    Raises:
        IntegrityError: There is none.
    """
    candidate = state.candidates.get(digest)
    if candidate is None:
        raise IntegrityError(
            f"entry {entry.sequence}: candidate {digest[:12]} does not exist"
        )
    return candidate


def with_edits(
    state: WorkspaceState, entry: RecordedEvent, *records: EditRecord, **new: object
) -> WorkspaceState:
    """Return the state after an entry that changed edits, and whatever else is named."""
    edits = grown(state.edits, {item.id: item for item in records})
    return evolve(state, edits=edits, size=entry.sequence, **new)
