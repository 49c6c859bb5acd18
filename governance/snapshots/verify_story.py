"""How an edit came to live, as the cited entries tell it."""

from dataclasses import dataclass

from governance.domain.events import (
    EditReverted,
    EditsApplied,
    EditsChecked,
    SnapshotActivated,
    SnapshotRestored,
)
from governance.errors import IntegrityError
from governance.ledger.entry import Entry
from governance.snapshots.reading import digest_or_none
from governance.snapshots.verify_log import Told
from governance.snapshots.verify_record import ProposedEdit


@dataclass(frozen=True, slots=True)
class Case:
    """How one edit came to live.

    Args:
        applied: Where it was solved.
        checked: Where that was measured.
        live: The entry that made it live.
    """

    applied: tuple[Entry, EditsApplied]
    checked: tuple[Entry, EditsChecked]
    live: Entry


def case_of(told: Told, edit: ProposedEdit) -> Case:
    """Find the candidate by which an edit came to live.

    Args:
        told: What the ledger says.
        edit: The edit.

    Raises:
        IntegrityError: If an entry of that story is not cited, or tells another.
    """
    for entry, event in reversed(told.events):
        if isinstance(event, EditsApplied) and edit.id in event.edits:
            case = _story(told, edit, entry, event)
            if case is not None:
                break
    else:
        raise IntegrityError("no cited entry made it live")
    if digest_or_none(case.applied[1].resolved.get(edit.id)) != edit.resolved:
        raise IntegrityError(f"entry {case.applied[0].sequence} resolved it otherwise")
    return case


def check_stays(told: Told, edit: str, case: Case, until: Entry) -> None:
    """See that an edit was not taken back before its snapshot went live.

    What was taken back needs a proposal and approvals of its own again: a signature on
    a rollback, or approvals of another edit, do not bring it back.

    Args:
        told: What the ledger says.
        edit: The edit's id.
        case: How it came to live.
        until: The entry that made the snapshot live.

    Raises:
        IntegrityError: A cited entry took it back.
    """
    model = case.applied[1].model
    for entry, event in told.events:
        if not case.live.sequence < entry.sequence < until.sequence:
            continue
        match event:
            case SnapshotActivated() | EditReverted() | SnapshotRestored():
                left = event.model == model and edit not in event.live
            case _:
                left = False
        if left:
            raise IntegrityError(
                f"entry {entry.sequence} took it back, and entry {until.sequence} "
                "makes it live again by its old approvals"
            )


def _story(
    told: Told, edit: ProposedEdit, entry: Entry, applied: EditsApplied
) -> Case | None:
    """Follow a candidate from its entry until it went live."""
    checked = None
    for later, event in told.events:
        if later.sequence <= entry.sequence:
            continue
        match event:
            case EditsApplied() if edit.id in event.edits:
                return None
            case EditsChecked(candidate=applied.candidate):
                checked = (later, event)
            case SnapshotActivated(snapshot=applied.candidate):
                if checked is None or edit.id not in event.live:
                    return None
                return Case((entry, applied), checked, later)
            case _:
                continue
    return None
