"""Intervals and paired tests against published figures and counts by hand."""

import math

import pytest

from governance.checks.statistics import paired_p_value, share


def hits(right: int, n: int) -> list[bool]:
    return [True] * right + [False] * (n - right)


@pytest.mark.parametrize(
    ("right", "n", "low", "high"),
    # Newcombe (1998), table I, method 3 (Wilson): 81/263, 15/148, 0/20, 1/29.
    [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0000, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_intervals_are_those_newcombe_published(
    right: int, n: int, low: float, high: float
) -> None:
    found = share(hits(right, n))
    assert found is not None
    assert found.value == right / n
    assert found.n == n
    assert found.low == pytest.approx(low, abs=5e-5)
    assert found.high == pytest.approx(high, abs=5e-5)


@pytest.mark.parametrize(("right", "n"), [(0, 1), (1, 1), (0, 48), (48, 48)])
def test_a_share_of_none_or_all_still_has_a_width(right: int, n: int) -> None:
    found = share(hits(right, n))
    assert found is not None
    assert 0 <= found.low <= found.value <= found.high <= 1
    assert found.high - found.low > 0.05


def test_nothing_measured_is_nothing_not_zero() -> None:
    assert share([]) is None


def test_paired_outcomes_are_tested_on_the_pairs_that_differ() -> None:
    # Five lost, none won: 2 * (1/2)^5, whatever else stayed the same.
    before, after = hits(25, 25), hits(20, 25)
    found = paired_p_value(before, after)
    assert found is not None
    assert math.isclose(found, 2 * 0.5**5)
    assert paired_p_value(after, before) == found
    # One lost, one won.
    assert paired_p_value([True, False], [False, True]) == 1.0


def test_no_pair_that_differs_gives_no_p_value() -> None:
    assert paired_p_value(hits(3, 5), hits(3, 5)) is None


def test_outcomes_that_are_not_pairs_are_refused() -> None:
    with pytest.raises(ValueError, match="shorter"):
        paired_p_value([True, True], [True])
