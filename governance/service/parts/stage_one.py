"""Stage one of ReFACT and EMCID on a model folder, kept concept by concept.

Loads tensor libraries; imported when an edit needs it.
"""

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias, TypeVar

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
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

FORMAT = "stage-one/v2"
Told: TypeAlias = Callable[[str, int, int], None]
Found: TypeAlias = Mapping[str, Tensor]
T = TypeVar("T")


@dataclass(frozen=True)
class Workshop:
    """Where stage one runs.

    Args:
        folder: The untouched model.
        device: Where to compute.
        cache: Folder that keeps finished concepts; None keeps none.
        image: Reads a destination image by digest.
        batch: Concepts optimised at once, at first.
    """

    folder: PipelineFolder
    device: str
    cache: Path | None
    image: Callable[[str], bytes]
    batch: int = 8


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
    """Run what is not finished yet, keeping each concept as its batch ends."""
    found: dict[str, Found] = {}
    missing: dict[str, T] = {}
    for item in items:
        name = key(item)
        kept = _read(at.cache, name)
        if kept is None:
            missing[name] = item
        else:
            found[name] = kept

    def smaller(size: int) -> None:
        told(f"out of memory: {size} concepts at once from here on", 0, 0)

    names = list(missing)
    batches = in_batches(
        names, at.batch, lambda some: run([missing[n] for n in some]), smaller
    )
    for some, results in batches:
        for name, result in zip(some, results, strict=True):
            found[name] = result
            _write(at.cache, name, result)
        told("stage one, concepts", len(found), len(items))
    return [found[key(item)] for item in items]


def _read(cache: Path | None, name: str) -> Found | None:
    if cache is None or not (path := cache / f"{name}.safetensors").is_file():
        return None
    try:
        return load(path.read_bytes())
    except (SafetensorError, OSError):
        return None  # a damaged copy is computed again


def _write(cache: Path | None, name: str, found: Found) -> None:
    if cache is None:
        return
    cache.mkdir(mode=0o700, parents=True, exist_ok=True)
    beside = cache / f".{name}.{secrets.token_hex(8)}"
    beside.write_bytes(save({key: value.contiguous() for key, value in found.items()}))
    beside.replace(cache / f"{name}.safetensors")


def values_file(values: Found) -> bytes:
    """Return stage-one values as a safetensors file, the same to the byte."""
    return save({name: values[name].contiguous() for name in sorted(values)})
