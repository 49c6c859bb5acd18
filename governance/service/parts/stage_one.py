"""Stage one of ReFACT and EMCID on a model folder, kept concept by concept.

Loads tensor libraries; imported when an edit needs it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias, TypeVar

import torch
import transformers
from safetensors.torch import save
from torch import Tensor

from governance.canonical import JSON, digest_of
from governance.engine.edit import Concept, EditSpec
from governance.engine.presets import effective
from governance.engine.stage_one.batches import in_batches
from governance.engine.stage_one.emcid import EmcidValues, emcid_values
from governance.engine.stage_one.refact import refact_values
from governance.engine.stage_one.scenes import EmcidTarget
from governance.engine.text.values import value_name
from governance.engine.text_presets import (
    emcid_parameters,
    refact_layer,
    refact_parameters,
)
from governance.pipeline.folder import PipelineFolder
from governance.pipeline.stage_one_noise import PipelineNoise
from governance.pipeline.stage_one_text import PipelineTail, open_tails
from governance.service.parts.kept_concepts import Found, KeptConcepts

FORMAT = "stage-one/v2"
Told: TypeAlias = Callable[[str, int, int], None]
T = TypeVar("T")


@dataclass(frozen=True)
class Workshop:
    """Where stage one runs.

    Args:
        folder: The untouched model.
        device: Where to compute.
        cache: Folder that keeps finished concepts; None keeps none.
        image: Reads a destination image by digest.
        batch: Concepts optimised at once, at first; one on a CPU, whose cores a
            single concept fills, and eight elsewhere, where omitted.
        company: Whether a kept concept is known by those it was optimised with, too.
            The last bits depend on them, so what is recorded needs it: a run that was
            stopped and goes on finds the very bits of one that was not.
    """

    folder: PipelineFolder
    device: str
    cache: Path | None
    image: Callable[[str], bytes]
    batch: int | None = None
    company: bool = True

    @property
    def size(self) -> int:
        """Return how many concepts are optimised at once, at first."""
        if self.batch is not None:
            return self.batch
        return 1 if self.device == "cpu" else 8


@dataclass(frozen=True)
class Leanings:
    """Where a debiased concept's state is, and where each attribute would put it.

    Args:
        base: Unedited states [n_concepts, d_model], by name of the values.
        wanted: States by attribute [n_concepts, n_attributes, d_model], by name.
    """

    base: Found
    wanted: Found

    def values(self, factors: Sequence[Sequence[float]]) -> dict[str, Tensor]:
        """Return z = h0 + sum_j f_j (z_j - h0) as stage-one values.

        EMCID, arXiv:2403.13807, appendix: a debias weighs attributes by factors.

        Args:
            factors: f by concept and attribute.
        """
        weights = torch.tensor(factors, dtype=torch.float64)[:, :, None]
        return {
            name: base + (weights * (self.wanted[name] - base[:, None])).sum(dim=1)
            for name, base in self.base.items()
        }


def stage_one(spec: EditSpec, at: Workshop, told: Told) -> dict[str, Tensor]:
    """Compute an edit's stage-one values, or find them finished.

    Args:
        spec: A ReFACT or EMCID edit that is no debias.
        at: Where it runs.
        told: Told about steps and concepts; it may raise to stop, and what is
            finished by then is kept.

    Returns:
        Values by name, each [n_concepts, d_model], float64.

    Raises:
        RequestError: A prompt is too long, or an image cannot be read.
        PipelineError: The architecture has no such stage one.
        EngineError: A loss is not finite.
    """
    if spec.method == "emcid":
        targets = [_target(concept, at) for concept in spec.concepts]
        return dict(_emcid(spec, targets, at, told)[1])
    parameters = refact_parameters(spec)
    found = {}
    for tail in open_tails(at.folder, at.device):
        layer = refact_layer(parameters, tail.depth)
        name = value_name(spec.method, tail.component, layer)
        found[name] = _refact(spec, tail, at, told)
    return found


def leanings(spec: EditSpec, at: Workshop, told: Told) -> Leanings:
    """Compute where each attribute would put each concept of an EMCID debias.

    Args:
        spec: The edit.
        at: Where it runs.
        told: See :func:`stage_one`.
    """
    targets = [
        EmcidTarget(concept, attribute.prompt.replace("{}", concept.phrase).strip())
        for concept in spec.concepts
        for attribute in spec.attributes
    ]
    base, wanted = _emcid(spec, targets, at, told)
    count = len(spec.attributes)
    return Leanings(
        {name: states[::count].clone() for name, states in base.items()},
        {n: own.reshape(-1, count, own.shape[1]) for n, own in wanted.items()},
    )


def _target(concept: Concept, at: Workshop) -> EmcidTarget:
    images = tuple(at.image(digest) for digest in concept.images)
    return EmcidTarget(concept, (concept.destination or "").strip(), images)


def _refact(spec: EditSpec, tail: PipelineTail, at: Workshop, told: Told) -> Tensor:
    parameters = refact_parameters(spec)

    def run(some: Sequence[Concept]) -> list[Found]:
        rows = refact_values(tail, some, parameters, _steps(told, "refact"))
        return [{"wanted": row} for row in rows]

    def key(concept: Concept) -> str:
        seen: list[JSON] = [concept.phrase, concept.source, concept.destination or ""]
        return _key(spec, at, tail.component, seen)

    found = _kept(spec.concepts, key, run, at, told)
    return torch.stack([one["wanted"] for one in found])


def _emcid(
    spec: EditSpec, targets: Sequence[EmcidTarget], at: Workshop, told: Told
) -> tuple[Found, Found]:
    """Return base and wanted states by name of the values."""
    parameters = emcid_parameters(spec)
    tails = open_tails(at.folder, at.device)
    names = [value_name(spec.method, tail.component, 0) for tail in tails]
    opened: list[PipelineNoise] = []

    def run(some: Sequence[EmcidTarget]) -> list[Found]:
        if not opened:
            opened.append(PipelineNoise(at.folder, device=at.device))
        result = emcid_values(tails, opened[0], some, parameters, _steps(told, "emcid"))
        return [_row(names, result, place) for place in range(len(some))]

    def key(target: EmcidTarget) -> str:
        seen: list[JSON] = [target.concept.phrase, target.destination]
        component = "+".join(tail.component for tail in tails)
        return _key(spec, at, component, [*seen, *target.concept.images])

    found = _kept(targets, key, run, at, told)
    base, wanted = (
        {name: torch.stack([one[f"{kind}.{name}"] for one in found]) for name in names}
        for kind in ("base", "wanted")
    )
    return base, wanted


def _row(names: Sequence[str], result: Sequence[EmcidValues], place: int) -> Found:
    """Return one concept's states of every encoder."""
    pairs = list(zip(names, result, strict=True))
    base = {f"base.{name}": own.base[place] for name, own in pairs}
    return {**base, **{f"wanted.{name}": own.wanted[place] for name, own in pairs}}


def _key(spec: EditSpec, at: Workshop, component: str, concept: list[JSON]) -> str:
    return digest_of(
        {
            "format": FORMAT,
            "base": at.folder.digest,
            "component": component,
            "method": spec.method,
            "concept": concept,
            "parameters": effective(spec),
            "device": at.device.partition(":")[0],
            "threads": torch.get_num_threads(),
            "versions": [torch.__version__, transformers.__version__],
        }
    )


def _steps(told: Told, method: str) -> Callable[[int, int], None]:
    return lambda done, total: told(f"{method} stage one", done, total)


def _kept(
    items: Sequence[T],
    key: Callable[[T], str],
    run: Callable[[Sequence[T]], list[Found]],
    at: Workshop,
    told: Told,
) -> list[Found]:
    """Run every batch that is not finished yet, and keep its concepts as it ends."""
    kept = KeptConcepts(at.cache)
    each = {key(item): item for item in items}

    def settle(some: Sequence[str]) -> list[Found]:
        names = [_with(some, name) if at.company else name for name in some]
        old = [kept.get(name) for name in names]
        whole = [one for one in old if one is not None]
        if len(whole) == len(names):
            return whole
        new = run([each[name] for name in some])
        for name, one in zip(names, new, strict=True):
            kept.put(name, one)
        return new

    def smaller(size: int) -> None:
        told(f"out of memory: {size} concepts at once from here on", 0, 0)

    found: dict[str, Found] = {}
    for some, results in in_batches(list(each), at.size, settle, smaller):
        found |= dict(zip(some, results, strict=True))
        told("stage one, concepts", len(found), len(each))
    return [found[key(item)] for item in items]


def _with(batch: Sequence[str], name: str) -> str:
    """Name a concept together with its company; alone it has its own name."""
    return name if len(batch) == 1 else digest_of([*batch, name])


def values_file(values: Found) -> bytes:
    """Return stage-one values as a safetensors file, the same to the byte."""
    return save({name: values[name].contiguous() for name in sorted(values)})
