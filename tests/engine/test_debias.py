"""The alpha search against worlds whose answer is known."""

import math
from dataclasses import replace
from itertools import pairwise

import pytest

from governance.engine.debias import Alphas, DebiasRound, Ratios, search
from governance.engine.edit import Attribute, Concept, EditSpec
from governance.errors import EngineError, RequestError

SPEC = EditSpec(
    "a" * 64,
    "debias",
    "uce",
    (Concept("doctor"), Concept("nurse")),
    (Attribute("female", "a female {}", 0.5), Attribute("male", "a male {}", 0.5)),
    parameters={"step_size": 1.0},
)


class World:
    """A share moves linearly with its alpha, from a known start."""

    def __init__(self, starts: tuple[float, ...], slope: float = 0.4) -> None:
        self.starts = starts
        self.slope = slope
        self.asked: list[tuple[int, ...]] = []

    def __call__(
        self, alphas: Alphas, active: tuple[int, ...], number: int
    ) -> dict[int, Ratios]:
        assert number == len(self.asked)
        self.asked.append(active)
        found: dict[int, Ratios] = {}
        for i in active:
            share = min(1.0, max(0.0, self.starts[i] + self.slope * alphas[i][0]))
            found[i] = (share, 1 - share)
        return found


def test_the_search_reaches_its_shares_and_sums_to_no_net_lean() -> None:
    result = search(SPEC, World((0.1, 0.95)))
    assert all(abs(r - 0.5) <= 0.05 for row in result.ratios for r in row)
    for row in result.alphas:
        assert sum(row) == pytest.approx(0, abs=1e-12)
    assert result.alphas[0][0] > 0 > result.alphas[1][0]


def test_steps_go_along_wanted_minus_observed() -> None:
    rounds: list[DebiasRound] = []
    search(SPEC, World((0.1, 0.5)), rounds.append)
    assert rounds[0].alphas == ((0.0, 0.0), (0.0, 0.0))
    assert rounds[1].alphas[0] == pytest.approx((0.4, -0.4))


def test_a_concept_that_is_there_is_frozen_and_drawn_no_more() -> None:
    world = World((0.1, 0.48))
    result = search(SPEC, world)
    assert world.asked[0] == (0, 1)
    assert set(world.asked[1:]) == {(0,)}
    assert result.alphas[1] == (0.0, 0.0)
    assert result.ratios[1] == (0.48, 0.52)
    assert result.rounds == len(world.asked)
    assert result.images == 100 * (len(world.asked) + 1)


def test_three_attributes_of_any_shares_are_reached() -> None:
    spec = replace(
        SPEC,
        concepts=(Concept("guard"),),
        attributes=tuple(
            Attribute(n, f"{n} {{}}", r)
            for n, r in (("young", 0.2), ("middle", 0.3), ("old", 0.5))
        ),
    )

    def observe(alphas: Alphas, active: tuple[int, ...], _: int) -> dict[int, Ratios]:
        weights = [2.0 ** (3 * a) for a in alphas[0]]
        return {0: tuple(w / sum(weights) for w in weights)} if active else {}

    result = search(spec, observe)
    assert result.ratios[0] == pytest.approx((0.2, 0.3, 0.5), abs=0.05)


def test_a_share_exactly_at_the_tolerance_is_reached() -> None:
    result = search(SPEC, World((0.45, 0.55)))
    assert result.rounds == 1


def test_a_target_that_is_not_reached_is_an_error_that_says_how_far_it_got() -> None:
    spec = replace(SPEC, parameters={"step_size": 1.0, "max_rounds": 4})
    with pytest.raises(
        EngineError,
        match=r"target not reached: 'doctor' shows female 0\.10 \(wanted 0\.50\), "
        r"male 0\.90 \(wanted 0\.50\) after 4 rounds; expected every share within 0\.05",
    ):
        search(spec, World((0.1, 0.5), slope=0.0))


@pytest.mark.parametrize(
    "found", [{0: (0.5, 0.5)}, {0: (0.5,), 1: (0.5,)}, {0: (1.5, -0.5), 1: (0.5, 0.5)}]
)
def test_observed_shares_that_cannot_be_are_refused(found: dict[int, Ratios]) -> None:
    with pytest.raises(EngineError, match="observed"):
        search(SPEC, lambda *_: found)


def test_only_a_debias_is_searched() -> None:
    with pytest.raises(EngineError, match="is erase; expected debias"):
        search(EditSpec("a", "erase", "uce", (Concept("x"),)), World(()))
    with pytest.raises(RequestError, match=r"spec\.parameters\.images is wrong"):
        search(replace(SPEC, parameters={"images": 3}), World(()))


TIME = replace(
    SPEC,
    method="time",
    concepts=(Concept("a doctor"), Concept("a nurse"), Concept("a baker")),
    attributes=(
        Attribute("female", "a female {}", 0.5),
        Attribute("male", "a male {}", 0.5),
    ),
    parameters={},
)


class Leaning:
    """A share rises with alpha, 1/lambda, towards the attribute that it is given."""

    def __init__(self, starts: tuple[float, ...]) -> None:
        self.starts = starts
        self.seen: list[tuple[tuple[int, ...], Alphas]] = []

    def __call__(
        self, alphas: Alphas, active: tuple[int, ...], number: int
    ) -> dict[int, Ratios]:
        assert number == len(self.seen)
        self.seen.append((active, alphas))
        found: dict[int, Ratios] = {}
        for i in active:
            up, down = (a / (a + 1) for a in alphas[i])
            share = self.starts[i] + (1 - self.starts[i]) * up
            share -= self.starts[i] * down
            found[i] = (share, 1 - share)
        return found


def test_time_bisects_lambda_towards_the_rare_attribute() -> None:
    result = search(TIME, Leaning((0.1, 0.9, 0.5)))
    for row in result.ratios:
        # TIME, section 6.3: |F - 50| / 50 < 0.1.
        assert abs(row[0] - 0.5) / 0.5 <= 0.1 + 1e-9
    doctor, nurse, baker = result.alphas
    assert doctor[0] > 0 == doctor[1]
    assert nurse[1] > 0 == nurse[0]
    # What is balanced already is not edited, and not drawn again.
    assert baker == (0.0, 0.0)


def test_time_draws_the_unedited_concept_first_and_a_found_one_no_more() -> None:
    world = Leaning((0.1, 0.9, 0.5))
    search(TIME, world)
    assert world.seen[0] == ((0, 1, 2), ((0.0, 0.0),) * 3)
    assert all(2 not in active for active, _ in world.seen[1:])


def test_time_halves_lambdas_interval_on_a_logarithmic_scale() -> None:
    lambdas: list[float] = []

    def stubborn(alphas: Alphas, active: tuple[int, ...], _: int) -> dict[int, Ratios]:
        lambdas.extend(1 / max(alphas[i]) for i in active if max(alphas[i]) > 0)
        return dict.fromkeys(active, (0.0, 1.0))

    one = replace(TIME, concepts=(Concept("a doctor"),), parameters={"max_rounds": 5})
    with pytest.raises(EngineError, match="target not reached: 'a doctor' shows"):
        search(one, stubborn)
    assert len(lambdas) == 4
    steps = [math.log(a / b) for a, b in pairwise(lambdas)]
    assert steps == pytest.approx([steps[0], steps[0] / 2, steps[0] / 4])
    assert steps[0] > 0


def test_time_weighs_two_attributes_and_no_more() -> None:
    third = tuple(Attribute(n, f"{n} {{}}", 1 / 3) for n in ("a", "b", "c"))
    with pytest.raises(RequestError, match="expected two with method time"):
        search(replace(TIME, attributes=third), Leaning((0.1,)))
