"""Light stand-ins for models, engine, checks and exports, as deterministic as those."""

# ruff: noqa: ARG002 - a stand-in takes what the real part takes

import hashlib
import os
import signal
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from governance.canonical import digest_of
from governance.checks.seeds import seeds_for
from governance.domain.events import Document
from governance.domain.request import EditRequest
from governance.domain.snapshot import ResolvedEdit, Snapshot
from governance.domain.state import ModelRecord
from governance.engine.protocols import Reading
from governance.errors import NotFoundError, RequestError
from governance.ledger.store import ObjectStore
from governance.pipeline.folder import FileRecord, PipelineFolder
from governance.policy.evidence import Metric
from governance.service.facade import Progress, ProgressCallback
from governance.service.fields import text, whole
from governance.service.ports import (
    Exported,
    Inspected,
    Measurement,
    Parts,
    Place,
    Planned,
    Shot,
    Solved,
    Subject,
    Vocabulary,
)
from governance.service.statistics_port import Stored
from governance.service.stored import put_document
from governance.service.views import SiteNorm, VerifyFinding
from governance.snapshots.forms import Form
from governance.snapshots.inputs import ExportInputs

KNOWN = frozenset(
    [
        "a",
        "an",
        "the",
        "photo",
        "of",
        "painting",
        "by",
        "kora",
        "lume",
        "mondo",
        "art",
        "rose",
        "blue",
        "red",
        "lemon",
        "doctor",
        "child",
        "female",
        "male",
    ]
)


class FakeVocabulary:
    def unknown_words(self, texts: Iterable[str]) -> tuple[str, ...]:
        words = (word for text in texts for word in text.split())
        return tuple(word for word in words if word.lower() not in KNOWN)

    def too_long(self, texts: Iterable[str]) -> tuple[str, ...]:
        return tuple(text for text in texts if len(text.split()) > 11)

    def readings(self, text: str) -> Sequence[Reading]:
        del text  # it reads nothing, so there is nothing to align
        return ()


class FakeModels:
    """Folders of plain files; every file counts."""

    def inspect(
        self, source: str, revision: str | None, progress: ProgressCallback
    ) -> Inspected:
        root = Path(source)
        if not root.is_dir():
            raise NotFoundError(f"model folder {root} does not exist")
        files = tuple(_file(root, path) for path in sorted(root.iterdir()))
        digest = digest_of({text(f, "path"): text(f, "sha256") for f in files})
        progress(Progress("hash", 1, 1))
        return Inspected(root.absolute(), digest, "sd1", files, revision)

    def differences(
        self, model: ModelRecord, progress: ProgressCallback
    ) -> tuple[VerifyFinding, ...]:
        root = Path(model.path)
        return tuple(
            VerifyFinding(text(f, "path"), "changed")
            for f in model.files
            if _file(root, root / text(f, "path")) != f
        )

    def vocabulary(self, model: ModelRecord) -> Vocabulary:
        return FakeVocabulary()

    def folder(self, model: ModelRecord) -> PipelineFolder:
        files = tuple(
            FileRecord(text(f, "path"), whole(f, "size"), text(f, "sha256"))
            for f in model.files
        )
        return PipelineFolder(Path(model.path), "sd1", files, ())


def _file(root: Path, path: Path) -> Document:
    content = path.read_bytes()
    return {
        "path": path.relative_to(root).as_posix(),
        "size": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
    }


@dataclass
class FakeSolver:
    """Weights that depend on the set of resolved edits and on nothing else."""

    interrupt_after: int | None = None
    terminate: bool = False
    resolutions: int = 0
    rounding: str = ""
    """What this device's last bits add to every tensor."""

    def validate(self, request: EditRequest) -> None:
        strength = request.parameters.get("lambda", 0.5)
        if not isinstance(strength, int | float) or strength <= 0:
            raise RequestError(
                f"spec.parameters.lambda: expected a number above 0, found {strength}",
                field="spec.parameters.lambda",
            )

    def parameters(self, request: EditRequest) -> Document:
        return {"lambda": 0.5, **request.parameters}

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
        self.resolutions += 1
        return ResolvedEdit(request.digest, {"dropped": list(dropped)})

    def solve(
        self,
        place: Place,
        model: ModelRecord,
        edits: Sequence[Planned],
        progress: ProgressCallback,
    ) -> Solved:
        digests = sorted(item.resolved.digest for item in edits)
        tensors = {}
        for number in range(2 if digests else 0):
            progress(Progress("solve", number, 2))
            if self.terminate:
                os.kill(os.getpid(), signal.SIGTERM)
            if self.interrupt_after == number:
                raise KeyboardInterrupt
            content = f"{model.digest} {number} {digests}{self.rounding}".encode()
            tensors[f"unet/file:to_k.{number}"] = place.store.put_bytes(content)
        snapshot = Snapshot(model.digest, tuple(digests), tensors)
        put_document(place.store, snapshot.document())
        return Solved(
            snapshot=snapshot,
            certificate=tuple(
                {
                    "edit": item.id,
                    "source": concept.source,
                    "residual": 0.01,
                    "drift": 0.02,
                    "condition": 10.0,
                    "note": "",
                }
                for item in edits
                for concept in item.request.concepts
            ),
            sites=tuple({"name": name, "norm": 1.0} for name in tensors),
            warnings=(),
            seconds={"encode": 0.1, "solve": 0.2, "write": 0.3},
        )


@dataclass
class FakeChecker:
    """Says of an edit what its title asks for: `careless` ones break the rest."""

    interrupt: bool = False
    silent: bool = False
    own_seed: int | None = None

    def seed(self, subject: Subject, prompt: str) -> int:
        suite = subject.suite.digest
        derived = seeds_for(subject.candidate.digest, suite, prompt, 1)[0]
        return derived if self.own_seed is None else self.own_seed

    def check(
        self, place: Place, subject: Subject, progress: ProgressCallback
    ) -> Measurement:
        progress(Progress("draw", 0, 1))
        if self.interrupt:
            raise KeyboardInterrupt
        image = place.store.put_bytes(f"PNG {subject.candidate.digest}".encode())
        return Measurement(
            metrics={item.id: self._metrics(item) for item in subject.edits},
            shots=tuple(
                Shot(
                    *(item.id, item.request.concepts[0].source),
                    self.seed(subject, item.request.concepts[0].source),
                    *(image, image, image),
                )
                for item in subject.edits
            ),
            sheets=(image,),
            details={
                "judge": "fake",
                "silent": [f"{i.id} efficacy: not calibrated" for i in subject.edits],
            },
            seconds={"draw": 1.0},
        )

    def _metrics(self, item: Planned) -> tuple[Metric, ...]:
        if self.silent:
            return ()
        kept = 0.2 if "careless" in item.request.title.lower() else 0.95
        return (
            Metric("efficacy", 0.95, 0.9, 0.99, 48),
            Metric("generality", 0.9, 0.8, 0.95, 72),
            Metric("specificity", kept, kept - 0.1, kept + 0.04, 140),
            Metric("interference", 0.0),
            Metric("condition", 10.0),
        )

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
        return tuple(
            (before.digest.encode(), f"{after.digest} {prompt} {seed}".encode())
            for seed in seeds
        )

    def measure(
        self,
        place: Place,
        subject: Subject,
        seeds: int | None,
        progress: ProgressCallback,
    ) -> tuple[Document, ...]:
        held = {item.resolved.digest for item in subject.edits} & set(
            subject.candidate.edits
        )
        share = {"value": 1.0, "low": 0.9, "high": 1.0, "n": seeds or 8}
        return tuple(
            {
                "id": item.id,
                "efficacy": {
                    "before": {**share, "value": 0.0},
                    "after": {**share, "value": float(item.resolved.digest in held)},
                },
                "generality": {"before": share, "after": share},
                "specificity": {"before": share, "after": share},
                "ratios": None,
            }
            for item in subject.edits
        )


class FakeExporter:
    """Writes what it was told into one file."""

    def __init__(self) -> None:
        self.inputs: list[ExportInputs] = []
        self.forms: list[Form | None] = []

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
        self.inputs.append(inputs)
        self.forms.append(form)
        target.mkdir()
        return Exported(target, inputs.snapshot.digest, ())

    def norms(
        self, place: Place, folder: PipelineFolder, first: Snapshot, second: Snapshot
    ) -> tuple[SiteNorm, ...]:
        names = sorted({**first.tensors, **second.tensors})
        return tuple(
            SiteNorm(name, 1.0)
            for name in names
            if first.tensors.get(name) != second.tensors.get(name)
        )


class FakeStatistics:
    """One text encoder everywhere; nothing is shipped for it."""

    def encoders(self, model: ModelRecord) -> Mapping[str, str]:
        return {"text_encoder": "e" * 64}

    def compute(
        self,
        store: ObjectStore,
        device: str,
        model: ModelRecord,
        captions: Path,
        tokens: int,
        progress: ProgressCallback,
    ) -> Stored:
        content = captions.read_bytes()
        digest = store.put_bytes(content)
        about = {"tokens": tokens}
        return Stored(digest, len(content), self.encoders(model), about)

    def adopt(self, store: ObjectStore, model: ModelRecord, path: Path) -> Stored:
        digest = store.put_file(path)
        return Stored(digest, store.size(digest), self.encoders(model), {})

    def shipped(self, store: ObjectStore, model: ModelRecord) -> Stored | None:
        return None

    def check_values(
        self, model: ModelRecord, request: EditRequest, content: bytes
    ) -> None:
        if content == b"broken":
            raise RequestError("spec.values: broken", field="spec.values")


class FakeClock:
    """A second passes at every look."""

    def __init__(self) -> None:
        self.moment = datetime(2026, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        self.moment += timedelta(seconds=1)
        return self.moment


def fake_parts() -> Parts:
    return Parts(
        FakeModels(), FakeSolver(), FakeChecker(), FakeExporter(), FakeStatistics()
    )
