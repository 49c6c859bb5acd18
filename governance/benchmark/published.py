"""Timing the published loop: on all matrices, or on some of them and scaled."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from torch import Tensor

from governance.benchmark.loop import LoopConcept, edited
from governance.benchmark.measured import Seconds
from governance.engine.compose import plan
from governance.engine.edit import EditSpec
from governance.engine.presets import validate
from governance.engine.protocols import Encoder, Site
from governance.engine.reader import Reader

PER_ELEMENT = 2e-9
"""Seconds a loop takes per element of an outer product, about: for planning only."""
PER_PRODUCT = 4e-11
"""Seconds per multiplication of an inverse or a matrix product, about."""


@dataclass(frozen=True)
class Layers:
    """Which matrices a loop is timed on.

    Args:
        timed: Keys and shapes of the matrices that are run.
        counts: How many matrices of each shape the model has.
    """

    timed: Mapping[str, tuple[int, int]]
    counts: Mapping[tuple[int, int], int]

    @property
    def extrapolated(self) -> bool:
        """Return whether a time is scaled from fewer matrices than there are."""
        return len(self.timed) < sum(self.counts.values())

    def scaled(self, seconds: Mapping[str, Seconds]) -> Seconds:
        """Return the time of all matrices from that of the timed ones.

        Args:
            seconds: Time of each timed matrix; the mean over those of one shape
                stands for every matrix of that shape.
        """
        by_shape: dict[tuple[int, int], list[Seconds]] = {}
        for key, spent in seconds.items():
            by_shape.setdefault(self.timed[key], []).append(spent)
        wall = cpu = 0.0
        for shape, count in self.counts.items():
            wall += count * fmean(spent.wall for spent in by_shape[shape])
            cpu += count * fmean(spent.cpu for spent in by_shape[shape])
        return Seconds(wall, cpu)


def choose_layers(sites: Sequence[Site], rows: int, budget: float) -> Layers:
    """Choose what a loop is timed on.

    Args:
        sites: Every matrix.
        rows: Rows of all edited and preserved texts together.
        budget: Seconds one pass over all of them may take; if it would take longer,
            the first matrix of each shape is timed, and no other.
    """
    counts: dict[tuple[int, int], int] = {}
    for site in sites:
        counts[site.shape] = counts.get(site.shape, 0) + 1
    whole = sum(expected(shape, rows) * count for shape, count in counts.items())
    first = {site.shape: site.key for site in reversed(sites)}
    chosen = [s for s in sites if whole <= budget or first[s.shape] == s.key]
    return Layers({site.key: site.shape for site in chosen}, counts)


def expected(shape: tuple[int, int], rows: int) -> float:
    """Return about how many seconds a loop takes for one matrix."""
    out, width = shape
    outer = rows * (out * width + width * width) * PER_ELEMENT
    return outer + (2 * width**3 + out * width**2) * PER_PRODUCT


@dataclass(frozen=True)
class Inputs:
    """What a loop is given.

    Args:
        edits: Texts that change.
        kept: Texts that are preserved.
        ridge: Lambda.
        measured: Rows that drift is measured on: what is preserved, or the empty
            prompt where that is nothing.
    """

    edits: tuple[LoopConcept, ...]
    kept: tuple[LoopConcept, ...]
    ridge: float
    measured: tuple[Tensor, ...]

    @property
    def concepts(self) -> tuple[LoopConcept, ...]:
        """Return every text, edited ones first."""
        return (*self.edits, *self.kept)

    @property
    def rows(self) -> int:
        """Return the rows of all texts together."""
        return sum(len(concept.keys) for concept in self.concepts)


def inputs(spec: EditSpec, encoder: Encoder, reader: Reader) -> Inputs:
    """Encode the texts of an edit for a loop.

    Args:
        spec: The edit.
        encoder: Tells where tokens stand.
        reader: Encodes, in the precision of the loop.
    """
    found, ridge = plan(spec, encoder), validate(spec).ridge
    pairs = [pair for concept in found.concepts for pair in concept.pairs]
    reader.load(pick for key, target in pairs for pick in (key, target[0][1]))
    reader.load((*found.preserve, *found.measured))
    kept = [reader.rows(pick) for pick in found.preserve if found.preserve_weight > 0]
    return Inputs(
        tuple(
            LoopConcept(reader.rows(key), reader.target(target), found.weight * ridge)
            for key, target in pairs
        ),
        tuple(LoopConcept(p, p, found.preserve_weight * ridge) for p in kept),
        ridge,
        tuple(reader.rows(pick) for pick in found.measured),
    )


def run_loop(
    matrices: Mapping[str, Tensor], given: Inputs
) -> tuple[dict[str, Tensor], dict[str, Seconds]]:
    """Run the loop on some matrices.

    Args:
        matrices: W by key, in memory, in float32.
        given: The texts.

    Returns:
        W' by key, and times by key.
    """
    new: dict[str, Tensor] = {}
    seconds: dict[str, Seconds] = {}
    for key, matrix in matrices.items():
        start = Seconds.now()
        new[key] = edited(matrix, given.concepts, given.ridge)
        seconds[key] = Seconds.now() - start
    return new, seconds
