"""What the faces show of the record itself: heads, copies, and the state it once was."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from governance.canonical import JSON
from governance.domain.lifecycle import EditState
from governance.service.views import HeadView, ReviewerView


@dataclass(frozen=True, slots=True)
class CheckpointView:
    """The ledger's head, signed with its own key."""

    origin: str
    size: int
    root: str
    note: str


@dataclass(frozen=True, slots=True)
class BackupView:
    """A verified copy of the ledger's database."""

    path: Path
    entries: int
    head: HeadView


@dataclass(frozen=True, slots=True)
class CollectView:
    """What candidates gave back, and what interrupted actions left.

    Args:
        freed: Bytes that candidates gave back, or are to.
        objects: Digests of those objects.
        candidates: Snapshots that gave their tensors back this time.
        kept: Snapshots that keep theirs.
        dry_run: Whether nothing was done.
        left: Digests of objects that no entry names and no action holds, such as the
            tensors of an apply that was killed; removed too, or to be removed.
        left_freed: Their bytes.
        held: Whether an action was at work, so that what interrupted ones left could
            not be told from what it has stored: it stays until the next gc.
    """

    freed: int
    objects: tuple[str, ...]
    candidates: tuple[str, ...]
    kept: tuple[str, ...]
    dry_run: bool
    left: tuple[str, ...] = ()
    left_freed: int = 0
    held: bool = False


@dataclass(frozen=True, slots=True)
class Hand:
    """Whose signature stood there; ``decision`` may be ``revert`` or ``activate``."""

    principal: str
    key: str
    decision: str
    role: str
    time: str


@dataclass(frozen=True, slots=True)
class RollbackThen:
    """A rollback that waited: what it would do, and who had signed for it."""

    action: str
    model: str
    snapshot: str
    edits: tuple[str, ...]
    signatures: tuple[Hand, ...]


@dataclass(frozen=True, slots=True)
class EditThen:
    """An edit as it stood; ``rollbacks`` are signatures on taking it out, or not."""

    id: str
    title: str
    model: str
    state: EditState
    digest: str
    proposer: str
    signoffs: tuple[Hand, ...]
    rollbacks: tuple[Hand, ...] = ()


@dataclass(frozen=True, slots=True)
class Activation:
    """What was live on a model, and whose signatures made it so."""

    model: str
    snapshot: str
    edits: tuple[str, ...]
    signatures: tuple[Hand, ...]


@dataclass(frozen=True, slots=True)
class PolicyThen:
    """Which policy was in force, by which change, and whose signatures brought it.

    ``change`` is ``None`` and there are no signatures for the workspace's first one.
    """

    name: str
    version: int
    digest: str
    change: str | None = None
    signatures: tuple[Hand, ...] = ()


@dataclass(frozen=True, slots=True)
class StateView:
    """The workspace at a time; ``live`` is model to snapshot digest.

    ``rollbacks`` waited for more signatures then.

    ``ahead`` says that the time has not come yet: it is the state as of now.
    """

    time: str
    sequence: int
    live: Mapping[str, str]
    edits: tuple[EditThen, ...]
    policy: PolicyThen
    reviewers: tuple[ReviewerView, ...]
    activations: tuple[Activation, ...]
    ahead: bool = False
    rollbacks: tuple[RollbackThen, ...] = ()


@dataclass(frozen=True, slots=True)
class RuleTried:
    """One rule of a case: what was expected, what was found."""

    rule: str
    expected: str
    found: str | None
    message: str

    @property
    def ok(self) -> bool:
        """Whether they agree."""
        return self.expected == self.found


@dataclass(frozen=True, slots=True)
class CaseView:
    """One case and whether its policy judged as expected."""

    title: str
    file: Path
    policy: str
    ok: bool
    rules: tuple[RuleTried, ...]


@dataclass(frozen=True, slots=True)
class TrialView:
    """What trying every case found."""

    ok: bool
    cases: tuple[CaseView, ...]


@dataclass(frozen=True, slots=True)
class StatisticsView:
    """Key covariances of some models' text encoders.

    Args:
        digest: Digest of their file in the object store.
        models: Registered models with exactly these encoders.
        encoders: Component to digest of each encoder.
        about: Captions digest, counts, which rows; empty where the file says nothing.
        origin: ``computed``, ``imported`` or ``shipped``.
        size: Bytes of the file.
        time: When they were recorded.
    """

    digest: str
    models: tuple[str, ...]
    encoders: Mapping[str, JSON]
    about: Mapping[str, JSON]
    origin: str
    size: int
    time: str
