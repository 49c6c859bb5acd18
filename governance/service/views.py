"""What the two faces show: frozen, JSON-ready, free of tables and tensors.

Field names are those of the ``--json`` contract; a face may print fewer, never
other ones.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from pathlib import Path

from governance.canonical import JSON
from governance.domain.lifecycle import EditState, EvidenceStatus


@dataclass(frozen=True, slots=True)
class Proportion:
    """A share with its interval and the number of trials behind it."""

    value: float
    low: float
    high: float
    n: int


@dataclass(frozen=True, slots=True)
class Finding:
    """A policy rule's word on a proposal."""

    rule: str
    outcome: str
    message: str


@dataclass(frozen=True, slots=True)
class RuleResult:
    """A threshold against what was measured; ``limit`` holds the operator too."""

    rule: str
    outcome: str
    value: float | None
    limit: str
    bound: str
    n: int | None
    low: float | None = None
    high: float | None = None
    message: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What policy makes of the evidence."""

    outcome: str
    rules: tuple[RuleResult, ...]


@dataclass(frozen=True, slots=True)
class CertificateRow:
    """How exactly one concept was solved."""

    edit: str
    source: str
    residual: float
    drift: float
    condition: float
    note: str = ""


@dataclass(frozen=True, slots=True)
class SiteNorm:
    """How far one weight moved, as a Frobenius norm."""

    name: str
    norm: float


@dataclass(frozen=True, slots=True)
class SignOffView:
    """One sign-off as it stands in the ledger."""

    principal: str
    key: str
    decision: str
    time: str
    statement: Mapping[str, JSON]
    signature: str


@dataclass(frozen=True, slots=True)
class RollbackView:
    """A rollback somebody signed for, and what it still waits for.

    Args:
        action: ``revert`` or ``activate``.
        snapshot: Digest that would go live.
        edits: Ids of the edits that would leave.
        signoffs: The signatures so far.
        missing: What is still missing, in words.
    """

    action: str
    snapshot: str
    edits: tuple[str, ...]
    signoffs: tuple[SignOffView, ...]
    missing: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RollbackHand:
    """One signature given for taking an edit out, or for ending that.

    Args:
        signoff: The signature; its decision is ``revert``, ``activate`` or either
            behind ``withdraw``.
        reason: Why, as signed.
        snapshot: Digest that was to go live.
        sequence: Its entry.
        fate: What came of it, in words.
    """

    signoff: SignOffView
    reason: str
    snapshot: str
    sequence: int
    fate: str


@dataclass(frozen=True, slots=True)
class EditSummary:
    """One line of the inbox; ``rollback`` says who signed for what would take it out."""

    id: str
    title: str
    action: str
    method: str
    model: str
    state: EditState
    evidence: EvidenceStatus
    proposer: str
    time: str
    rollback: str = ""


@dataclass(frozen=True, slots=True)
class EditDetail:
    """Everything a reviewer looks at before deciding."""

    id: str
    state: EditState
    evidence: EvidenceStatus
    summary: EditSummary
    request: Mapping[str, JSON]
    effective_parameters: Mapping[str, JSON]
    digest: str
    findings: tuple[Finding, ...]
    candidate: str | None
    candidate_edits: tuple[str, ...]
    evidence_digest: str | None
    certificate: tuple[CertificateRow, ...]
    sites: tuple[SiteNorm, ...]
    conflicts: tuple[str, ...]
    verdict: Verdict | None
    metrics: Mapping[str, JSON]
    signoffs: tuple[SignOffView, ...]
    missing: tuple[str, ...]
    """In words: what is still missing before this edit can go live."""
    verify_lines: tuple[str, ...] = ()
    """Stock ``ssh-keygen -Y verify`` commands for its signatures."""
    resolved: Mapping[str, JSON] = field(default_factory=dict)
    """What apply found: alphas, stage-one results and statistics by digest."""
    rollbacks: tuple[RollbackView, ...] = ()
    """Rollbacks that would take it out and wait for more signatures."""
    taking_back: tuple[RollbackHand, ...] = ()
    """Every signature ever given for taking it out, or for ending that."""


@dataclass(frozen=True, slots=True)
class ImageSet:
    """Same prompt, same seed, three snapshots; each a PNG file on disk."""

    prompt: str
    seed: int
    base: Path | None
    live: Path | None
    candidate: Path


@dataclass(frozen=True, slots=True)
class SnapshotSummary:
    """One snapshot that is, or was, a candidate or live."""

    digest: str
    created: str
    edits: tuple[str, ...]
    live: bool
    model: str
    was_live: bool
    is_base: bool
    released: bool = False
    waiting: tuple[RollbackView, ...] = ()
    """Rollbacks to it that wait for signatures."""


@dataclass(frozen=True, slots=True)
class SnapshotDetail:
    """A snapshot and the digests of the tensors it replaces."""

    digest: str
    created: str
    edits: tuple[str, ...]
    live: bool
    model: str
    was_live: bool
    is_base: bool
    tensors: Mapping[str, str]
    released: bool = False
    waiting: tuple[RollbackView, ...] = ()


@dataclass(frozen=True, slots=True)
class SnapshotDiff:
    """What differs from snapshot A to snapshot B."""

    added: tuple[str, ...]
    removed: tuple[str, ...]
    tensors: tuple[SiteNorm, ...]


@dataclass(frozen=True, slots=True)
class ModelFile:
    """One file the pipeline loads."""

    path: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class ModelView:
    """A registered model."""

    name: str
    path: Path
    digest: str
    family: str
    files: tuple[ModelFile, ...]
    live: str
    base: str


@dataclass(frozen=True, slots=True)
class LedgerRow:
    """One ledger entry."""

    sequence: int
    time: str
    event: str
    actor: str
    digest: str
    payload: Mapping[str, JSON]


@dataclass(frozen=True, slots=True)
class HeadView:
    """The ledger's head."""

    size: int
    root: str


@dataclass(frozen=True, slots=True)
class KeptView:
    """A kept checkpoint, and the proof that the ledger only grew since."""

    size: int
    root: str
    proof: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LedgerVerdict:
    """What re-hashing every entry found; ``notes`` say what could not be compared."""

    ok: bool
    entries: int
    head: HeadView
    first_bad: int | None
    message: str = ""
    against: KeptView | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class VerifyFinding:
    """One file of an export that is not what its manifest says."""

    path: str
    problem: str
    message: str = ""


@dataclass(frozen=True, slots=True)
class ExportVerdict:
    """What verifying an export found; ``derived`` is empty for the signed bytes.

    ``notes`` name what could not be compared, and so is not vouched for; ``checked``
    says what was checked and against what, where nothing was found.
    """

    ok: bool
    trust: str
    findings: tuple[VerifyFinding, ...]
    derived: str = ""
    notes: tuple[str, ...] = ()
    checked: Mapping[str, JSON] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ReviewerView:
    """One person of the roster."""

    principal: str
    key: str
    fingerprint: str
    roles: tuple[str, ...]
    since: int
    until: int | None


@dataclass(frozen=True, slots=True)
class PolicyView:
    """The policy in force."""

    name: str
    version: int
    digest: str
    spec: Mapping[str, JSON]


@dataclass(frozen=True, slots=True)
class Header:
    """What every screen's first line says."""

    workspace: Path
    origin: str
    models: tuple[str, ...]
    policy_name: str
    policy_version: int
    principal: str | None
    fingerprint: str | None
    readonly: bool


@dataclass(frozen=True, slots=True)
class Signatory:
    """Who signed, and with which key."""

    principal: str
    key: str
    fingerprint: str


@dataclass(frozen=True, slots=True)
class Acted:
    """What a signed action led to: ``{edits, state, live}``.

    ``snapshot`` is what was signed for, live already or not; ``signed`` who signed.
    """

    edits: tuple[str, ...]
    state: str
    live: str
    missing: tuple[str, ...] = ()
    snapshot: str | None = None
    signed: Signatory | None = None


def to_json(view: object) -> JSON:
    """Turn a view into plain JSON.

    Args:
        view: A view, or tuples, mappings, paths and scalars of views.

    Returns:
        The JSON value; paths as absolute text.

    Raises:
        TypeError: The value is nothing a view may hold.
    """
    if view is None or isinstance(view, str | bool | int | float):
        return view
    if isinstance(view, Path):
        return str(view.absolute())
    if isinstance(view, Mapping):
        return {str(key): to_json(value) for key, value in view.items()}
    if isinstance(view, list | tuple):
        return [to_json(item) for item in view]
    if is_dataclass(view):
        return {item.name: to_json(getattr(view, item.name)) for item in fields(view)}
    raise TypeError(f"no JSON for {type(view).__name__}")
