"""Try policies on cases: the same judgements as in a workspace, on made-up facts."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from governance.canonical import sha256_hex
from governance.domain.events import EditsChecked
from governance.domain.request import EditRequest
from governance.domain.roster import Reviewer, Roster
from governance.domain.signoff import Signed
from governance.errors import NotFoundError, RequestError
from governance.ledger.entry import timestamp
from governance.policy.cases import CaseSignOff, PolicyCase, load_cases
from governance.policy.evaluate import judge_proposal, refused, required_approvals
from governance.policy.evidence import Metric, blocks, judge_evidence
from governance.policy.files import load_policy, shipped_policies
from governance.policy.model import Policy
from governance.policy.outcome import Outcome
from governance.policy.signoffs import Proposal, Subject, judge_signoffs
from governance.service.readiness import check_refusal
from governance.service.records import CaseView, RuleTried, TrialView

_NOW = datetime(2026, 1, 1, tzinfo=UTC)
# The roster is made, then it is signed, then keys are revoked, then it is used.
_JOINED, _SIGNED, _REVOKED, _USED = 1, 2, 3, 4
_CANDIDATE, _EVIDENCE = "candidate", "evidence"
_WORST = (Outcome.PASS, Outcome.MISSING, Outcome.FAIL)


@dataclass(slots=True)
class _Found:
    """Outcomes by rule, the worst where several have one name.

    Args:
        rules: Rule to outcome and message.
        stopped: Whether something keeps the edit from going live.
    """

    rules: dict[str, tuple[Outcome, str]] = field(default_factory=dict)
    stopped: bool = False

    def add(self, rule: str, outcome: Outcome, message: str) -> None:
        known = self.rules.get(rule)
        if known is None or _WORST.index(outcome) > _WORST.index(known[0]):
            self.rules[rule] = (outcome, message)


def run_cases(files: Sequence[Path]) -> TrialView:
    """Try every case of every file.

    Args:
        files: Case files, or folders of them.

    Returns:
        Each case with what was expected and found; ``ok`` where all agree.

    Raises:
        NotFoundError: A file, or a policy it names, does not exist.
        RequestError: A file, or a policy it names, is wrong.
    """
    policies: dict[Path, Policy] = {}
    cases = tuple(_tried(case, policies) for case in _all(files))
    if not cases:
        shown = ", ".join(str(file) for file in files)
        raise NotFoundError(f"no cases in {shown}", "Name a case file.")
    return TrialView(ok=all(case.ok for case in cases), cases=cases)


def _all(files: Iterable[Path]) -> Iterator[PolicyCase]:
    for file in files:
        for path in sorted(file.glob("*.yaml")) if file.is_dir() else (file,):
            yield from load_cases(path)


def _tried(case: PolicyCase, policies: dict[Path, Policy]) -> CaseView:
    path = shipped_policies().get(case.policy, case.file.parent / case.policy)
    if path not in policies:
        policies[path] = load_policy(path)
    found = _judge(policies[path], case)
    rows = tuple(_rows(case, found))
    return CaseView(
        title=case.title,
        file=case.file,
        policy=case.policy,
        ok=all(row.ok for row in rows),
        rules=rows,
    )


def _rows(case: PolicyCase, found: _Found) -> Iterator[RuleTried]:
    refused_request = found.rules["request"]
    unjudged = "nothing judged this rule"
    if refused_request[0] is not Outcome.PASS:
        unjudged = f"no request: {refused_request[1]}"
    for name, wanted in case.expected.items():
        outcome, message = found.rules.get(name, (None, unjudged))
        yield RuleTried(name, wanted.value, outcome and outcome.value, message)
    live = not found.stopped
    yield RuleTried("live", _word(case.spec.expect.live), _word(live), "")


def _word(value: bool) -> str:  # noqa: FBT001 - the value itself is put into words
    return "yes" if value else "no"


def _judge(policy: Policy, case: PolicyCase) -> _Found:
    found = _Found()
    try:
        request = case.read()
    except RequestError as error:
        found.add("request", Outcome.FAIL, error.message)
        found.stopped = True
        return found
    found.add("request", Outcome.PASS, "it is a request")
    findings = judge_proposal(policy, request, case.read_live())
    for item in findings:
        found.add(item.rule, item.outcome, item.message)
    found.stopped |= refused(policy, findings)
    _judge_evidence(policy, case, request, found)
    _judge_signoffs(policy, case, request, found)
    return found


def _judge_evidence(
    policy: Policy, case: PolicyCase, request: EditRequest, found: _Found
) -> None:
    given = case.spec.evidence
    if given is None:
        found.add("evidence", Outcome.MISSING, "there is none")
        found.stopped = True
        return
    metrics = [
        Metric(item.metric, item.value, item.low, item.high, item.n, item.target)
        for item in given.figures
    ]
    ratios = [f"ratio.{item.name}" for item in request.attributes]
    verdict = judge_evidence(policy, request.action, metrics, expected=ratios)
    for rule in verdict.rules:
        found.add(rule.rule, rule.outcome, rule.message)
    own = sha256_hex(b"a suite of one's own")
    check = EditsChecked(
        edits=[],
        candidate=_CANDIDATE,
        evidence=_EVIDENCE,
        suite=policy.suite.digest if given.suite == "policy" else own,
        policy=policy.digest if given.judged_by == "policy" else own,
        outcome=Outcome.PASS.value,
        rules=[],
    )
    refusal = check_refusal(policy, check, "the edit")
    outcome = Outcome.PASS if refusal is None else Outcome.FAIL
    message = "it is the policy's own" if refusal is None else refusal.message
    found.add("evidence", outcome, message)
    found.stopped |= blocks(policy, verdict) or refusal is not None


def _judge_signoffs(
    policy: Policy, case: PolicyCase, request: EditRequest, found: _Found
) -> None:
    roster = _roster(case)
    proposer = case.spec.proposer
    key = _key(roster, proposer.principal, proposer.key) if proposer.signed else None
    subject = Subject((request.digest,), _CANDIDATE, _EVIDENCE, policy.digest)
    signed = [_signed(subject, roster, item) for item in case.spec.signoffs]
    approval = judge_signoffs(
        policy,
        subject,
        signed,
        [Proposal(proposer.principal, key)],
        roster,
        at=_USED,
        now=timestamp(_NOW),
        required=required_approvals(policy, [request]),
    )
    for item in approval.counted:
        found.add(f"signoff.{item.principal}", Outcome.PASS, "it counts")
    for item, why in approval.dismissed:
        found.add(f"signoff.{item.principal}", Outcome.FAIL, why)
    complete = not approval.missing
    message = "complete" if complete else f"missing: {', '.join(approval.missing)}"
    outcome = Outcome.PASS if complete else Outcome.MISSING
    found.add("approvals", outcome, message)
    found.stopped |= not complete


def _roster(case: PolicyCase) -> Roster:
    return Roster(
        tuple(
            Reviewer(
                principal=person.principal,
                key=person.key or f"key of {person.principal}",
                roles=person.roles,
                since=_JOINED,
                until=_REVOKED if person.revoked else None,
            )
            for person in case.spec.roster
        )
    )


def _key(roster: Roster, principal: str, given: str | None) -> str:
    """Return the key somebody signs with: the one named, else their own."""
    known = roster.find(principal, _SIGNED)
    own = f"key of {principal}" if known is None else known.key
    return given or own


def _signed(subject: Subject, roster: Roster, given: CaseSignOff) -> Signed:
    reviewer = roster.find(given.principal, _SIGNED)
    first = next(iter(reviewer.roles), "") if reviewer is not None else ""
    statement: Mapping[str, str | list[str]] = {
        "candidate": subject.candidate,
        "evidence": subject.evidence,
        "policy": subject.policy,
        "edits": list(subject.edits),
        "principal": given.principal,
    }
    said = {
        name: "something else" if name in given.about else value
        for name, value in statement.items()
    }
    return Signed(
        principal=given.principal,
        key=_key(roster, given.principal, given.key),
        document={**said, "decision": given.decision, "role": given.role or first},
        signature="",
        sequence=_SIGNED,
        time=timestamp(_NOW - timedelta(days=given.days_ago)),
    )
