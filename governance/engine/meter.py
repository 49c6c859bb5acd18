"""Energies sum over sites of |W x|^2, for every row x a certificate asks about.

Few rows are multiplied with each matrix as it passes. Many rows wait until
H = sum W^T W is known, since x^T H x then costs the same for any number of matrices.
"""

from collections.abc import Iterator
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
        self._direct: dict[Projection, tuple[list[tuple[Tag, int]], Tensor]] = {}
        self._sums: dict[Projection, Tensor] = {}
        for projection, found in composition.multipliers.items():
            if self._count(projection) <= found.left.shape[0]:
                self._direct[projection] = self._stack(projection)

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
            place = 0
            for tag, count in self._direct[projection][0]:
                yield tag, float(total[place : place + count].sum())
                place += count
            return
        for tag, rows in self._probes(projection):
            yield tag, float(((rows @ total) * rows).sum())

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

    def _stack(self, projection: Projection) -> tuple[list[tuple[Tag, int]], Tensor]:
        probes = list(self._probes(projection))
        tags = [(tag, len(rows)) for tag, rows in probes]
        return tags, torch.cat([rows for _, rows in probes])

    def _probes(self, projection: Projection) -> Iterator[tuple[Tag, Tensor]]:
        composition = self._composition
        multiplier = composition.multipliers[projection]
        for number, one in enumerate(composition.plans):
            if projection not in one.projections:
                continue
            for place, concept in enumerate(one.concepts):
                keys, targets = composition.reader.concept(concept)
                gap = targets.to(composition.device) - keys.to(composition.device)
                moved = multiplier.change(keys.to(composition.device))
                yield ("gap", (number, place)), gap
                yield ("moved", (number, place)), moved
                yield ("left", (number, place)), moved - gap
        for picks, rows in composition.reader.stream(self._picks):
            here = rows.to(composition.device)
            moved = multiplier.change(here)
            place = 0
            for chosen in picks:
                part = slice(place, place + len(chosen.rows))
                yield ("base", chosen), here[part]
                yield ("drift", chosen), moved[part]
                place = part.stop
