"""Factors of EMCID's debias: how they are searched, and what they mix."""

from dataclasses import replace

import pytest
import torch

from governance.engine.debias import Alphas, DebiasRound, Ratios, search
from governance.engine.edit import Attribute, Concept, EditSpec
from governance.engine.stage_one.emcid import EmcidValues
from governance.engine.stage_one.leaning import leaned, leaning_targets
from governance.errors import EngineError

SPEC = EditSpec(
    "a" * 64,
    "debias",
    "emcid",
    (Concept("doctor", prompt="the doctor"), Concept("nurse")),
    (Attribute("female", "a female {}", 0.5), Attribute("male", "a male {}", 0.5)),
    parameters={"step_size": 0.8},
)
ALONE = replace(SPEC, concepts=SPEC.concepts[:1])


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
    result = search(ALONE, World(0.05, 3.0), rounds.append)
    assert all(abs(share - 0.5) <= 0.05 for share in result.ratios[0])
    assert rounds[0].alphas[0] == (0.0, 0.0)
    assert rounds[1].alphas[0] == (0.5, 0.5)
    for seen in rounds[1:]:
        assert sum(seen.alphas[0]) == pytest.approx(1, abs=1e-12)
        assert min(seen.alphas[0]) >= 0


def test_a_concept_that_shows_its_shares_unedited_gets_no_factor() -> None:
    assert search(ALONE, World(0.52, 3.0)).alphas == ((0.0, 0.0),)


def test_steps_shrink_with_every_round() -> None:
    rounds: list[DebiasRound] = []
    spec = replace(ALONE, parameters={"step_size": 0.05, "max_rounds": 10})

    def never(alphas: Alphas, active: tuple[int, ...], _: int) -> dict[int, Ratios]:
        return {i: (0.4, 0.6) for i in active if alphas}

    with pytest.raises(EngineError, match="target not reached"):
        search(spec, never, rounds.append)
    firsts = [seen.alphas[0][0] for seen in rounds[1:]]
    steps = [b - a for a, b in zip(firsts, firsts[1:], strict=False)]
    assert steps[0] == pytest.approx(0.05 * 0.9 * 0.1)
    assert all(
        later < earlier for earlier, later in zip(steps, steps[1:], strict=False)
    )


def test_an_attribute_that_is_never_missing_can_fall_to_nothing() -> None:
    spec = replace(ALONE, parameters={"step_size": 2.0, "max_rounds": 3})
    rounds: list[DebiasRound] = []

    def one_sided(alphas: Alphas, active: tuple[int, ...], _: int) -> dict[int, Ratios]:
        return {i: (0.0, 1.0) for i in active if alphas}

    with pytest.raises(EngineError, match="target not reached"):
        search(spec, one_sided, rounds.append)
    assert rounds[-1].alphas[0] == (1.0, 0.0)


def test_stage_one_is_asked_for_every_attribute_of_every_phrase() -> None:
    found = leaning_targets(SPEC)
    assert [target.destination for target in found] == [
        "a female the doctor",
        "a male the doctor",
        "a female nurse",
        "a male nurse",
    ]
    assert [target.concept.phrase for target in found] == ["the doctor"] * 2 + [
        "nurse"
    ] * 2


def test_a_mixture_is_the_base_and_its_weighted_steps() -> None:
    base = torch.tensor([[1.0, 0.0], [1.0, 0.0], [0.0, 2.0], [0.0, 2.0]])
    wanted = base + torch.tensor([[4.0, 0.0], [0.0, 8.0], [1.0, 1.0], [2.0, 0.0]])
    values = EmcidValues(base, wanted)
    found = leaned(values, ((0.25, 0.75), (0.0, 0.0)))
    assert found.dtype == torch.float64
    assert found.tolist() == [[2.0, 6.0], [0.0, 2.0]]
    assert torch.equal(
        leaned(values, ((0.0, 1.0), (1.0, 0.0))), wanted[[1, 2]].double()
    )


def test_factors_that_do_not_fit_are_refused() -> None:
    values = EmcidValues(torch.zeros(4, 3), torch.zeros(4, 3))
    with pytest.raises(EngineError, match="3 factors do not fit 4"):
        leaned(values, ((0.5, 0.3, 0.2),))
