"""A tiny base, a snapshot of it, and an export of that, made once."""

import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from governance.canonical import JSON, canonical_bytes
from governance.domain.signoff import Head
from governance.domain.snapshot import Snapshot
from governance.ledger.store import ObjectStore
from governance.pipeline.folder import PipelineFolder, open_pipeline
from governance.pipeline.weights import PipelineWeights
from governance.snapshots.compose import write_snapshot
from governance.snapshots.difference import diff
from governance.snapshots.export import export_diffusers
from governance.snapshots.inputs import (
    ExportedEdit,
    ExportedEvidence,
    ExportedResult,
    ExportInputs,
    Measured,
)
from tests.pipeline.tiny import build
from tests.snapshots.logs import MEASURED, SOLVED, SUITE, logged
from tests.snapshots.people import (
    ADA,
    BOB,
    ORIGIN,
    TIME,
    approval,
    edit,
    policy,
    request,
    signers,
)


def moved(folder: PipelineFolder, amount: float = 1.0) -> dict[str, Tensor]:
    """Every editable tensor of a pipeline, moved at random in its own dtype."""
    weights = PipelineWeights(folder)
    generator = torch.Generator().manual_seed(7)
    found = {}
    for site in weights.sites:
        old = weights.read(site)
        noise = torch.randn(old.shape, generator=generator, dtype=torch.float64)
        found[site.key] = (old.double() + amount * noise).to(old.dtype)
    return found


def evidence_document(
    snapshot: Snapshot, edits: tuple[ExportedEdit, ...], picture: str
) -> dict[str, JSON]:
    """What a check of these edits wrote down."""
    shot: dict[str, JSON] = {
        "prompt": "a painting by kora",
        "seed": 7,
        "base": picture,
        "live": None,
    }
    base = {"value": 0.02, "low": 0.0, "high": 0.1, "n": 64}
    return {
        "format": "governance/evidence/v1",
        "model": snapshot.base,
        "edits": {one.id: one.digest for one in edits},
        "base": Snapshot(snapshot.base, (), {}).digest,
        "live": Snapshot(snapshot.base, (), {}).digest,
        "candidate": snapshot.digest,
        "suite": SUITE.digest,
        "metrics": {
            one.id: [
                {
                    "name": name,
                    "value": value,
                    "low": low,
                    "high": high,
                    "n": n,
                    "target": None,
                }
                for name, value, low, high, n, _, _ in MEASURED
            ]
            for one in edits
        },
        "images": [{**shot, "edit": one.id, "candidate": picture} for one in edits],
        "sheets": [],
        "details": {"before": {one.id: {"efficacy": {"base": base}} for one in edits}},
    }


def evidence_for(
    store: ObjectStore, snapshot: Snapshot, edits: tuple[ExportedEdit, ...]
) -> ExportedEvidence:
    """The same, stored, with a picture."""
    picture = store.put_bytes(b"\x89PNG tiny")
    document = evidence_document(snapshot, edits, picture)
    return ExportedEvidence(store.put_bytes(canonical_bytes(document)), (picture,))


def measured(edits: tuple[ExportedEdit, ...]) -> tuple[ExportedResult, ...]:
    """The same, as an export states it."""
    return tuple(
        ExportedResult(
            edit=one.id,
            metric=name,
            before=Measured(0.02, 0.0, 0.1, 64) if name == "efficacy" else None,
            after=Measured(value, low or 0, high or 0, n) if n else None,
            limit=limit,
            bound=bound,
            outcome="PASS",
            value=value,
        )
        for one in edits
        for name, value, low, high, n, limit, bound in MEASURED
    )


def inputs_for(
    folder: PipelineFolder,
    store: ObjectStore,
    edits: tuple[ExportedEdit, ...],
    tensors: Mapping[str, Tensor],
) -> ExportInputs:
    """Everything an export says, approved by Bob, with the ledger that says it."""
    resolved = [one.resolved.digest for one in edits]
    snapshot = write_snapshot(store, folder.digest, resolved, tensors)
    base = Snapshot(folder.digest, (), {})
    SOLVED[snapshot.digest] = [
        {"name": norm.name, "norm": norm.norm}
        for norm in diff(store, folder, base, snapshot).tensors
    ]
    inputs = ExportInputs(
        folder=folder,
        model="miniature",
        source=None,
        snapshot=snapshot,
        edits=edits,
        policy=policy(),
        origin=ORIGIN,
        head=Head(0, "0" * 64),
        created=TIME,
        evidence=(evidence_for(store, snapshot, edits),) if edits else (),
        results=measured(edits),
        allowed_signers=signers(ADA, BOB),
    )
    if not edits:
        return logged(inputs)
    return logged(replace(inputs, signoffs=(approval(inputs, BOB),)))


@pytest.fixture(scope="session")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("base") / "tiny")


@pytest.fixture(scope="session")
def folder(base: Path) -> PipelineFolder:
    return open_pipeline(base)


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> ObjectStore:
    return ObjectStore(tmp_path_factory.mktemp("store") / "objects")


@pytest.fixture(scope="session")
def inputs(folder: PipelineFolder, store: ObjectStore) -> ExportInputs:
    return inputs_for(folder, store, (edit(request()),), moved(folder))


@pytest.fixture(scope="session")
def snapshot(inputs: ExportInputs) -> Snapshot:
    return inputs.snapshot


@pytest.fixture(scope="session")
def pristine(
    inputs: ExportInputs, store: ObjectStore, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """An export nobody may touch."""
    target = tmp_path_factory.mktemp("export") / "out"
    return export_diffusers(inputs, store, target).path


@pytest.fixture
def export(pristine: Path, tmp_path: Path) -> Path:
    """A copy of the export to tamper with."""
    return Path(shutil.copytree(pristine, tmp_path / "copy", symlinks=True))
