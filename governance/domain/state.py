"""What is true of a workspace: models, edits, candidates, roster."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from governance.domain.change import ChangeRecord
from governance.domain.events import Document, EditsApplied, EditsChecked
from governance.domain.lifecycle import EditState, EvidenceStatus
from governance.domain.persistent import PersistentMap
from governance.domain.rollback import Pending
from governance.domain.roster import Roster
from governance.domain.signoff import Signed
from governance.domain.statistics import StatisticsRecord


@dataclass(frozen=True, slots=True)
class ModelRecord:
    """A registered model, what is live on it, and the ids of the edits in that."""

    name: str
    path: str
    digest: str
    family: str
    files: tuple[Document, ...]
    source: str | None
    base: str
    live: str
    time: str
    holds: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Candidate:
    """One solved snapshot and the edits that are new in it.

    ``released`` is the entry by which its tensors were given back, if they were.
    """

    digest: str
    model: str
    edits: tuple[str, ...]
    parent: str
    applied: EditsApplied
    sequence: int
    time: str
    check: EditsChecked | None = None
    check_sequence: int | None = None
    signoffs: tuple[Signed, ...] = ()
    released: int | None = None


@dataclass(frozen=True, slots=True)
class EditRecord:
    """One edit, from proposal to wherever it stands.

    ``rollbacks`` are all signatures ever given for taking it out, or for ending that.
    ``past`` is its candidate where other edits were solved into the same snapshot since.
    """

    id: str
    model: str
    digest: str
    request: Document
    findings: tuple[Document, ...]
    proposer: str
    key: str | None
    signature: str | None
    sequence: int
    time: str
    state: EditState = EditState.PROPOSED
    candidate: str | None = None
    signoffs: tuple[Signed, ...] = ()
    reason: str | None = None
    rollbacks: tuple[Signed, ...] = ()
    past: Candidate | None = None


@dataclass(frozen=True, slots=True)
class WorkspaceState:
    """Everything that is true after the last folded entry.

    ``signed`` is, by principal, the last entry that holds a statement they signed.
    """

    origin: str = ""
    policy: Document = field(default_factory=dict)
    suites: Document = field(default_factory=dict)
    roster: Roster = field(default_factory=Roster)
    models: Mapping[str, ModelRecord] = field(default_factory=dict)
    edits: Mapping[str, EditRecord] = field(default_factory=PersistentMap)
    candidates: Mapping[str, Candidate] = field(default_factory=PersistentMap)
    changes: Mapping[str, ChangeRecord] = field(default_factory=dict)
    statistics: Mapping[str, StatisticsRecord] = field(default_factory=dict)
    rollbacks: Pending = field(default_factory=dict)
    signing_keys: Mapping[str, int] = field(default_factory=dict)
    signed: Mapping[str, int] = field(default_factory=dict)
    size: int = 0

    def candidate_of(self, edit: EditRecord) -> Candidate | None:
        """Return the newest candidate an edit was solved into, if it was."""
        return edit.past or self.candidates.get(edit.candidate or "")

    def live_edits(self, model: str) -> tuple[EditRecord, ...]:
        """Return the model's live edits in id order."""
        found = self.models.get(model)
        return () if found is None else tuple(self.edits[name] for name in found.holds)

    def evidence(self, edit: EditRecord) -> EvidenceStatus:
        """Say what is known about the edit's newest candidate."""
        candidate = self.candidate_of(edit)
        if candidate is None:
            return EvidenceStatus.NOT_RUN
        waiting = edit.state is EditState.APPLIED
        if waiting and self.models[edit.model].live != candidate.parent:
            return EvidenceStatus.STALE
        if candidate.check is None:
            return EvidenceStatus.NOT_RUN
        return EvidenceStatus(candidate.check.outcome)

    def next_edit_id(self) -> str:
        """Return the id the next proposal gets."""
        return f"E-{len(self.edits) + 1:04d}"

    def next_change_id(self) -> str:
        """Return the id the next change gets."""
        return f"C-{len(self.changes) + 1:04d}"
