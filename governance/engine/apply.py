"""A composition meets the base's matrices: new weights, norms, certificates."""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

import torch
from torch import Tensor

from governance.engine.certificate import (
    JOINT_DRIFT,
    Certificate,
    certify,
    joint_drift,
)
from governance.engine.compose import Composition
from governance.engine.meter import Meter
from governance.engine.protocols import SiteT, Weights
from governance.errors import EngineError

Progress: TypeAlias = Callable[[int, int], None]


@dataclass(frozen=True)
class SiteNorm:
    """How far one matrix moved.

    Args:
        key: The tensor.
        norm: Frobenius norm of the change, after rounding.
        relative: The same over the matrix's own norm.
    """

    key: str
    norm: float
    relative: float


@dataclass(frozen=True)
class Edited:
    """The outcome of a composition on one base.

    Args:
        tensors: Changed matrices by key, in the base's own dtype.
        sites: Every matrix the edits address, changed or not.
        certificates: One for each edit, sorted by digest.
        drift: Change on all preserve sets together.
        warnings: What a person should read before signing.
    """

    tensors: Mapping[str, Tensor]
    sites: tuple[SiteNorm, ...]
    certificates: tuple[Certificate, ...]
    drift: float
    warnings: tuple[str, ...]


def apply(
    composition: Composition,
    weights: Weights[SiteT],
    on_progress: Progress | None = None,
) -> Edited:
    """Edit every matrix the composition addresses, each read once.

    Args:
        composition: The solved edits.
        weights: The untouched base.
        on_progress: Called with matrices done and matrices in all.

    Returns:
        The changed matrices, rounded once to the base's dtype, and certificates
        recomputed for every edit.

    Raises:
        EngineError: Widths do not fit, or a new weight overflows the base's dtype.
    """
    meter = Meter(composition)
    tensors: dict[str, Tensor] = {}
    norms: list[SiteNorm] = []
    sites = [s for s in weights.sites if s.projection in composition.multipliers]
    for done, site in enumerate(sites, start=1):
        old = weights.read(site)
        exact = _exact(composition, site, old)
        meter.add(site.projection, exact)
        delta = composition.multipliers[site.projection].delta(exact)
        new = (exact + delta).to(old.dtype)
        norms.append(_norm(site.key, exact, new))
        if norms[-1].norm > 0:
            tensors[site.key] = new.cpu()
        if on_progress is not None:
            on_progress(done, len(sites))
    energies = meter.energies()
    certificates = certify(composition, energies) if sites else ()
    drift = joint_drift(composition, energies) if sites else 0.0
    warnings = tuple(_warnings(certificates, drift, len(tensors)))
    return Edited(tensors, tuple(norms), certificates, drift, warnings)


def _norm(key: str, old: Tensor, new: Tensor) -> SiteNorm:
    norm = float(torch.linalg.norm(new.to(old.dtype) - old))
    if not math.isfinite(norm):
        raise EngineError(
            f"the edited tensor {key} overflows {new.dtype}",
            "Lower the strength of the edits, or use a float32 base.",
        )
    size = float(torch.linalg.norm(old))
    return SiteNorm(key, norm, norm / size if size else 0.0)


def factors(
    composition: Composition, weights: Weights[SiteT]
) -> Iterator[tuple[str, Tensor, Tensor]]:
    """Yield each matrix's change as factors, W' = W + up . down before rounding.

    Args:
        composition: The solved edits.
        weights: The untouched base.

    Yields:
        Key, up [d_out, r] and down [r, d]; matrices with equal rows share one
        ``down`` object.
    """
    shared: dict[int, Tensor] = {}
    for site in weights.sites:
        multiplier = composition.multipliers.get(site.projection)
        if multiplier is not None:
            exact = _exact(composition, site, weights.read(site))
            up, down = multiplier.factors(exact)
            yield site.key, up.cpu(), shared.setdefault(id(multiplier), down.cpu())


def _exact(composition: Composition, site: SiteT, weight: Tensor) -> Tensor:
    width = composition.multipliers[site.projection].left.shape[0]
    if weight.ndim != 2 or weight.shape[1] != width:
        raise EngineError(
            f"tensor {site.key} has shape {tuple(weight.shape)}; expected "
            f"[d_out, {width}], the width of the text embedding"
        )
    return weight.to(composition.device, composition.dtype)


def _warnings(
    certificates: tuple[Certificate, ...], drift: float, changed: int
) -> Iterator[str]:
    for one in certificates:
        if one.idle or not changed:
            yield (
                f"edit {one.digest[:12]} did nothing: it moved none of its concepts; "
                "try tokens: tail, templates, or a smaller lambda"
            )
    if drift > JOINT_DRIFT:
        yield (
            f"all edits together change what they should preserve by {drift:.0%} of "
            f"its size; more than {JOINT_DRIFT:.0%} is a lot"
        )
