"""Short ways to write ledger entries for the fold."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from governance.canonical import JSON
from governance.domain.events import (
    EditProposed,
    EditReverted,
    EditsApplied,
    EditsChecked,
    Event,
    ModelRegistered,
    SignOffGiven,
    SnapshotActivated,
    WorkspaceCreated,
)
from governance.domain.fold import fold
from governance.domain.state import WorkspaceState


@dataclass(frozen=True)
class Line:
    sequence: int
    time: str
    event: str
    actor: str
    data: Mapping[str, JSON]


def lines(*events: Event, actor: str = "ana") -> tuple[Line, ...]:
    return tuple(
        Line(at, f"2026-01-01T00:00:{at:02d}Z", event.name, actor, event.data())
        for at, event in enumerate(events, 1)
    )


def folded(*events: Event) -> WorkspaceState:
    return fold(lines(*events))


def created() -> WorkspaceCreated:
    return WorkspaceCreated(
        origin="here",
        policy={"name": "default", "version": 1, "digest": "p"},
        suites={"quick": "s"},
        reviewers=[{"principal": "ben", "key": "ssh-ed25519 B", "roles": ["reviewer"]}],
        ledger_key="here+00000000+",
    )


def registered(name: str = "mini") -> ModelRegistered:
    return ModelRegistered(
        model=name,
        path="/models/mini",
        digest="m",
        family="sd1",
        files=[],
        source=None,
        base="base",
    )


def proposed(edit: str, model: str = "mini") -> EditProposed:
    return EditProposed(
        edit=edit,
        model=model,
        digest=f"request-{edit}",
        request={"title": edit},
        findings=[],
        key=None,
        signature=None,
    )


def applied(
    candidate: str, *edits: str, parent: str = "base", model: str = "mini"
) -> EditsApplied:
    return EditsApplied(
        edits=list(edits),
        model=model,
        candidate=candidate,
        parent=parent,
        resolved={},
        certificate=[],
        sites=[],
        conflicts=[],
        seconds={},
    )


def checked(candidate: str, *edits: str, outcome: str = "PASS") -> EditsChecked:
    return EditsChecked(
        edits=list(edits),
        candidate=candidate,
        evidence="e",
        suite="s",
        policy="p",
        outcome=outcome,
        rules=[],
    )


def signed(candidate: str, *edits: str, decision: str = "approve") -> SignOffGiven:
    return SignOffGiven(
        edits=list(edits),
        candidate=candidate,
        decision=decision,
        key="ssh-ed25519 B",
        statement={},
        signature="",
    )


def activated(
    snapshot: str, live: Sequence[str], previous: str = "base"
) -> SnapshotActivated:
    return SnapshotActivated(
        model="mini", snapshot=snapshot, previous=previous, live=list(live)
    )


def reverted(
    edit: str, snapshot: str, live: Sequence[str], previous: str
) -> EditReverted:
    return EditReverted(
        edit=edit,
        model="mini",
        snapshot=snapshot,
        previous=previous,
        live=list(live),
        reason="complaint",
        certificate=[],
        key="ssh-ed25519 B",
        statement={},
        signature="",
    )
