"""A composition meets the base's matrices: new weights, norms, certificates."""

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
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
ROWS = 320
"""Rows of a matrix that are edited at once."""
THIN = 32
"""Ranks below this are not worth a second thread."""


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
    meter, scratch = Meter(composition), _Scratch()
    tensors: dict[str, Tensor] = {}
    norms: list[SiteNorm] = []
    sites = [s for s in weights.sites if s.projection in composition.multipliers]
    for done, site in enumerate(sites, start=1):
        old = weights.read(site)
        with _few_threads(composition.multipliers[site.projection].rank):
            new, norm = _edit(composition, meter, scratch, site, old)
        norms.append(norm)
        if norm.norm > 0:
            tensors[site.key] = new
        if on_progress is not None:
            on_progress(done, len(sites))
    energies = meter.energies()
    certificates = certify(composition, energies) if sites else ()
    drift = joint_drift(composition, energies) if sites else 0.0
    warnings = tuple(_warnings(certificates, drift, len(tensors)))
    return Edited(tensors, tuple(norms), certificates, drift, warnings)


def _edit(
    composition: Composition,
    meter: Meter,
    scratch: "_Scratch",
    site: SiteT,
    old: Tensor,
) -> tuple[Tensor, SiteNorm]:
    """Edit one matrix a few rows at a time, so that they stay in the cache."""
    multiplier = composition.multipliers[site.projection]
    _check_width(multiplier.left.shape[0], site, old)
    new = torch.empty_like(old)
    moved = size = 0.0
    for start in range(0, len(old), ROWS):
        rows = old[start : start + ROWS]
        here = rows.to(composition.device)
        exact = scratch.like(here, composition.dtype).copy_(here)
        up = multiplier.up(exact)
        meter.add(site.projection, here, exact, up)
        if multiplier.down is None:
            exact += up
        else:
            exact.addmm_(up, multiplier.down)
        new[start : start + ROWS] = exact
        change = scratch.like(rows, torch.promote_types(old.dtype, torch.float32))
        moved += _energy(change.copy_(new[start : start + ROWS]).sub_(rows))
        size += _energy(rows.to(change.dtype))
    if not math.isfinite(moved):
        raise EngineError(
            f"{_edits_of(composition, site)}: the edited tensor {site.key} overflows "
            f"{new.dtype}",
            "Lower the strength of the edits, or use a float32 base.",
        )
    norm = math.sqrt(moved)
    return new, SiteNorm(site.key, norm, norm / math.sqrt(size) if size else 0.0)


def _edits_of(composition: Composition, site: SiteT) -> str:
    """Name the edits that have rows at a matrix."""
    own = [p.digest for p in composition.plans if site.projection in p.projections]
    more = f" and {len(own) - 3} more" if len(own) > 3 else ""
    return f"edit {', edit '.join(digest[:12] for digest in own[:3])}{more}"


@contextmanager
def _few_threads(rank: int) -> Iterator[None]:
    """Keep thin products on one thread: many short ones would wait for each other."""
    before = torch.get_num_threads()
    if rank < THIN and before > 1:
        torch.set_num_threads(1)
    try:
        yield
    finally:
        if torch.get_num_threads() != before:
            torch.set_num_threads(before)


def _energy(rows: Tensor) -> float:
    size = float(torch.linalg.vector_norm(rows))
    return size * size  # a power would raise where this is infinite


class _Scratch:
    """Memory that is used again for every few rows: fresh pages cost more than sums."""

    def __init__(self) -> None:
        self._kept: dict[tuple[int, torch.dtype, torch.device], Tensor] = {}

    def like(self, rows: Tensor, dtype: torch.dtype) -> Tensor:
        """Return rows of the same shape whose content is to be overwritten."""
        key = (rows.shape[1], dtype, rows.device)
        if key not in self._kept:
            self._kept[key] = rows.new_empty(ROWS, rows.shape[1], dtype=dtype)
        return self._kept[key][: len(rows)]


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
            weight = weights.read(site)
            _check_width(multiplier.left.shape[0], site, weight)
            exact = weight.to(composition.device, composition.dtype)
            up, down = multiplier.factors(exact)
            yield site.key, up.cpu(), shared.setdefault(id(multiplier), down.cpu())


def _check_width(width: int, site: SiteT, weight: Tensor) -> None:
    if weight.ndim != 2 or weight.shape[1] != width:
        raise EngineError(
            f"tensor {site.key} has shape {tuple(weight.shape)}; expected "
            f"[d_out, {width}], the width of the text embedding"
        )


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
