"""What an export says was measured: a function of evidence, policy and requests.

The same at export and at verification, so that figures can be made again and compared.
"""

from collections.abc import Iterable, Iterator, Mapping

from governance.canonical import JSON
from governance.domain.request import EditRequest
from governance.errors import IntegrityError
from governance.policy.evidence import Metric, judge_evidence
from governance.policy.model import Policy
from governance.policy.outcome import Outcome
from governance.snapshots.inputs import ExportedResult, Measured
from governance.snapshots.request_words import inner, listed, objects

_FIELDS = frozenset(("name", "value", "low", "high", "n", "target"))


def metrics_of(document: Mapping[str, JSON], edit: str) -> tuple[Metric, ...]:
    """Read one edit's metrics back from evidence.

    Args:
        document: Evidence.
        edit: Edit id.

    Raises:
        IntegrityError: A metric lacks a field.
    """
    return tuple(_metric(row) for row in objects(inner(document, "metrics"), edit))


def images_of(document: Mapping[str, JSON]) -> tuple[str, ...]:
    """Return the digest of every image an evidence document names, sheets first."""
    names = dict.fromkeys(str(item) for item in listed(document, "sheets"))
    for row in objects(document, "images"):
        for column in ("base", "live", "candidate"):
            if row.get(column) is not None:
                names[str(row[column])] = None
    return tuple(names)


def rules_of(
    policy: Policy,
    requests: Mapping[str, EditRequest],
    document: Mapping[str, JSON],
) -> tuple[str, list[dict[str, JSON]]]:
    """Hold evidence against a policy's thresholds, each edit by its own action.

    Args:
        policy: The policy.
        requests: The edits that were measured, by id.
        document: Evidence.

    Returns:
        Outcome and ``{edit, rule, outcome, value, limit, bound, n, ...}`` each.
    """
    rules: list[dict[str, JSON]] = []
    passed = bool(requests)
    for name, request in requests.items():
        verdict = judge_evidence(
            policy,
            request.action.value,
            metrics_of(document, name),
            expected=[f"ratio.{item.name}" for item in request.attributes],
        )
        passed = passed and verdict.outcome is Outcome.PASS
        prefix = f"{name} " if len(requests) > 1 else ""
        rules.extend(
            {
                "edit": name,
                "rule": f"{prefix}{rule.rule}",
                "outcome": rule.outcome.value,
                "value": rule.value,
                "limit": rule.limit,
                "bound": rule.bound,
                "n": rule.n,
                "low": rule.low,
                "high": rule.high,
                "message": rule.message,
            }
            for rule in verdict.rules
        )
    return ("PASS" if passed else "FAIL"), rules


def results_of(
    document: Mapping[str, JSON], rules: Iterable[Mapping[str, JSON]], edit: str
) -> Iterator[ExportedResult]:
    """Yield what a check measured of one edit, against what policy wants.

    Args:
        document: Evidence.
        rules: What the check made of it, as its entry holds it.
        edit: Edit id.
    """
    before = _before(document, edit)
    wanted = _first(row for row in rules if row.get("edit") == edit)
    for metric in metrics_of(document, edit):
        rule = wanted.get(metric.name) or wanted.get(f"{edit} {metric.name}") or {}
        yield ExportedResult(
            edit=edit,
            metric=metric.name,
            before=before.get(metric.name),
            after=_measured(metric),
            limit=str(rule.get("limit", "")),
            bound=str(rule.get("bound", "")),
            outcome=str(rule.get("outcome", "")),
            value=metric.value,
        )


def _first(rows: Iterable[Mapping[str, JSON]]) -> dict[str, Mapping[str, JSON]]:
    """Index rows by their rule; where one stands twice, the first counts."""
    found: dict[str, Mapping[str, JSON]] = {}
    for row in rows:
        found.setdefault(str(row.get("rule")), row)
    return found


def _metric(row: Mapping[str, JSON]) -> Metric:
    if not row.keys() >= _FIELDS:
        raise IntegrityError(f"a metric in the evidence lacks one of {sorted(_FIELDS)}")
    n = row["n"]
    return Metric(
        name=str(row["name"]),
        value=_number(row["value"]),
        low=_number(row["low"]),
        high=_number(row["high"]),
        n=n if isinstance(n, int) and not isinstance(n, bool) else None,
        target=_number(row["target"]),
    )


def _number(value: JSON) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value)


def _before(document: Mapping[str, JSON], edit: str) -> dict[str, Measured]:
    """Return what the base showed, where the checks wrote it down."""
    rows = inner(inner(inner(document, "details"), "before"), edit)
    found = {}
    for metric in rows:
        figure = inner(inner(rows, metric), "base")
        share = [_number(figure.get(key)) for key in ("value", "low", "high")]
        n = figure.get("n")
        match (*share, n):
            case float(value), float(low), float(high), int(trials):
                found[metric] = Measured(value, low, high, trials)
            case _:
                continue
    return found


def _measured(metric: Metric) -> Measured | None:
    if metric.value is None or metric.n is None:
        return None
    low = metric.value if metric.low is None else metric.low
    high = metric.value if metric.high is None else metric.high
    return Measured(metric.value, low, high, metric.n)
