"""A fold's records as JSON, and back."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from typing import Any, TypeVar

from governance.canonical import digest_of
from governance.domain.change import ChangeKind, ChangeRecord, ChangeState
from governance.domain.events import EditsApplied, EditsChecked
from governance.domain.lifecycle import EditState
from governance.domain.persistent_list import PersistentList
from governance.domain.rollback import Pending, PendingRollback
from governance.domain.roster import Reviewer, Roster
from governance.domain.signoff import Signed
from governance.domain.state import Candidate, EditRecord, ModelRecord, WorkspaceState
from governance.domain.statistics import StatisticsRecord
from governance.service.book import SnapshotRecord

Record = TypeVar("Record")
Stored = dict[str, Any]
Reader = Callable[[Any], Record]
RESTORED: dict[Callable[..., object], frozenset[str]] = {}
"""By kind, the fields that JSON alone would not bring back as they were."""


def _reader(
    kind: Callable[..., Record], /, **special: Callable[[Any], object]
) -> Reader[Record]:
    """Return what reads one kind of record; JSON has no tuples and no enums."""
    RESTORED[kind] = frozenset(special)

    def read(found: Stored) -> Record:
        changed = {name: turn(found[name]) for name, turn in special.items()}
        return kind(**{**found, **changed})

    return read


def _each(read: Reader[Record]) -> Callable[[Any], tuple[Record, ...]]:
    return lambda found: tuple(read(item) for item in found)


def _maybe(read: Reader[Record]) -> Callable[[Any], Record | None]:
    return lambda found: None if found is None else read(found)


def _named(read: Reader[Record]) -> Callable[[Any], dict[str, Record]]:
    return lambda found: {name: read(item) for name, item in found.items()}


def _wanted(found: Any) -> tuple[object, ...]:  # noqa: ANN401 - JSON of a signed mark
    *names, leaving = found
    return (*names, tuple(leaving))


def _pending(found: list[Stored]) -> Pending:
    return {item.wanted: item for item in map(_rollback, found)}


_signed = _reader(Signed)
_signoffs = _each(_signed)
_model = _reader(ModelRecord, files=tuple, holds=tuple)
_reviewer = _reader(Reviewer, roles=tuple)
_change = _reader(ChangeRecord, kind=ChangeKind, state=ChangeState, signoffs=_signoffs)
_rollback = _reader(PendingRollback, wanted=_wanted, signatures=_signoffs)
read_candidate = _reader(
    Candidate,
    edits=tuple,
    applied=_reader(EditsApplied),
    check=_maybe(_reader(EditsChecked)),
    signoffs=_signoffs,
)
read_edit = _reader(
    EditRecord,
    findings=tuple,
    state=EditState,
    signoffs=_signoffs,
    rollbacks=_signoffs,
    past=_maybe(read_candidate),
)
read_snapshot = _reader(
    SnapshotRecord,
    edits=tuple,
    rollback=_maybe(_signed),
    cosigned=_signoffs,
    lived=PersistentList,
)
read_state = _reader(
    WorkspaceState,
    roster=_reader(Roster, reviewers=_each(_reviewer)),
    models=_named(_model),
    changes=_named(_change),
    statistics=_named(_reader(StatisticsRecord)),
    rollbacks=_pending,
)

RECORDS = (
    *(WorkspaceState, ModelRecord, EditRecord, Candidate, SnapshotRecord, Signed),
    *(EditsApplied, EditsChecked, ChangeRecord, StatisticsRecord, Reviewer, Roster),
    PendingRollback,
)
SHAPE = digest_of(
    {
        kind.__name__: [f"{item.name}: {item.type}" for item in fields(kind)]
        for kind in RECORDS
    }
)
"""Changes with the fields of any record: a mark of another program says nothing."""


def small_part(state: WorkspaceState) -> dict[str, object]:
    """Return all of a state but its edits and candidates, which may be many."""
    part = {
        item.name: getattr(state, item.name)
        for item in fields(state)
        if item.name not in {"edits", "candidates"}
    }
    return {**part, "rollbacks": list(state.rollbacks.values())}


def written(value: object) -> bytes:
    """Return records as JSON; the same bytes for the same records."""
    text = json.dumps(
        value, default=_plain, sort_keys=True, separators=(",", ":"), allow_nan=False
    )
    return text.encode("ascii")


def _plain(value: object) -> object:
    """Turn what JSON does not know into what it does."""
    if is_dataclass(value) and not isinstance(value, type):
        return {item.name: getattr(value, item.name) for item in fields(value)}
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, Sequence):
        return list(value)
    message = f"a fold holds no {type(value).__name__}"
    raise TypeError(message)


@dataclass(frozen=True, slots=True)
class Kind:
    """One of the mappings that may be long.

    Args:
        name: What it is called in a mark.
        read: Reads one of its records.
        key: Reads one of its keys.
    """

    name: str
    read: Reader[Any]
    key: Callable[[Any], Any] = str


EDITS = Kind("edits", read_edit)
CANDIDATES = Kind("candidates", read_candidate)
SNAPSHOTS = Kind("snapshots", read_snapshot, tuple)
KINDS: Iterable[Kind] = (EDITS, CANDIDATES, SNAPSHOTS)
