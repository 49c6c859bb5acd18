"""The engine alone: edits and a model folder in, a new folder out; no ledger."""

import resource
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from governance.canonical import JSON, sha256_hex
from governance.domain.snapshot import Snapshot
from governance.engine.apply import Edited
from governance.engine.compose import Precision
from governance.engine.edit import EditSpec
from governance.engine.joint import Solution, solve_jointly
from governance.errors import RequestError
from governance.pipeline.base import Covariances, PipelineBase
from governance.pipeline.device import algebra_device
from governance.pipeline.export import fill_folder
from governance.pipeline.folder import PipelineFolder, open_pipeline
from governance.pipeline.tensors import tensor_bytes
from governance.snapshots.adapters import Adapter, build_adapter, check_adapters
from governance.snapshots.delta import (
    Delta,
    build_delta,
    delta_document,
    write_document,
)
from governance.snapshots.factors import loaded_factors
from governance.snapshots.forms import ADAPTER, DELTA, TABLE, Keys, Kind
from governance.snapshots.staging import Disk, staged
from governance.snapshots.tensor_file import write_tensors

Told: TypeAlias = Callable[[str, int, int], None]


@dataclass(frozen=True)
class SolveReport:
    """What a solve did, in numbers.

    Args:
        output: The folder that was written.
        digest: Snapshot digest of the result.
        edited: New weights, norms and certificates.
        seconds: Time by step.
        peak_mib: Largest resident memory of the process.
        written: What was written, in words; empty for a whole pipeline.
    """

    output: Path
    digest: str
    edited: Edited
    seconds: Mapping[str, float]
    peak_mib: float
    written: str = ""

    def as_json(self) -> dict[str, JSON]:
        """Return the document of ``governance solve --json``."""
        return {
            "output": str(self.output),
            "digest": self.digest,
            "sites": [
                {"name": site.key, "norm": site.norm} for site in self.edited.sites
            ],
            "certificate": certificate_json(self.edited),
            "drift": self.edited.drift,
            "warnings": list(self.edited.warnings),
            "seconds": dict(self.seconds),
            "peak_mib": self.peak_mib,
            "written": self.written,
        }


def solve(
    model: Path | PipelineFolder,
    specs: Sequence[EditSpec],
    output: Path,
    *,
    fmt: Kind = "delta",
    keys: Keys = "kohya",
    precision: Precision = "mixed",
    cache: Path | None = None,
    device: str = "cpu",
    statistics: Covariances | None = None,
    on_progress: Told | None = None,
) -> SolveReport:
    """Edit a model folder without a workspace.

    Args:
        model: A diffusers pipeline folder, opened or not; nothing is written into it.
        specs: What to edit; a debias needs its alphas.
        output: The folder to make; must not exist.
        fmt: ``delta`` writes factors in float64, ``diffusers`` a whole pipeline,
            ``lora`` an adapter in float32.
        keys: How an adapter names its tensors.
        precision: ``float64`` runs the text encoder in float64 too.
        cache: Folder to keep encodings in; None keeps none.
        device: Where to compute.
        statistics: Finds key covariances, for edits of text encoders.
        on_progress: Called with a step's name, what is done and what there is in
            all; it may raise to stop, and nothing is left behind.

    Returns:
        What was done.

    Raises:
        RequestError: An edit is not valid for this model, or needs a search.
        PipelineError: The model cannot be edited.
        EngineError: The system is ill-conditioned.
        UsageError: The output exists already or cannot be written.
    """
    _refuse_searches(specs)
    folder = model
    if not isinstance(folder, PipelineFolder):
        folder = open_pipeline(folder, on_progress=_told(on_progress, "read"))
    if fmt == "lora":
        check_adapters(folder.family)
    output = output.absolute()
    with staged(output, Disk()) as place:
        start = time.perf_counter()
        base = PipelineBase(
            folder,
            dtype="float64" if precision == "float64" else "float32",
            cache=cache,
            device=device,
            statistics=statistics,
        )
        solution = solve_jointly(
            specs,
            base,
            precision=precision,
            device=algebra_device(device),
            on_progress=_told(on_progress, "solve"),
        )
        edited = solution.edited
        solved = time.perf_counter()
        digest = snapshot_digest(folder, specs, edited)
        said = ""
        if fmt == "diffusers":
            fill_folder(folder, place, edited.tensors, _told(on_progress, "write"))
        else:
            made = _factored(folder, solution, fmt, keys)
            said = made.words
            _told(on_progress, f"write {said}")(0, 1)
            _write(place, folder, solution, specs, made)
        written = time.perf_counter()
    seconds = {
        "encode": base.seconds,
        "solve": solved - start - base.seconds,
        "write": written - solved,
    }
    return SolveReport(output, digest, edited, seconds, peak_mib(), said)


def _told(on_progress: Told | None, step: str) -> Callable[[int, int], None]:
    def told(done: int, total: int) -> None:
        if on_progress is not None:
            on_progress(step, done, total)

    return told


def _refuse_searches(specs: Sequence[EditSpec]) -> None:
    for number, spec in enumerate(specs):
        if spec.action == "debias" and spec.alphas is None:
            raise RequestError(
                f"request {number + 1}: spec.attributes is wrong: expected alpha for "
                "every attribute, since solve draws no images to search it, found none",
                "Give alpha, or apply the edit in a workspace.",
                field="spec.attributes.alpha",
            )


def certificate_json(edited: Edited) -> list[JSON]:
    """Return every concept's certificate as JSON objects."""
    return [row for one in edited.certificates for row in one.as_json()]


def snapshot_digest(
    folder: PipelineFolder, specs: Sequence[EditSpec], edited: Edited
) -> str:
    """Return the digest of a base with a set of edits and its rounded tensors.

    Args:
        folder: The base.
        specs: The resolved edits.
        edited: Their outcome.
    """
    tensors = {
        key: sha256_hex(tensor_bytes(tensor)) for key, tensor in edited.tensors.items()
    }
    edits = tuple(sorted(spec.digest for spec in specs))
    return Snapshot(folder.digest, edits, tensors).digest


def _factored(
    folder: PipelineFolder, solution: Solution, fmt: Kind, keys: Keys
) -> Adapter | Delta:
    factors = loaded_factors(folder, solution.factors())
    if fmt == "lora":
        return build_adapter(folder.family, factors, keys)
    return build_delta(factors)


def _write(
    place: Path,
    folder: PipelineFolder,
    solution: Solution,
    specs: Sequence[EditSpec],
    made: Adapter | Delta,
) -> None:
    """Write factors of every change and, for a delta, what they are."""
    disk, name = Disk(), ADAPTER if isinstance(made, Adapter) else DELTA
    with disk.create(place / name) as file:
        write_tensors(file, disk, made.tensors)
    if isinstance(made, Adapter):
        return
    edited = solution.edited
    document = delta_document(
        made,
        base=folder.digest,
        requests=sorted(spec.digest for spec in specs),
        sites=[{"name": s.key, "norm": s.norm} for s in edited.sites],
        certificate=certificate_json(edited),
        warnings=list(edited.warnings),
    )
    with disk.create(place / TABLE) as file:
        write_document(file, disk, document)


def peak_mib() -> float:
    """Return the largest resident memory this process has had, in MiB."""
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return used / (1 << 20 if sys.platform == "darwin" else 1 << 10)
