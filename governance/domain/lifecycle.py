"""Where an edit stands, and which events may move it. One table, tested whole."""

from enum import StrEnum


class EditState(StrEnum):
    """Where an edit stands."""

    PROPOSED = "PROPOSED"
    APPLIED = "APPLIED"
    LIVE = "LIVE"
    REVERTED = "REVERTED"
    WITHDRAWN = "WITHDRAWN"
    REJECTED = "REJECTED"


class EvidenceStatus(StrEnum):
    """What is known about an edit's newest candidate."""

    NOT_RUN = "NOT RUN"
    PASS = "PASS"  # noqa: S105 - a verdict, not a password
    FAIL = "FAIL"
    STALE = "STALE"


class Step(StrEnum):
    """What may happen to an edit."""

    APPLY = "apply"
    CHECK = "check"
    APPROVE = "approve"
    REJECT = "reject"
    ACTIVATE = "activate"
    WITHDRAW = "withdraw"
    REVERT = "revert"


TRANSITIONS: dict[tuple[EditState, Step], EditState] = {
    (EditState.PROPOSED, Step.APPLY): EditState.APPLIED,
    (EditState.PROPOSED, Step.WITHDRAW): EditState.WITHDRAWN,
    (EditState.PROPOSED, Step.REJECT): EditState.REJECTED,
    (EditState.APPLIED, Step.APPLY): EditState.APPLIED,
    (EditState.APPLIED, Step.CHECK): EditState.APPLIED,
    (EditState.APPLIED, Step.APPROVE): EditState.APPLIED,
    (EditState.APPLIED, Step.REJECT): EditState.REJECTED,
    (EditState.APPLIED, Step.ACTIVATE): EditState.LIVE,
    (EditState.APPLIED, Step.WITHDRAW): EditState.WITHDRAWN,
    (EditState.LIVE, Step.REVERT): EditState.REVERTED,
    # Activating an older snapshot that was live before restores its edits.
    (EditState.REVERTED, Step.ACTIVATE): EditState.LIVE,
    (EditState.LIVE, Step.ACTIVATE): EditState.LIVE,
}


def allowed(state: EditState, step: Step) -> bool:
    """Say whether ``step`` may happen to an edit in ``state``."""
    return (state, step) in TRANSITIONS


def steps_from(state: EditState) -> tuple[Step, ...]:
    """Return every step that may happen in ``state``, in table order."""
    return tuple(step for (start, step) in TRANSITIONS if start is state)
