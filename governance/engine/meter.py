"""Energies sum over sites of |W x|^2, for every row x a certificate asks about.

Few rows are multiplied with each matrix as it passes. Many rows wait until
H = sum W^T W is known, since x^T H x then costs the same for any number of matrices.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import torch
from torch import Tensor

from governance.engine.compose import Composition
from governance.engine.plan import EditPlan, Pick
from governance.engine.protocols import Projection

Kind: TypeAlias = Literal["left", "moved", "gap", "drift", "base"]
Tag: TypeAlias = tuple[Kind, "tuple[int, int] | Pick"]
EMPTY = Pick("", (0,), prefix=True)
"""What drift is measured on where an edit preserves nothing: the empty prompt."""
CHUNK = 256
"""Concepts whose rows are measured at once."""


def measured(one: EditPlan) -> tuple[Pick, ...]:
    """Return the rows an edit's drift is measured on."""
    return one.preserve or (EMPTY,)


class Meter:
    """Measures a composition while the base's matrices pass by once.

    Args:
        composition: The edits.
    """

    def __init__(self, composition: Composition) -> None:
        self._composition = composition
        self._picks = sorted({p for one in composition.plans for p in measured(one)})
        self._direct: dict[Projection, tuple[list[Probe], Tensor]] = {}
        self._sums: dict[Projection, Tensor] = {}
        for projection, found in composition.multipliers.items():
            if self._count(projection) <= found.left.shape[0]:
                probes = list(self._probes(projection))
                stacked = torch.cat([probe.rows for probe in probes])
                self._direct[projection] = (probes, stacked)

    def add(self, projection: Projection, weight: Tensor) -> None:
        """Let one matrix pass.

        Args:
            projection: Which kind of site it is.
            weight: The base's W [d_out, d] in the precision of the algebra.
        """
        if projection in self._direct:
            rows = self._direct[projection][1]
            found = (rows @ weight.T).square().sum(dim=1)
        else:
            found = weight.T @ weight
        old = self._sums.get(projection)
        self._sums[projection] = found if old is None else old.add_(found)

    def energies(self) -> dict[Tag, float]:
        """Return the energy of every probe, summed over all matrices that passed."""
        totals: dict[Tag, float] = {}
        for projection in self._sums:
            for tag, energy in self._read(projection):
                totals[tag] = totals.get(tag, 0.0) + energy
        return totals

    def _read(self, projection: Projection) -> Iterator[tuple[Tag, float]]:
        total = self._sums[projection]
        if projection in self._direct:
            probes, _ = self._direct[projection]
            parts = torch.split(total, [len(probe.rows) for probe in probes])
            for probe, part in zip(probes, parts, strict=True):
                yield from probe.share(part)
            return
        for probe in self._probes(projection):
            yield from probe.share(((probe.rows @ total) * probe.rows).sum(dim=1))

    def _count(self, projection: Projection) -> int:
        pairs = sum(
            len(key.rows)
            for one in self._own(projection)
            for concept in one.concepts
            for key, _ in concept.pairs
        )
        return 3 * pairs + 2 * sum(len(chosen.rows) for chosen in self._picks)

    def _own(self, projection: Projection) -> list[EditPlan]:
        plans = self._composition.plans
        return [one for one in plans if projection in one.projections]

    def _probes(self, projection: Projection) -> Iterator["Probe"]:
        multiplier = self._composition.multipliers[projection]
        for keys, targets, tags, counts in self._concepts(projection):
            gap, moved = targets - keys, multiplier.change(keys)
            yield Probe("gap", tags, counts, gap)
            yield Probe("moved", tags, counts, moved)
            yield Probe("left", tags, counts, moved - gap)
        for picks, rows in self._composition.reader.stream(self._picks):
            here = rows.to(self._composition.device)
            counts = [len(chosen.rows) for chosen in picks]
            yield Probe("base", picks, counts, here)
            yield Probe("drift", picks, counts, multiplier.change(here))

    def _concepts(
        self, projection: Projection
    ) -> Iterator[tuple[Tensor, Tensor, list[tuple[int, int]], list[int]]]:
        reader, device = self._composition.reader, self._composition.device
        places = [
            (number, place)
            for number, one in enumerate(self._composition.plans)
            if projection in one.projections
            for place in range(len(one.concepts))
        ]
        for start in range(0, len(places), CHUNK):
            some = places[start : start + CHUNK]
            plans = (self._composition.plans[n].concepts[p] for n, p in some)
            pairs = [reader.concept(concept) for concept in plans]
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
        rows: The rows [m, d].
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
