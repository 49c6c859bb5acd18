"""Judge evidence: every threshold that matches must hold, and nothing may be missing."""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from governance.domain.request import Action
from governance.policy.model import Policy, Threshold
from governance.policy.outcome import Outcome


@dataclass(frozen=True, slots=True)
class Metric:
    """One measured figure.

    Args:
        name: Such as ``specificity`` or ``ratio.female``.
        value: The figure; ``None`` where it could not be measured.
        low: Lower end of its interval.
        high: Upper end of its interval.
        n: Trials it rests on.
        target: Wanted value, for thresholds with ``within``.
    """

    name: str
    value: float | None
    low: float | None = None
    high: float | None = None
    n: int | None = None
    target: float | None = None


@dataclass(frozen=True, slots=True)
class RuleOutcome:
    """One threshold against one metric, in the contract's names."""

    rule: str
    outcome: Outcome
    value: float | None
    limit: str
    bound: str
    n: int | None
    message: str
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """All thresholds together: PASS only where every one passed."""

    outcome: Outcome
    rules: tuple[RuleOutcome, ...]


def judge_evidence(
    policy: Policy,
    action: str,
    metrics: Iterable[Metric],
    *,
    expected: Iterable[str] = (),
) -> Verdict:
    """Hold an edit's metrics against the thresholds for its action.

    Args:
        policy: The policy in force.
        action: The edit's action.
        metrics: What was measured, each name once.
        expected: Names that must be among them, such as each attribute's ratio.

    Returns:
        The verdict. A threshold whose metric is absent is MISSING; one whose figure
        is not a number, rests on too few trials or lies beyond the limit is FAIL.
        Where several thresholds match, each counts: the strictest decides.
    """
    measured = tuple(metrics)
    names = {metric.name for metric in measured}
    found = (*measured, *(Metric(name, None) for name in expected if name not in names))
    acted = Action(action)
    wanted = [item for item in policy.spec.thresholds if acted in item.actions]
    rules = tuple(rule for item in wanted for rule in _judged(item, found))
    passed = bool(rules) and all(rule.outcome is Outcome.PASS for rule in rules)
    return Verdict(Outcome.PASS if passed else Outcome.FAIL, rules)


def blocks(policy: Policy, verdict: Verdict) -> bool:
    """Say whether a verdict keeps a candidate from going live.

    Args:
        policy: The policy in force.
        verdict: What it makes of the evidence.

    Returns:
        True unless it passed; never under ``enforcement: audit``.
    """
    failed = verdict.outcome is not Outcome.PASS
    return failed and policy.spec.enforcement == "enforce"


def _judged(threshold: Threshold, metrics: tuple[Metric, ...]) -> Iterator[RuleOutcome]:
    matching = [item for item in metrics if _names(threshold.metric, item.name)]
    if not matching:
        missing = Metric(threshold.metric, None)
        yield _outcome(threshold, missing, Outcome.MISSING, "not measured")
    for metric in matching:
        yield _outcome(threshold, metric, *_compare(threshold, metric))


def _names(pattern: str, name: str) -> bool:
    if pattern.endswith(".*"):
        return name.startswith(pattern[:-1])
    return name == pattern


def _compare(threshold: Threshold, metric: Metric) -> tuple[Outcome, str]:
    compared = _compared(threshold, metric)
    if compared is None:
        return Outcome.MISSING, "not measured, or measured without what it is held to"
    if not all(map(math.isfinite, (compared, metric.value or 0.0))):
        return Outcome.FAIL, "not a number"
    if (metric.n or 0) < threshold.min_n:
        found = metric.n or 0
        return Outcome.FAIL, f"expected n >= {threshold.min_n}, found {found}"
    holds = _holds(threshold.op, compared, threshold.value)
    word = "holds" if holds else "does not hold"
    message = f"{compared:.4g} {limit_in_words(threshold)} {word}"
    return (Outcome.PASS if holds else Outcome.FAIL), message


def _compared(threshold: Threshold, metric: Metric) -> float | None:
    """Return the number that is compared, or nothing where it is not there."""
    value, low, high = metric.value, metric.low, metric.high
    if value is None:
        return None
    if threshold.op == "within":
        return _distance(threshold.bound, metric)
    ends = {"point": value, "ci_lower": low, "ci_upper": high}
    return ends[threshold.bound]


def _distance(bound: str, metric: Metric) -> float | None:
    """Return a distance from the wanted value, or an end of that distance's interval."""
    if metric.value is None or metric.target is None:
        return None
    if bound == "point":
        return abs(metric.value - metric.target)
    if metric.low is None or metric.high is None:
        return None
    below, above = metric.target - metric.low, metric.high - metric.target
    # NaN in either end must not be lost in a maximum.
    if math.isnan(below) or math.isnan(above):
        return math.nan
    return max(below, above) if bound == "ci_upper" else max(-below, -above, 0.0)


def _holds(operator: str, compared: float, limit: float) -> bool:
    match operator:
        case ">=":
            return compared >= limit
        case ">":
            return compared > limit
        case "<":
            return compared < limit
        case _:  # "<=" and "within"
            return compared <= limit


def limit_in_words(threshold: Threshold) -> str:
    """Return operator and limit, such as ``>= 0.7``."""
    return f"{threshold.op} {threshold.value:g}"


def _outcome(
    threshold: Threshold, metric: Metric, outcome: Outcome, message: str
) -> RuleOutcome:
    return RuleOutcome(
        rule=metric.name,
        outcome=outcome,
        value=_finite(metric.value),
        limit=limit_in_words(threshold),
        bound=threshold.bound,
        n=metric.n,
        message=message,
        low=_finite(metric.low),
        high=_finite(metric.high),
    )


def _finite(number: float | None) -> float | None:
    # The ledger's JSON has no NaN; the message says what became of it.
    return number if number is not None and math.isfinite(number) else None
