"""One edit as text: for people, pipes and screen readers."""

import json
from collections.abc import Sequence

from governance.cli.output import print_line, print_missing, print_table
from governance.service.views import EditDetail, RollbackView, RuleResult, to_json

_NOTHING = "nothing is imported"


def print_detail(detail: EditDetail, *, only_evidence: bool = False) -> None:
    """Print an edit, or only its evidence.

    Args:
        detail: The edit.
        only_evidence: Leave out request, certificate and signatures.
    """
    print_line(f"{detail.id}  {detail.state}  evidence {detail.evidence}")
    print_line(f"candidate  {detail.candidate or 'none'}")
    print_line(f"evidence   {detail.evidence_digest or 'none'}")
    _evidence(detail)
    if only_evidence:
        return
    _certificate(detail)
    _given_and_found(detail)
    print_line("request")
    body = json.dumps(to_json(detail.request), indent=2, ensure_ascii=False)
    for line in body.splitlines():
        print_line(f"  {line}")
    _signatures(detail)


def _evidence(detail: EditDetail) -> None:
    if detail.verdict is None:
        return
    print_line(f"verdict    {detail.verdict.outcome}")
    print_table(
        ("", "RULE", "VALUE", "INTERVAL", "LIMIT", "ON", "N"),
        [_rule(rule) for rule in detail.verdict.rules],
    )


def _rule(rule: RuleResult) -> tuple[str, ...]:
    def number(value: float | None) -> str:
        return "-" if value is None else f"{value:.3g}"

    interval = f"{number(rule.low)}..{number(rule.high)}"
    count = "-" if rule.n is None else str(rule.n)
    return (
        rule.outcome,
        rule.rule,
        number(rule.value),
        "-" if rule.low is None else interval,
        rule.limit,
        rule.bound,
        count,
    )


def _certificate(detail: EditDetail) -> None:
    if not detail.certificate:
        return
    print_table(
        ("EDIT", "SOURCE", "RESIDUAL", "DRIFT", "CONDITION", "NOTE"),
        [
            (
                row.edit,
                row.source,
                f"{row.residual:.3g}",
                f"{row.drift:.3g}",
                f"{row.condition:.3g}",
                row.note,
            )
            for row in detail.certificate
        ],
    )


def _given_and_found(detail: EditDetail) -> None:
    """Say what came from outside, and by which digests apply's results are known."""
    for finding in detail.findings:
        if finding.rule == "imported_targets" and finding.message != _NOTHING:
            print_line(f"{finding.outcome}  {finding.message}")
    for name in ("values", "statistics"):
        if name in detail.resolved:
            print_line(f"{name}  {detail.resolved[name]}")


def _signatures(detail: EditDetail) -> None:
    for item in detail.signoffs:
        print_line(f"{item.decision}  {item.principal}  {item.time}")
    _taking_back(detail)
    for missing in detail.missing:
        print_line(f"still missing: {missing}")
    print_rollbacks(detail.rollbacks)
    for line in detail.verify_lines:
        print_line(line)


def _taking_back(detail: EditDetail) -> None:
    """Print who signed for taking it out, why, and what came of it."""
    for hand in detail.taking_back:
        signed = hand.signoff
        print_line(
            f"{signed.decision}  {signed.principal}  {signed.time}  "
            f"reason: {hand.reason}  ({hand.fate})"
        )


def print_rollbacks(rollbacks: Sequence[RollbackView]) -> None:
    """Print the rollbacks that wait, who signed for them, and what is missing."""
    for rollback in rollbacks:
        who = ", ".join(item.principal for item in rollback.signoffs)
        print_line(f"{rollback.action} to {rollback.snapshot}  signed by {who}")
        print_missing(rollback.missing)
