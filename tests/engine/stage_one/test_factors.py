"""Factors of EMCID's debias: a mixture of states, moved by ever smaller steps."""

from dataclasses import replace
from itertools import pairwise

import pytest

from governance.engine.debias import Alphas, DebiasRound, Ratios, search
from governance.engine.edit import Attribute, Concept, EditSpec
from governance.errors import EngineError

SPEC = EditSpec(
    "a" * 64,
    "debias",
    "emcid",
    (Concept("doctor"),),
    (Attribute("female", "a female {}", 0.5), Attribute("male", "a male {}", 0.5)),
    parameters={"step_size": 0.8},
)


class World:
    """Unedited, a share is where it starts; edited, it grows with its own factor."""

    def __init__(self, start: float, bend: float) -> None:
        self.start = start
        self.bend = bend

    def __call__(
        self, alphas: Alphas, active: tuple[int, ...], _: int
    ) -> dict[int, Ratios]:
        found: dict[int, Ratios] = {}
        for i in active:
            share = alphas[i][0] ** self.bend if any(alphas[i]) else self.start
            found[i] = (share, 1 - share)
        return found


def test_factors_are_a_mixture_that_reaches_the_wanted_shares() -> None:
    rounds: list[DebiasRound] = []
    result = search(SPEC, World(0.05, 3.0), rounds.append)
    assert all(abs(share - 0.5) <= 0.05 for share in result.ratios[0])
    assert rounds[0].alphas[0] == (0.0, 0.0)
    assert rounds[1].alphas[0] == (0.5, 0.5)
    for seen in rounds[1:]:
        assert sum(seen.alphas[0]) == pytest.approx(1, abs=1e-12)
        assert min(seen.alphas[0]) >= 0


def test_a_concept_that_shows_its_shares_unedited_gets_no_factor() -> None:
    assert search(SPEC, World(0.52, 3.0)).alphas == ((0.0, 0.0),)


def test_steps_shrink_with_every_round() -> None:
    rounds: list[DebiasRound] = []
    spec = replace(SPEC, parameters={"step_size": 0.05, "max_rounds": 10})

    def never(alphas: Alphas, active: tuple[int, ...], _: int) -> dict[int, Ratios]:
        return {i: (0.4, 0.6) for i in active if alphas}

    with pytest.raises(EngineError, match="target not reached"):
        search(spec, never, rounds.append)
    firsts = [seen.alphas[0][0] for seen in rounds[1:]]
    steps = [b - a for a, b in pairwise(firsts)]
    assert steps[0] == pytest.approx(0.05 * 0.9 * 0.1)
    assert all(later < earlier for earlier, later in pairwise(steps))


def test_an_attribute_that_is_never_missing_can_fall_to_nothing() -> None:
    spec = replace(SPEC, parameters={"step_size": 2.0, "max_rounds": 3})
    rounds: list[DebiasRound] = []

    def one_sided(alphas: Alphas, active: tuple[int, ...], _: int) -> dict[int, Ratios]:
        return {i: (0.0, 1.0) for i in active if alphas}

    with pytest.raises(EngineError, match="target not reached"):
        search(spec, one_sided, rounds.append)
    assert rounds[-1].alphas[0] == (1.0, 0.0)
