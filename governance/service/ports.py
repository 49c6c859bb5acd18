"""What the service needs of models, the engine, checks and exports.

Real parts load tensor libraries inside their methods; tests bring light ones.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from governance.documents.suite import Suite
from governance.domain.events import Document
from governance.domain.request import EditRequest
from governance.domain.snapshot import ResolvedEdit, Snapshot
from governance.domain.state import ModelRecord
from governance.engine.protocols import Reading
from governance.ledger.store import ObjectStore
from governance.pipeline.folder import PipelineFolder
from governance.policy.evidence import Metric
from governance.service.facade import ProgressCallback
from governance.service.statistics_port import Statistics
from governance.service.views import SiteNorm, VerifyFinding
from governance.snapshots.forms import Form
from governance.snapshots.inputs import ExportInputs


class Vocabulary(Protocol):
    """The words a model can read."""

    def unknown_words(self, texts: Iterable[str]) -> tuple[str, ...]:
        """List what the model can only spell with unknown tokens."""

    def too_long(self, texts: Iterable[str]) -> tuple[str, ...]:
        """List texts with more tokens than the model reads."""

    def readings(self, text: str) -> Sequence[Reading]:
        """Split a text into tokens once for each of the model's streams."""


@dataclass(frozen=True, slots=True)
class Inspected:
    """What a pipeline folder is, every file hashed.

    Args:
        path: Absolute folder.
        digest: Model digest.
        family: ``sd1``, ``sd2``, ``sdxl`` ...
        files: ``{path, size, sha256}`` each.
        source: Repository and revision, where it came from a hub.
    """

    path: Path
    digest: str
    family: str
    files: tuple[Document, ...]
    source: str | None


class Models(Protocol):
    """Pipeline folders."""

    def inspect(
        self, source: str, revision: str | None, progress: ProgressCallback
    ) -> Inspected:
        """Hash a folder, or fetch a repository and hash that."""

    def differences(
        self, model: ModelRecord, progress: ProgressCallback
    ) -> tuple[VerifyFinding, ...]:
        """Compare a registered folder with what was recorded."""

    def vocabulary(self, model: ModelRecord) -> Vocabulary:
        """Open a model's tokenizers."""

    def folder(self, model: ModelRecord) -> PipelineFolder:
        """Open a registered folder with its recorded digests."""


@dataclass(frozen=True, slots=True)
class Planned:
    """One edit with everything that was found for it.

    Args:
        id: Edit id.
        request: What was asked for.
        resolved: Its resolution.
    """

    id: str
    request: EditRequest
    resolved: ResolvedEdit


@dataclass(frozen=True, slots=True)
class Place:
    """Where a part reads and writes, besides the ledger.

    Args:
        store: Objects by digest.
        images: Cache of drawn images.
        encodings: Cache of encoded prompts.
        device: ``auto``, ``cpu``, ``cuda`` ...
    """

    store: ObjectStore
    images: Path
    encodings: Path
    device: str

    @property
    def stage_one(self) -> Path:
        """Finished concepts of stage one; a cache that may be deleted."""
        return self.encodings.parent / "stage_one"


@dataclass(frozen=True, slots=True)
class Solved:
    """Edits solved jointly from the untouched base, stored.

    Args:
        snapshot: The snapshot, its tensors and document durable.
        certificate: ``{edit, source, residual, drift, condition, note}`` per concept.
        sites: ``{name, norm}`` per edited weight.
        warnings: What a reviewer should know.
        seconds: Seconds per step.
    """

    snapshot: Snapshot
    certificate: tuple[Document, ...]
    sites: tuple[Document, ...]
    warnings: tuple[str, ...]
    seconds: Mapping[str, float]


class Solver(Protocol):
    """The engine on a registered model."""

    def validate(self, request: EditRequest) -> None:
        """Refuse parameters, or an action, the method does not have."""

    def parameters(self, request: EditRequest) -> Document:
        """Return the parameters with the published defaults filled in."""

    def resolve(
        self,
        place: Place,
        model: ModelRecord,
        request: EditRequest,
        dropped: Sequence[str],
        live: Sequence[Planned],
        progress: ProgressCallback,
        statistics: str | None = None,
    ) -> ResolvedEdit:
        """Run an edit's searches, once, on top of the live edits.

        Args:
            place: Where to read and write.
            model: The registered model.
            request: The edit.
            dropped: Preserved texts the policy leaves out.
            live: Live edits of this moment.
            progress: Told about every round.
            statistics: Digest of the key covariances it is solved against, if any.
        """

    def solve(
        self,
        place: Place,
        model: ModelRecord,
        edits: Sequence[Planned],
        progress: ProgressCallback,
    ) -> Solved:
        """Solve a set of resolved edits from the base; a function of the set."""


@dataclass(frozen=True, slots=True)
class Subject:
    """What is measured: new edits beside live ones, on three snapshots.

    Args:
        model: The registered model.
        edits: Edits that are measured.
        others: Other edits the candidate holds.
        live: Snapshot that was live when the candidate was solved.
        candidate: Snapshot under test.
        certificate: The candidate's certificate.
        suite: What is measured, and how often.
    """

    model: ModelRecord
    edits: tuple[Planned, ...]
    others: tuple[Planned, ...]
    live: Snapshot
    candidate: Snapshot
    certificate: tuple[Document, ...]
    suite: Suite


@dataclass(frozen=True, slots=True)
class Shot:
    """One prompt and seed drawn on three snapshots; PNG digests in the store."""

    edit: str
    prompt: str
    seed: int
    base: str | None
    live: str | None
    candidate: str


@dataclass(frozen=True, slots=True)
class Measurement:
    """What a suite found.

    Args:
        metrics: Edit id to its metrics on the candidate.
        shots: Images, stored.
        sheets: Digests of contact sheets, stored.
        details: Whatever else evidence holds: judge, seeds, before, blast radius.
        seconds: Seconds per step.
    """

    metrics: Mapping[str, tuple[Metric, ...]]
    shots: tuple[Shot, ...]
    sheets: tuple[str, ...]
    details: Document
    seconds: Mapping[str, float]


class Checker(Protocol):
    """Evidence."""

    def check(
        self, place: Place, subject: Subject, progress: ProgressCallback
    ) -> Measurement:
        """Run a suite on base, live and candidate."""

    def preview(
        self,
        place: Place,
        model: ModelRecord,
        before: Snapshot,
        after: Snapshot,
        prompt: str,
        seeds: Sequence[int],
        progress: ProgressCallback,
    ) -> tuple[tuple[bytes, bytes], ...]:
        """Draw a prompt's seeds on two snapshots; PNG bytes before and after."""

    def measure(
        self,
        place: Place,
        subject: Subject,
        seeds: int | None,
        progress: ProgressCallback,
    ) -> tuple[Document, ...]:
        """Measure edits on base and on the candidate with fresh seeds.

        Returns:
            ``{id, efficacy, generality, specificity, ratios}`` each.
        """


@dataclass(frozen=True, slots=True)
class Exported:
    """What an export wrote.

    Args:
        path: Absolute folder.
        digest: Snapshot digest.
        files: ``{path, size, sha256}`` each.
    """

    path: Path
    digest: str
    files: tuple[Document, ...]


class Exporter(Protocol):
    """Audited exports."""

    def export(
        self,
        place: Place,
        inputs: ExportInputs,
        target: Path,
        outside: Sequence[Path],
        progress: ProgressCallback,
        form: Form | None = None,
        edits: Sequence[Planned] = (),
    ) -> Exported:
        """Write a folder that stock diffusers loads, or nothing at all.

        Args:
            place: Where to read.
            inputs: Everything the export says.
            target: A new folder.
            outside: Folders it must not lie in.
            progress: Told about every step.
            form: What to write; a whole pipeline, as it was signed, where omitted.
            edits: The snapshot's edits, for a form that needs them solved again.
        """

    def norms(
        self, place: Place, folder: PipelineFolder, first: Snapshot, second: Snapshot
    ) -> tuple[SiteNorm, ...]:
        """Return how far each tensor that differs moves between two snapshots."""


@dataclass(frozen=True, slots=True)
class Parts:
    """Everything heavy, behind protocols.

    Args:
        models: Pipeline folders.
        solver: The engine.
        checker: The checks.
        exporter: Audited exports.
        statistics: Key covariances.
    """

    models: Models
    solver: Solver
    checker: Checker
    exporter: Exporter
    statistics: Statistics
