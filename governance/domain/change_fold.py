"""The fold of changes: policy and roster are what the active ones made of them."""

from dataclasses import replace

from governance.domain.change import ChangeKind, ChangeRecord, ChangeState
from governance.domain.change_events import (
    ChangeActivated,
    ChangeProposed,
    ChangeSigned,
)
from governance.domain.event import Document, RecordedEvent
from governance.domain.roster import Reviewer, Roster
from governance.domain.signoff import Decision, signed_at
from governance.domain.state import WorkspaceState
from governance.errors import IntegrityError

_HINT = "Run `governance ledger verify`."

ChangeEvent = ChangeProposed | ChangeSigned | ChangeActivated


def fold_change(
    state: WorkspaceState, event: ChangeEvent, entry: RecordedEvent
) -> WorkspaceState:
    """Return the state after an event about a change.

    Args:
        state: The state before.
        event: The event.
        entry: Its entry.

    Raises:
        IntegrityError: The event cannot follow on that state.
    """
    match event:
        case ChangeProposed():
            return _proposed(state, event, entry)
        case ChangeSigned():
            return _signed(state, event, entry)
        case ChangeActivated():
            return _activated(state, event, entry)


def _proposed(
    state: WorkspaceState, event: ChangeProposed, entry: RecordedEvent
) -> WorkspaceState:
    if event.change != state.next_change_id():
        raise IntegrityError(
            f"entry {entry.sequence}: expected change {state.next_change_id()}, "
            f"found {event.change}",
            _HINT,
        )
    if event.kind not in list(ChangeKind):
        raise IntegrityError(
            f"entry {entry.sequence}: {event.change} is of unknown kind {event.kind!r}",
            "Open this workspace with the program version that wrote it.",
        )
    _check_subject(event, entry)
    record = ChangeRecord(
        id=event.change,
        kind=ChangeKind(event.kind),
        subject=event.subject,
        digest=event.digest,
        proposer=entry.actor,
        key=event.key,
        signature=event.signature,
        sequence=entry.sequence,
        time=entry.time,
    )
    return _with(state, record)


_SUBJECTS = {
    ChangeKind.POLICY: {"name", "version", "digest", "suite"},
    ChangeKind.REVIEWER_ADD: {"principal", "key", "roles"},
    ChangeKind.REVIEWER_REVOKE: {"principal", "key", "reason"},
}


def _check_subject(event: ChangeProposed, entry: RecordedEvent) -> None:
    expected = _SUBJECTS[ChangeKind(event.kind)]
    if set(event.subject) != expected:
        raise IntegrityError(
            f"entry {entry.sequence}: {event.change}: expected a subject of "
            f"{sorted(expected)}, found {sorted(event.subject)}",
            _HINT,
        )


def _signed(
    state: WorkspaceState, event: ChangeSigned, entry: RecordedEvent
) -> WorkspaceState:
    record = _open(state, event.change, entry)
    signed = signed_at(event, entry)
    rejected = event.decision == Decision.REJECT.value
    moved = ChangeState.REJECTED if rejected else record.state
    return _with(
        state, replace(record, state=moved, signoffs=(*record.signoffs, signed))
    )


def _activated(
    state: WorkspaceState, event: ChangeActivated, entry: RecordedEvent
) -> WorkspaceState:
    record = _open(state, event.change, entry)
    if (event.kind, event.digest) != (record.kind.value, record.digest):
        raise IntegrityError(
            f"entry {entry.sequence}: {record.id} is another change than the one that "
            "was proposed",
            _HINT,
        )
    active = replace(record, state=ChangeState.ACTIVE, activated=entry.sequence)
    state = _with(state, active)
    if record.kind is ChangeKind.POLICY:
        return _new_policy(state, record.subject, entry)
    roster = roster_after(state.roster, record, entry.sequence, entry.time)
    return replace(state, roster=roster)


def roster_after(
    roster: Roster, record: ChangeRecord, sequence: int, time: str
) -> Roster:
    """Return the roster once a change takes effect.

    Args:
        roster: The roster before.
        record: The change.
        sequence: Entry it takes effect with.
        time: Time of that entry.

    Raises:
        IntegrityError: It cannot follow on that roster.
    """
    match record.kind:
        case ChangeKind.POLICY:
            return roster
        case ChangeKind.REVIEWER_ADD:
            return _with_reviewer(roster, record.subject, sequence, time)
        case ChangeKind.REVIEWER_REVOKE:
            return _without_reviewer(roster, record.subject, sequence, time)


def _new_policy(
    state: WorkspaceState, subject: Document, entry: RecordedEvent
) -> WorkspaceState:
    version, before = subject["version"], state.policy["version"]
    grows = isinstance(version, int) and isinstance(before, int) and version > before
    if not grows:
        raise IntegrityError(
            f"entry {entry.sequence}: policy version {version} does not follow on "
            f"{before}: versions only grow",
            _HINT,
        )
    suite = subject["suite"]
    named = {str(suite["name"]): suite["digest"]} if isinstance(suite, dict) else {}
    policy = {key: subject[key] for key in ("name", "version", "digest")}
    return replace(state, policy=policy, suites={**state.suites, **named})


def _with_reviewer(
    roster: Roster, subject: Document, sequence: int, time: str
) -> Roster:
    roles = subject["roles"]
    reviewer = Reviewer(
        principal=str(subject["principal"]),
        key=str(subject["key"]),
        roles=tuple(map(str, roles)) if isinstance(roles, list | tuple) else (),
        since=sequence,
        added=time,
    )
    if taken := roster.taken(reviewer.principal, reviewer.key, sequence):
        raise IntegrityError(f"entry {sequence}: {taken}", _HINT)
    return roster.plus(reviewer)


def _without_reviewer(
    roster: Roster, subject: Document, sequence: int, time: str
) -> Roster:
    principal = str(subject["principal"])
    found = roster.find(principal, sequence)
    if found is None or found.key != subject["key"]:
        raise IntegrityError(
            f"entry {sequence}: {principal!r} is not on the roster with that key", _HINT
        )
    return roster.without(found, sequence, time)


def _open(state: WorkspaceState, name: str, entry: RecordedEvent) -> ChangeRecord:
    record = state.changes.get(name)
    if record is None or record.state is not ChangeState.PROPOSED:
        stands = "does not exist" if record is None else f"is {record.state}"
        raise IntegrityError(
            f"entry {entry.sequence}: change {name!r} {stands}, expected PROPOSED",
            _HINT,
        )
    return record


def _with(state: WorkspaceState, record: ChangeRecord) -> WorkspaceState:
    return replace(state, changes={**state.changes, record.id: record})
