"""Energies sum over sites of |W x|^2, for every row x a certificate asks about.

A factored change needs no matrix twice: every row that it makes is ``left @ z`` with
few coordinates z, so |W left z|^2 is z^T U z with U = sum up^T up, and ``up`` is known
from the edit itself. A dense change is measured through H = sum W^T W. What is there
before the edit is read off a few preserve rows, evenly spread.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import torch
from torch import Tensor

from governance.engine.compose import Composition
from governance.engine.plan import EditPlan, Pick
from governance.engine.protocols import SPACES, Projection, Space
from governance.engine.solver import Multiplier

Kind: TypeAlias = Literal["left", "moved", "gap", "drift", "base"]
Tag: TypeAlias = tuple[Kind, "tuple[int, int] | Pick"]
CHUNK = 256
"""Concepts whose rows are measured at once."""
MOST = 128
"""About how many of an edit's preserve rows say how large a row is before it."""
FEWEST = 4
"""Prompts that say it where one prompt has very many rows."""


def sized(one: EditPlan, space: Space) -> tuple[Pick, ...]:
    """Return the rows that an edit's drift is compared with: some it is measured on.

    The change is measured on every one of them. The size of a row hardly varies from
    row to row, so its mean is read off picks spread evenly over the set.

    Args:
        one: The edit.
        space: Which rows.
    """
    every = [chosen for chosen in one.measured if chosen.space == space]
    longest = max((len(chosen.rows) for chosen in every), default=1)
    most = max(FEWEST, MOST // longest)
    count = min(most, len(every))
    return tuple(every[place * len(every) // count] for place in range(count))


class Meter:
    """Measures a composition while the base's matrices pass by once.

    Args:
        composition: The edits.
    """

    def __init__(self, composition: Composition) -> None:
        self._composition = composition
        self._picks = sorted({p for one in composition.plans for p in one.measured})
        gauges: dict[int, _Gauge] = {}
        self._gauges: dict[Projection, _Gauge] = {}
        for projection, found in composition.multipliers.items():
            if id(found) not in gauges:
                base = self._base_rows(SPACES[projection])
                gauges[id(found)] = _Gauge(projection, found, base)
            self._gauges[projection] = gauges[id(found)]

    def add(
        self, projection: Projection, given: Tensor, weight: Tensor, up: Tensor
    ) -> None:
        """Let rows of one matrix pass.

        Args:
            projection: Which kind of site it is.
            given: Rows of the base's W [m, d] in its own dtype.
            weight: The same in the precision of the algebra.
            up: The same rows of W left [m, n].
        """
        self._gauges[projection].add(given, weight, up)

    def energies(self) -> dict[Tag, float]:
        """Return the energy of every probe, summed over all matrices that passed."""
        totals: dict[Tag, float] = {}
        for gauge in {id(one): one for one in self._gauges.values()}.values():
            for tag, energy in self._read(gauge):
                totals[tag] = totals.get(tag, 0.0) + energy
        return totals

    def _read(self, gauge: "_Gauge") -> Iterator[tuple[Tag, float]]:
        yield from gauge.base.share(gauge.base_energies())
        for probe in self._probes(gauge):
            yield from probe.share(gauge.energies(probe.rows))

    def _base_rows(self, space: Space) -> "Probe":
        plans = self._composition.plans
        picks = sorted({p for one in plans for p in sized(one, space)})
        rows = [rows for _, rows in self._composition.reader.stream(picks)]
        counts = [len(chosen.rows) for chosen in picks]
        stacked = torch.cat(rows) if rows else torch.empty(0, 0)
        return Probe("base", picks, counts, stacked.to(self._composition.device))

    def _probes(self, gauge: "_Gauge") -> Iterator["Probe"]:
        space, active = SPACES[gauge.projection], 0
        for keys, targets, tags, counts in self._concepts(gauge.projection):
            gap, active = gauge.gap(keys, targets, active)
            moved = gauge.moved(keys)
            yield Probe("gap", tags, counts, gap)
            yield Probe("moved", tags, counts, moved)
            yield Probe("left", tags, counts, moved - gap)
        own = [chosen for chosen in self._picks if chosen.space == space]
        for picks, rows in self._composition.reader.stream(own):
            here = rows.to(self._composition.device)
            counts = [len(chosen.rows) for chosen in picks]
            yield Probe("drift", picks, counts, gauge.moved(here))

    def _concepts(
        self, projection: Projection
    ) -> Iterator[tuple[Tensor, Tensor, list[tuple[int, int]], list[int]]]:
        reader, device = self._composition.reader, self._composition.device
        space = SPACES[projection]
        places = [
            (number, place)
            for number, one in enumerate(self._composition.plans)
            if projection in one.projections
            for place in range(len(one.concepts))
        ]
        for start in range(0, len(places), CHUNK):
            some = places[start : start + CHUNK]
            plans = (self._composition.plans[n].concepts[p] for n, p in some)
            pairs = [reader.concept(concept, space) for concept in plans]
            keys = torch.cat([key for key, _ in pairs]).to(device)
            targets = torch.cat([target for _, target in pairs]).to(device)
            yield keys, targets, some, [len(key) for key, _ in pairs]


@dataclass(frozen=True)
class Probe:
    """Rows whose energy is asked for, and whose each of them is.

    Args:
        kind: What the rows are.
        owners: Concepts or picks, in the order of their rows.
        counts: How many rows each owner has.
        rows: The rows [m, d], or their coordinates [m, n].
    """

    kind: Kind
    owners: Sequence["tuple[int, int] | Pick"]
    counts: Sequence[int]
    rows: Tensor

    def share(self, energies: Tensor) -> Iterator[tuple[Tag, float]]:
        """Sum the energies of the rows [m] by owner."""
        parts = torch.split(energies.cpu(), list(self.counts))
        for owner, part in zip(self.owners, parts, strict=True):
            yield (self.kind, owner), float(part.sum())


class _Gauge:
    """Sums over the matrices that share one multiplier.

    Args:
        projection: One of the kinds of site it belongs to.
        multiplier: What changes them.
        base: Rows whose energy before the edit is asked for.
    """

    def __init__(
        self, projection: Projection, multiplier: Multiplier, base: Probe
    ) -> None:
        self.projection = projection
        self.base = base
        self._multiplier = multiplier
        size = multiplier.rank
        self._form = multiplier.left.new_zeros(size, size)
        width = multiplier.left.shape[0]
        whole = multiplier.down is None
        self._square = None
        if not whole and len(base.rows) > width:
            self._square = multiplier.left.new_zeros(width, width)
        # Multiplied in float32 where that holds both factors exactly.
        narrow = base.rows.float()
        same = bool((narrow.to(base.rows.dtype) == base.rows).all())
        self._rows = narrow if same else base.rows
        self._found = torch.zeros(len(base.rows), dtype=torch.float64).to(
            multiplier.left.device
        )

    def add(self, given: Tensor, weight: Tensor, up: Tensor) -> None:
        """Let rows of a matrix pass: W [m, d], twice, and W left [m, n]."""
        if self._multiplier.down is None:
            self._form.addmm_(weight.T, weight)
            return
        self._form.addmm_(up.T, up)
        if self._square is not None:
            self._square.addmm_(weight.T, weight)
        else:
            wide = torch.promote_types(given.dtype, self._rows.dtype)
            seen = self._rows.to(wide) @ given.to(wide).T
            self._found += seen.square_().sum(dim=1, dtype=torch.float64)

    def base_energies(self) -> Tensor:
        """Return the energy of every base row [m]."""
        if self._multiplier.down is None:
            return self.energies(self.base.rows)
        if self._square is not None:
            return _quadratic(self.base.rows, self._square)
        return self._found

    def energies(self, rows: Tensor) -> Tensor:
        """Return the energies [m] of rows given as this gauge measures them."""
        return _quadratic(rows, self._form)

    def moved(self, rows: Tensor) -> Tensor:
        """Return X r, or its coordinates, for every row r [m, d]."""
        down = self._multiplier.down
        return self._multiplier.change(rows) if down is None else rows @ down.T

    def gap(self, keys: Tensor, targets: Tensor, active: int) -> tuple[Tensor, int]:
        """Return c* - k, or its coordinates, and the active rows met so far."""
        if self._multiplier.down is None:
            return targets - keys, active
        places = (keys != targets).any(dim=1).nonzero().flatten()
        found = keys.new_zeros(len(keys), self._multiplier.rank)
        found[places, torch.arange(len(places)).to(places) + active] = 1
        return found, active + len(places)


def _quadratic(rows: Tensor, form: Tensor) -> Tensor:
    # A form is positive semidefinite, but the rounding of one is not.
    return ((rows @ form) * rows).sum(dim=1).clamp_min(0)
