import math

import pytest

from governance.policy.evidence import Metric, blocks, judge_evidence
from governance.policy.model import Policy
from governance.policy.outcome import Outcome
from tests.policy.conftest import LoadPolicy

GOOD = (
    Metric("specificity", 0.9, 0.83, 0.94, 140),
    Metric("efficacy", 0.95),
)


def outcomes(policy: Policy, *metrics: Metric, action: str = "erase") -> dict[str, str]:
    verdict = judge_evidence(policy, action, metrics)
    passed = all(rule.outcome is Outcome.PASS for rule in verdict.rules)
    assert (verdict.outcome is Outcome.PASS) == passed
    assert blocks(policy, verdict) == (not passed)
    return {rule.rule: rule.outcome for rule in verdict.rules}


def test_evidence_within_every_limit_passes_and_says_how(trial: LoadPolicy) -> None:
    verdict = judge_evidence(trial(), "erase", GOOD)

    assert verdict.outcome is Outcome.PASS
    [specificity, efficacy] = verdict.rules
    assert (specificity.rule, specificity.limit) == ("specificity", ">= 0.7")
    assert (specificity.bound, specificity.value, specificity.n) == (
        "ci_lower",
        0.9,
        140,
    )
    assert specificity.message == "0.83 >= 0.7 holds"
    assert (efficacy.bound, efficacy.message) == ("point", "0.95 >= 0.8 holds")


@pytest.mark.parametrize(
    ("value", "low", "outcome"),
    [(0.9, 0.7, "PASS"), (0.9, 0.6999, "FAIL"), (0.6, 0.71, "PASS")],
)
def test_the_bound_is_compared_not_the_value(
    trial: LoadPolicy, value: float, low: float, outcome: str
) -> None:
    found = outcomes(trial(), Metric("specificity", value, low, 0.99, 140), GOOD[1])

    assert found["specificity"] == outcome


def test_a_missing_metric_is_missing_and_fails_the_verdict(trial: LoadPolicy) -> None:
    assert outcomes(trial(), GOOD[0]) == {"specificity": "PASS", "efficacy": "MISSING"}


def test_an_interval_that_is_not_there_is_missing(trial: LoadPolicy) -> None:
    found = outcomes(trial(), Metric("specificity", 0.9, n=140), GOOD[1])

    assert found["specificity"] == "MISSING"


@pytest.mark.parametrize("figure", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("place", ["value", "low"])
def test_what_is_no_number_fails_and_is_not_recorded_as_one(
    trial: LoadPolicy, figure: float, place: str
) -> None:
    figures = {"value": 0.9, "low": 0.8, place: figure}
    metric = Metric("specificity", figures["value"], figures["low"], 0.95, 140)

    verdict = judge_evidence(trial(), "erase", [metric, GOOD[1]])

    rule = verdict.rules[0]
    assert (rule.outcome, rule.message) == (Outcome.FAIL, "not a number")
    assert None in (rule.value, rule.low)


@pytest.mark.parametrize("n", [39, 0, None])
def test_too_few_trials_fail_however_good_the_figure(
    trial: LoadPolicy, n: int | None
) -> None:
    verdict = judge_evidence(
        trial(), "erase", [Metric("specificity", 1.0, 0.95, 1.0, n), GOOD[1]]
    )

    assert verdict.outcome is Outcome.FAIL
    assert verdict.rules[0].message == f"expected n >= 40, found {n or 0}"


def test_the_strictest_of_two_thresholds_decides(trial: LoadPolicy) -> None:
    lax = '    - {metric: efficacy, op: ">=", value: 0.1}\n'
    strict = '    - {metric: efficacy, op: ">", value: 0.95}\n'
    policy = trial(("  thresholds:\n", f"  thresholds:\n{lax}{strict}"))

    assert judge_evidence(policy, "erase", GOOD).outcome is Outcome.FAIL
    better = (GOOD[0], Metric("efficacy", 0.96))
    assert judge_evidence(policy, "erase", better).outcome is Outcome.PASS


@pytest.mark.parametrize(
    ("low", "value", "high", "outcome"),
    [
        (0.40, 0.5, 0.60, "PASS"),
        (0.36, 0.5, 0.64, "PASS"),
        (0.34, 0.45, 0.56, "FAIL"),
        (0.44, 0.55, 0.66, "FAIL"),
        (0.80, 0.9, 0.95, "FAIL"),
        (math.nan, 0.5, 0.6, "FAIL"),
        (0.4, 0.5, math.nan, "FAIL"),
    ],
)
def test_a_ratios_whole_interval_must_lie_near_the_wanted_one(
    trial: LoadPolicy, low: float, value: float, high: float, outcome: str
) -> None:
    found = outcomes(
        trial(),
        GOOD[0],
        Metric("ratio.female", value, low, high, 160, target=0.5),
        action="debias",
    )

    assert found == {"specificity": "PASS", "ratio.female": outcome}


def test_every_attribute_is_held_to_the_limit(trial: LoadPolicy) -> None:
    found = outcomes(
        trial(),
        GOOD[0],
        Metric("ratio.female", 0.5, 0.42, 0.58, 160, target=0.5),
        Metric("ratio.male", 0.9, 0.85, 0.95, 160, target=0.5),
        action="debias",
    )

    assert found["ratio.female"] == "PASS"
    assert found["ratio.male"] == "FAIL"


def test_an_attribute_that_was_not_measured_is_missing(trial: LoadPolicy) -> None:
    female = Metric("ratio.female", 0.5, 0.42, 0.58, 160, target=0.5)

    verdict = judge_evidence(
        trial(), "debias", [GOOD[0], female], expected=["ratio.female", "ratio.male"]
    )

    assert verdict.outcome is Outcome.FAIL
    assert [(rule.rule, rule.outcome) for rule in verdict.rules] == [
        ("specificity", Outcome.PASS),
        ("ratio.female", Outcome.PASS),
        ("ratio.male", Outcome.MISSING),
    ]


def test_a_ratio_without_a_wanted_value_is_missing(trial: LoadPolicy) -> None:
    found = outcomes(
        trial(), GOOD[0], Metric("ratio.x", 0.5, 0.4, 0.6, 160), action="debias"
    )

    assert found["ratio.x"] == "MISSING"


def test_audit_states_the_failure_and_does_not_block(trial: LoadPolicy) -> None:
    policy = trial(("spec:\n", "spec:\n  enforcement: audit\n"))

    verdict = judge_evidence(policy, "erase", [])

    assert verdict.outcome is Outcome.FAIL
    assert not blocks(policy, verdict)


def test_the_default_policy_passes_a_good_edit_and_fails_a_careless_one(
    default: Policy,
) -> None:
    # Wilson intervals of 46/48, 65/72, 126/140 and of 77/140.
    good = (
        Metric("efficacy", 0.958, 0.860, 0.988, 48),
        Metric("generality", 0.903, 0.813, 0.952, 72),
        Metric("specificity", 0.900, 0.839, 0.939, 140),
        Metric("interference", 0.0),
        Metric("condition", 4.0e6),
    )
    careless = (*good[:2], Metric("specificity", 0.55, 0.467, 0.630, 140), *good[3:])

    assert set(outcomes(default, *good, action="update").values()) == {"PASS"}
    assert outcomes(default, *careless, action="update")["specificity"] == "FAIL"
