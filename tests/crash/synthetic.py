"""A model of two small matrices, edited by arithmetic, exported for real."""

# ruff: noqa: ARG002 - a stand-in takes what the real part takes

import hashlib
import json
import math
import struct
from collections.abc import Sequence
from pathlib import Path

from governance.canonical import digest_of
from governance.domain.events import Document
from governance.domain.request import EditRequest
from governance.domain.snapshot import Snapshot
from governance.domain.state import ModelRecord
from governance.engine.presets import effective
from governance.pipeline.folder import FileRecord, PipelineFolder
from governance.pipeline.layout import WeightSet
from governance.service.facade import ProgressCallback
from governance.service.fields import text, whole
from governance.service.parts.exporter import RealExporter
from governance.service.ports import Inspected, Parts, Place, Planned, Solved
from governance.service.stored import put_document
from governance.service.views import VerifyFinding
from governance.snapshots.spec import spec_of
from tests.service.fakes import FakeChecker, FakeModels, FakeSolver, FakeStatistics

FILE = "diffusion_pytorch_model.safetensors"
NAMES = ("to_k.weight", "to_v.weight")
ROWS = 4


def build_model(root: Path) -> Path:
    """Write a folder with a U-Net of two matrices of 4 by 4 floats."""
    (root / "unet").mkdir(parents=True)
    index = {"_class_name": "StableDiffusionPipeline"}
    (root / "model_index.json").write_text(json.dumps(index), encoding="utf-8")
    size = ROWS * ROWS * 4
    header = {
        name: {
            "dtype": "F32",
            "shape": [ROWS, ROWS],
            "data_offsets": [at * size, (at + 1) * size],
        }
        for at, name in enumerate(NAMES)
    }
    packed = json.dumps(header).encode()
    packed += b" " * (-len(packed) % 8)
    content = struct.pack("<Q", len(packed)) + packed + bytes(size * len(NAMES))
    (root / "unet" / FILE).write_bytes(content)
    return root


def _records(root: Path) -> tuple[FileRecord, ...]:
    return tuple(
        FileRecord(
            path.relative_to(root).as_posix(),
            path.stat().st_size,
            hashlib.sha256(path.read_bytes()).hexdigest(),
        )
        for path in sorted(root.rglob("*"))
        if path.is_file()
    )


class SyntheticModels(FakeModels):
    """Folders that exports can be made of."""

    def inspect(
        self, source: str, revision: str | None, progress: ProgressCallback
    ) -> Inspected:
        root = Path(source).absolute()
        records = _records(root)
        digest = digest_of({record.path: record.sha256 for record in records})
        files: tuple[Document, ...] = tuple(
            {"path": r.path, "size": r.size, "sha256": r.sha256} for r in records
        )
        return Inspected(root, digest, "sd1", files, revision)

    def differences(
        self, model: ModelRecord, progress: ProgressCallback
    ) -> tuple[VerifyFinding, ...]:
        found = {record.path: record for record in _records(Path(model.path))}
        return tuple(
            VerifyFinding(text(f, "path"), "changed")
            for f in model.files
            if found[text(f, "path")].sha256 != f["sha256"]
        )

    def folder(self, model: ModelRecord) -> PipelineFolder:
        files = tuple(
            FileRecord(text(f, "path"), whole(f, "size"), text(f, "sha256"))
            for f in model.files
        )
        weights = (WeightSet("unet", "", (FILE,)),)
        return PipelineFolder(Path(model.path), "sd1", files, weights)


class SyntheticSolver(FakeSolver):
    """Weights that depend on the set of resolved edits, as bytes a file can hold."""

    def parameters(self, request: EditRequest) -> Document:
        return effective(spec_of(request, request.digest, {}))

    def solve(
        self,
        place: Place,
        model: ModelRecord,
        edits: Sequence[Planned],
        progress: ProgressCallback,
    ) -> Solved:
        digests = sorted(item.resolved.digest for item in edits)
        tensors, norms = {}, {}
        for name in NAMES if digests else ():
            seed = hashlib.sha512(f"{model.digest} {name} {digests}".encode()).digest()
            numbers = [byte / 256 for byte in seed[: ROWS * ROWS]]
            content = struct.pack(f"<{ROWS * ROWS}f", *numbers)
            tensors[f"unet/{FILE}:{name}"] = place.store.put_bytes(content)
            # The base is zeros.
            norms[f"unet/{FILE}:{name}"] = math.hypot(*numbers)
        snapshot = Snapshot(model.digest, tuple(digests), tensors)
        put_document(place.store, snapshot.document())
        certificate: tuple[Document, ...] = tuple(
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
        )
        sites: tuple[Document, ...] = tuple(
            {"name": name, "norm": norm} for name, norm in norms.items()
        )
        return Solved(snapshot, certificate, sites, (), {"solve": 0.1})


def synthetic_parts() -> Parts:
    return Parts(
        SyntheticModels(),
        SyntheticSolver(),
        FakeChecker(),
        RealExporter(),
        FakeStatistics(),
    )
