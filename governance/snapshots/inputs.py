"""What an export is made from: frozen, gathered by whoever reads the ledger."""

from collections.abc import Mapping
from dataclasses import dataclass

from governance.canonical import JSON, digest_of
from governance.domain.signoff import Head, Signed
from governance.domain.snapshot import ResolvedEdit, Snapshot
from governance.identity.model_key import ModelKey
from governance.ledger.entry import Entry
from governance.pipeline.folder import PipelineFolder
from governance.snapshots.standing import Standing, standing_of


@dataclass(frozen=True, slots=True)
class TensorNorm:
    """How far one tensor moved.

    Args:
        name: ``file:name``.
        norm: Frobenius norm of the change, in float64.
        before: SHA-256 of the bytes it had, where they were read.
        after: SHA-256 of the bytes it has.
    """

    name: str
    norm: float
    before: str = ""
    after: str = ""


@dataclass(frozen=True, slots=True)
class Measured:
    """A share with its interval and the number of trials behind it."""

    value: float
    low: float
    high: float
    n: int


@dataclass(frozen=True, slots=True)
class ExportedEdit:
    """One edit of the snapshot, as its proposer signed it and as it was resolved.

    Args:
        id: Edit id, ``E-0001``.
        request: Canonical request document.
        resolved: Request digest and everything its searches found.
        proposer: Who proposed it.
        key: Proposer's public key, ``None`` for an unsigned proposal.
        signature: SSHSIG over the request digest, or ``None``.
        time: When it was proposed, RFC 3339 UTC.
        parameters: Effective parameters, defaults included.
        certificate: ``{source, residual, drift, condition}`` per concept.
    """

    id: str
    request: Mapping[str, JSON]
    resolved: ResolvedEdit
    proposer: str
    key: str | None
    signature: str | None
    time: str
    parameters: Mapping[str, JSON]
    certificate: tuple[Mapping[str, JSON], ...] = ()

    @property
    def digest(self) -> str:
        """Digest of the request."""
        return digest_of(self.request)


@dataclass(frozen=True, slots=True)
class ExportedResult:
    """One measured number of one edit, against what policy wants.

    Args:
        edit: Edit id.
        metric: ``efficacy``, ``specificity`` ...
        before: On the base model, where it was measured.
        after: On the snapshot.
        limit: Threshold with its operator, or an empty string.
        bound: Which end of the interval it holds for.
        outcome: ``PASS``, ``FAIL`` or ``MISSING``.
        value: What was measured without trials, such as a condition number.
    """

    edit: str
    metric: str
    before: Measured | None
    after: Measured | None
    limit: str = ""
    bound: str = ""
    outcome: str = ""
    value: float | None = None


@dataclass(frozen=True, slots=True)
class ExportedEvidence:
    """A stored evidence document and the images it speaks of.

    Args:
        digest: Digest of the document in the object store.
        images: Digests of PNG files in the object store.
    """

    digest: str
    images: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ExportedPolicy:
    """The policy the sign-offs were given under.

    Args:
        name: Its name.
        version: Its version.
        digest: Digest of its canonical document.
        document: That document.
    """

    name: str
    version: int
    digest: str
    document: Mapping[str, JSON]


@dataclass(frozen=True, slots=True)
class CitedEntry:
    """An entry of the ledger, and the proof that it is among those a checkpoint signs.

    Args:
        entry: The entry.
        proof: Sibling hashes from the leaf up, hex.
    """

    entry: Entry
    proof: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CitedHead:
    """A head somebody signed, and the proof that the ledger only grew since.

    Args:
        head: The head.
        proof: Hashes in the order of RFC 9162, hex.
    """

    head: Head
    proof: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ExportedLog:
    """What the ledger says of a snapshot, with its proofs.

    Args:
        checkpoint: The ledger's head as a signed note.
        key: The key that signed it, ``name+identifier+key``.
        entries: Every entry the record rests on, in their order.
        heads: Every head that is signed in one of them.
        leaves: Leaf hash of every entry, hex; none where the ledger is too long.
        policies: Every policy that was ever in force, canonical JSON.
        suites: Every suite one of them names, canonical JSON.
        files: Text files that requests among the entries refer to.
    """

    checkpoint: str
    key: str
    entries: tuple[CitedEntry, ...]
    heads: tuple[CitedHead, ...] = ()
    leaves: tuple[str, ...] = ()
    policies: tuple[bytes, ...] = ()
    suites: tuple[bytes, ...] = ()
    files: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class ExportInputs:
    """Everything an audited export says.

    Args:
        folder: The base pipeline.
        model: Its registered name.
        source: Repository id and revision, where it came from a hub.
        snapshot: What is exported.
        edits: Exactly the edits the snapshot holds.
        policy: The policy they were approved under.
        origin: Ledger origin.
        head: Ledger head at the time of the export.
        created: That time, RFC 3339 UTC.
        evidence: What the sign-offs name.
        signoffs: Every approval of these edits and, where the snapshot came from a
            revert or an activation, that signed rollback.
        results: Before and after, for the model card.
        allowed_signers: Text of the file, as ``ssh-keygen -Y verify`` reads it.
        log: What the ledger says of it all; no export is written without.
        signer: What signs it; no export is written without.
        licence: What the base model's own card says of its licence, where it does.
    """

    folder: PipelineFolder
    model: str
    source: str | None
    snapshot: Snapshot
    edits: tuple[ExportedEdit, ...]
    policy: ExportedPolicy
    origin: str
    head: Head
    created: str
    evidence: tuple[ExportedEvidence, ...] = ()
    signoffs: tuple[Signed, ...] = ()
    results: tuple[ExportedResult, ...] = ()
    allowed_signers: str = ""
    log: ExportedLog | None = None
    licence: str | None = None
    signer: ModelKey | None = None

    @property
    def standing(self) -> Standing | None:
        """Whether the snapshot was live at the head; ``None`` without a ledger."""
        if self.log is None:
            return None
        entries = (item.entry for item in self.log.entries)
        return standing_of(entries, self.model, self.snapshot.digest)
