"""Everything that can happen, in the past tense, as frozen data.

Each event's fields are the ``data`` of one ledger entry; nested values are plain
JSON, so that an entry's canonical bytes are exactly what the event says.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import ClassVar

from governance.domain.change_events import (
    ChangeActivated,
    ChangeProposed,
    ChangeSigned,
)
from governance.domain.event import Document as Document
from governance.domain.event import Event as Event
from governance.domain.evolving import made_of
from governance.domain.releasing import TensorsReleased
from governance.domain.rollback import RollbackSigned, RollbackWithdrawn
from governance.domain.signing_key import SigningKeyRecorded
from governance.domain.statistics import StatisticsRecorded
from governance.domain.typed import mistyped, types_of
from governance.errors import IntegrityError


@dataclass(frozen=True, slots=True)
class WorkspaceCreated(Event):
    """Genesis: origin, first policy and first roster.

    Args:
        origin: Ledger origin, unique to this workspace; ``demo`` for the demo.
        policy: ``{name, version, digest}``; its text is in the object store.
        suites: Suite name to digest; their text is in the object store.
        reviewers: ``{principal, key, roles}`` each.
        ledger_key: Public key whose checkpoints sign this ledger's heads.
    """

    name: ClassVar[str] = "WorkspaceCreated"
    origin: str
    policy: Document
    suites: Document
    reviewers: Sequence[Document]
    ledger_key: str


@dataclass(frozen=True, slots=True)
class ModelRegistered(Event):
    """A pipeline folder was hashed and named.

    Args:
        model: Registered name.
        path: Absolute folder.
        digest: Model digest.
        family: ``sd1``, ``sd2``, ``sdxl`` ...
        files: ``{path, size, sha256}`` each.
        source: Repository id and revision, where it came from a hub.
        base: Digest of the snapshot with no edits.
    """

    name: ClassVar[str] = "ModelRegistered"
    model: str
    path: str
    digest: str
    family: str
    files: Sequence[Document]
    source: str | None
    base: str


@dataclass(frozen=True, slots=True)
class EditProposed(Event):
    """A request was validated, judged, signed and recorded.

    Args:
        edit: Edit id, ``E-0001``.
        model: Model name.
        digest: Request digest.
        request: Canonical request document.
        findings: Policy findings, ``{rule, outcome, message}`` each.
        key: Proposer's public key, or ``None`` for an unsigned proposal.
        signature: SSHSIG over the digest's 64 hex digits, or ``None``.
    """

    name: ClassVar[str] = "EditProposed"
    edit: str
    model: str
    digest: str
    request: Document
    findings: Sequence[Document]
    key: str | None
    signature: str | None


@dataclass(frozen=True, slots=True)
class EditWithdrawn(Event):
    """A proposal was taken back before it went live."""

    name: ClassVar[str] = "EditWithdrawn"
    edit: str
    reason: str


@dataclass(frozen=True, slots=True)
class EditsApplied(Event):
    """One or several edits were solved into one candidate.

    Args:
        edits: Ids of the new edits.
        model: Model name.
        candidate: Snapshot digest.
        parent: Snapshot that was live when it was solved.
        resolved: Edit id to ``{request, found}`` for every edit in the candidate.
        certificate: Per concept ``{edit, source, residual, drift, condition}``.
        sites: ``{name, norm}`` each.
        conflicts: What collides with live edits.
        seconds: Seconds per step.
    """

    name: ClassVar[str] = "EditsApplied"
    edits: Sequence[str]
    model: str
    candidate: str
    parent: str
    resolved: Mapping[str, Document]
    certificate: Sequence[Document]
    sites: Sequence[Document]
    conflicts: Sequence[Document]
    seconds: Document


@dataclass(frozen=True, slots=True)
class EditsChecked(Event):
    """A candidate's evidence was measured, stored and judged.

    Args:
        edits: Ids of the candidate's new edits.
        candidate: Snapshot digest.
        evidence: Evidence digest in the object store.
        suite: Suite digest.
        policy: Policy digest.
        outcome: ``PASS`` or ``FAIL``.
        rules: ``{rule, outcome, value, limit, bound, n}`` each.
    """

    name: ClassVar[str] = "EditsChecked"
    edits: Sequence[str]
    candidate: str
    evidence: str
    suite: str
    policy: str
    outcome: str
    rules: Sequence[Document]


@dataclass(frozen=True, slots=True)
class SignOffGiven(Event):
    """A reviewer approved or rejected exactly one candidate and its evidence.

    Args:
        edits: Ids of the candidate's new edits.
        candidate: Snapshot digest; empty where a proposal was rejected unapplied.
        decision: ``approve`` or ``reject``.
        key: Public key.
        statement: Signed statement.
        signature: SSHSIG over its canonical bytes.
    """

    name: ClassVar[str] = "SignOffGiven"
    edits: Sequence[str]
    candidate: str
    decision: str
    key: str
    statement: Document
    signature: str


@dataclass(frozen=True, slots=True)
class SnapshotActivated(Event):
    """A candidate went live with its last sign-off.

    Args:
        model: Model name.
        snapshot: Digest that is live from here on.
        previous: Digest that was live.
        live: Ids of every edit it holds.
    """

    name: ClassVar[str] = "SnapshotActivated"
    model: str
    snapshot: str
    previous: str
    live: Sequence[str]


@dataclass(frozen=True, slots=True)
class EditReverted(Event):
    """An edit was taken out and the rest solved anew from the base.

    Args:
        edit: Id of the edit that left.
        model: Model name.
        snapshot: Digest that is live from here on.
        previous: Digest that was live.
        live: Ids of every edit it holds.
        reason: Why.
        certificate: Certificates of the edits that remain.
        key: Public key.
        statement: Signed rollback statement.
        signature: SSHSIG over its canonical bytes.
    """

    name: ClassVar[str] = "EditReverted"
    edit: str
    model: str
    snapshot: str
    previous: str
    live: Sequence[str]
    reason: str
    certificate: Sequence[Document]
    key: str
    statement: Document
    signature: str


@dataclass(frozen=True, slots=True)
class SnapshotRestored(Event):
    """The base, or a snapshot that was live before, went live again.

    Args:
        model: Model name.
        snapshot: Digest that is live from here on.
        previous: Digest that was live.
        live: Ids of every edit it holds.
        reason: Why.
        key: Public key.
        statement: Signed rollback statement.
        signature: SSHSIG over its canonical bytes.
    """

    name: ClassVar[str] = "SnapshotRestored"
    model: str
    snapshot: str
    previous: str
    live: Sequence[str]
    reason: str
    key: str
    statement: Document
    signature: str


EVENTS: Mapping[str, type[Event]] = {
    kind.name: kind
    for kind in (
        WorkspaceCreated,
        ModelRegistered,
        EditProposed,
        EditWithdrawn,
        EditsApplied,
        EditsChecked,
        SignOffGiven,
        SnapshotActivated,
        EditReverted,
        SnapshotRestored,
        RollbackSigned,
        RollbackWithdrawn,
        ChangeProposed,
        ChangeSigned,
        ChangeActivated,
        StatisticsRecorded,
        TensorsReleased,
        SigningKeyRecorded,
    )
}


_FIELDS = {
    name: frozenset(item.name for item in fields(kind)) for name, kind in EVENTS.items()
}
_TYPES = {name: types_of(kind) for name, kind in EVENTS.items()}


def parse_event(name: str, data: Document) -> Event:
    """Turn an entry's name and data back into its event.

    Args:
        name: Event name.
        data: The entry's data.

    Returns:
        The frozen event.

    Raises:
        IntegrityError: The name, the fields or their types are not an event's.
    """
    kind = EVENTS.get(name)
    if kind is None:
        raise IntegrityError(
            f"ledger entry: unknown event {name!r}, expected one of "
            f"{', '.join(sorted(EVENTS))}",
            "Open this workspace with the program version that wrote it.",
        )
    expected = _FIELDS[name]
    if data.keys() != expected:
        raise IntegrityError(
            f"ledger entry {name}: expected fields {sorted(expected)}, "
            f"found {sorted(data)}",
            "Run `governance ledger verify`.",
        )
    if wrong := mistyped(_TYPES[name], data):
        raise IntegrityError(
            f"ledger entry {name}: its field {wrong} is of another type than this event "
            "has",
            "Run `governance ledger verify`.",
        )
    return made_of(kind, data)
