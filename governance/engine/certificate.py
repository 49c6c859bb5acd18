"""What a composition achieved for each edit, and what it cost.

Every number is a ratio of energies, sum over sites of |W x|^2, so it says what the
model's attention sees and not what happens in the text space alone.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from governance.canonical import JSON
from governance.engine.compose import Composition
from governance.engine.meter import Kind, Tag
from governance.engine.plan import EditPlan, Pick
from governance.engine.protocols import SPACES, Space

IDLE = 0.01
"""An edit that moves its own rows by less than this share of the way did nothing."""
JOINT_DRIFT = 0.1
"""Joint drift above this draws a warning."""


@dataclass(frozen=True)
class ConceptCertificate:
    """What was achieved for one concept.

    Args:
        source: What was edited.
        destination: What it became.
        tokens: The first key and target token, in words.
        residual: Distance left to the target over the distance there was: 0 is met,
            1 is untouched.
        moved: Distance moved over the distance there was.
    """

    source: str
    destination: str
    tokens: tuple[str, str]
    residual: float
    moved: float


@dataclass(frozen=True)
class Certificate:
    """What was achieved for one edit.

    Args:
        digest: The edit's digest.
        concepts: One certificate for each of its concepts.
        drift: Change caused on its preserve set (the empty prompt where it has
            none) over the size of what is there, by all edits together.
        condition: Condition number of the system it was solved in.
        idle: Whether it moved none of its concepts.
        note: What else a reviewer must know of how it was solved.
    """

    digest: str
    concepts: tuple[ConceptCertificate, ...]
    drift: float
    condition: float
    idle: bool
    note: str = ""

    def as_json(self) -> list[dict[str, JSON]]:
        """Return one JSON object per concept."""
        return [
            {
                "edit": self.digest,
                "source": concept.source,
                "destination": concept.destination,
                "tokens": list(concept.tokens),
                "residual": concept.residual,
                "moved": concept.moved,
                "drift": self.drift,
                "condition": self.condition,
                "note": self.note,
            }
            for concept in self.concepts
        ]


def certify(
    composition: Composition, energies: Mapping[Tag, float]
) -> tuple[Certificate, ...]:
    """Turn measured energies into one certificate per edit.

    Args:
        composition: The edits.
        energies: What a meter read off the weights.

    Returns:
        Certificates, in the order of the composition's plans.
    """
    return tuple(
        _certificate(number, one, composition, energies)
        for number, one in enumerate(composition.plans)
    )


def joint_drift(composition: Composition, energies: Mapping[Tag, float]) -> float:
    """Return the change all edits together cause on all preserve sets.

    Args:
        composition: The edits.
        energies: What a meter read off the weights.
    """
    every = {chosen for one in composition.plans for chosen in one.measured}
    return _drift(sorted(every), energies)


def _certificate(
    number: int,
    one: EditPlan,
    composition: Composition,
    energies: Mapping[Tag, float],
) -> Certificate:
    concepts = tuple(
        ConceptCertificate(
            concept.source,
            concept.destination,
            concept.tokens,
            residual=_ratio(energies, "left", "gap", (number, place)),
            moved=_ratio(energies, "moved", "gap", (number, place)),
        )
        for place, concept in enumerate(one.concepts)
    )
    conditions = [composition.multipliers[p].condition for p in one.projections]
    return Certificate(
        digest=one.digest,
        concepts=concepts,
        drift=_drift(one.measured, energies),
        condition=max(conditions),
        idle=all(concept.moved < IDLE for concept in concepts),
    )


def _ratio(
    energies: Mapping[Tag, float], part: Kind, whole: Kind, key: tuple[int, int]
) -> float:
    size = energies[(whole, key)]
    return math.sqrt(energies[(part, key)] / size) if size > 0 else 0.0


def _drift(picks: Sequence[Pick], energies: Mapping[Tag, float]) -> float:
    changed = math.fsum(energies[("drift", chosen)] for chosen in picks)
    size = math.fsum(_size(picks, energies, space) for space in set(SPACES.values()))
    return math.sqrt(changed / size) if size > 0 else 0.0


def _size(picks: Sequence[Pick], energies: Mapping[Tag, float], space: Space) -> float:
    """Return the energy there was, of all rows, from the picks it was read off."""
    own = [chosen for chosen in picks if chosen.space == space]
    read = [chosen for chosen in own if ("base", chosen) in energies]
    total = math.fsum(energies[("base", chosen)] for chosen in read)
    rows = sum(len(chosen.rows) for chosen in read)
    return total * sum(len(chosen.rows) for chosen in own) / rows if rows else 0.0
