"""Judge a proposal: facts in, findings out."""

from collections.abc import Iterator, Mapping, Sequence

from governance.canonical import JSON
from governance.domain.request import EditRequest
from governance.policy.conflicts import conflict_findings, dropped_preserve
from governance.policy.model import Policy, ProtectedConcept, Range
from governance.policy.outcome import Finding, Outcome
from governance.policy.templates import seams_of
from governance.policy.texts import texts_of
from governance.text import pairs_of_letters, safe, words_match

_COUNTED = ("concepts", "preserve")


def judge_proposal(
    policy: Policy, request: EditRequest, live: Mapping[str, EditRequest]
) -> tuple[Finding, ...]:
    """Judge a request by the policy in force and the edits that are live.

    Args:
        policy: The policy in force.
        request: The proposal.
        live: Live edits of the same model, by id.

    Returns:
        One finding or more per rule, in a fixed order.
    """
    return (
        *judge_request(policy, request),
        *conflict_findings(policy.spec.conflicts, request, live),
    )


def judge_request(policy: Policy, request: EditRequest) -> tuple[Finding, ...]:
    """Judge a request by itself, whatever is live.

    Args:
        policy: The policy in force.
        request: The proposal.

    Returns:
        One finding or more per rule, in a fixed order.
    """
    return (
        _method_finding(policy, request),
        *_limit_findings(policy, request),
        *_protected_findings(policy, request),
        _imports_finding(policy, request),
    )


def refused(policy: Policy, findings: Sequence[Finding]) -> bool:
    """Say whether the findings stop a proposal.

    Args:
        policy: The policy in force.
        findings: What it found.

    Returns:
        True where one did not pass; never under ``enforcement: audit``.
    """
    blocking = any(finding.outcome is not Outcome.PASS for finding in findings)
    return blocking and policy.spec.enforcement == "enforce"


def preserve_to_drop(
    policy: Policy, request: EditRequest, live: Mapping[str, EditRequest]
) -> tuple[str, ...]:
    """List the preserved texts that the policy leaves out of the solve.

    Args:
        policy: The policy in force.
        request: The edit.
        live: Live edits of the same model, by id.

    Returns:
        The texts as written; none unless ``conflicts`` is ``drop_preserve``.
    """
    if policy.spec.conflicts != "drop_preserve":
        return ()
    return dropped_preserve(request, live)


def required_approvals(policy: Policy, requests: Sequence[EditRequest]) -> int:
    """Say how many approvals a candidate needs.

    Args:
        policy: The policy in force.
        requests: Every edit that is new in the candidate.

    Returns:
        The strictest number of every rule that matches.
    """
    raised = [
        rule.required_approvals or 0
        for request in requests
        for rule in policy.spec.protected_concepts
        if rule.rule == "approvals" and _matches(rule, request)
    ]
    return max([policy.spec.required_approvals, *raised])


def _method_finding(policy: Policy, request: EditRequest) -> Finding:
    rule = policy.spec.actions.get(request.action)
    if rule is None:
        allowed = ", ".join(sorted(policy.spec.actions))
        message = f"action {request.action} is not allowed; allowed: {allowed}"
        return Finding("actions", Outcome.FAIL, message)
    methods = ", ".join(rule.methods)
    if request.method not in rule.methods:
        message = (
            f"method {request.method} is not allowed for {request.action}; "
            f"allowed: {methods}"
        )
        return Finding("methods", Outcome.FAIL, message)
    message = f"{request.action} by {request.method} is allowed"
    return Finding("methods", Outcome.PASS, message)


def _limit_findings(policy: Policy, request: EditRequest) -> Iterator[Finding]:
    rule = policy.spec.actions.get(request.action)
    for name, limit in sorted(rule.limits.items()) if rule else ():
        yield _limit_finding(name, limit, request)


def _limit_finding(name: str, limit: Range, request: EditRequest) -> Finding:
    rule = f"limits.{safe(name, 80)}"
    value = _limited(name, request)
    wanted = _range_in_words(limit)
    if value is None:
        message = f"{name} is not written in the request; expected {wanted}"
        return Finding(rule, Outcome.MISSING, message)
    if isinstance(value, bool) or not isinstance(value, int | float):
        found = safe(str(value), 80)
        return Finding(rule, Outcome.FAIL, f"expected {wanted}, found '{found}'")
    low = limit.min is None or value >= limit.min
    high = limit.max is None or value <= limit.max
    outcome = Outcome.PASS if low and high else Outcome.FAIL
    return Finding(rule, outcome, f"expected {wanted}, found {value:g}")


def _limited(name: str, request: EditRequest) -> JSON:
    if name in _COUNTED:
        return len(getattr(request, name))
    return request.parameters.get(name)


def _range_in_words(limit: Range) -> str:
    if limit.min is None:
        return f"at most {limit.max:g}"
    if limit.max is None:
        return f"at least {limit.min:g}"
    return f"{limit.min:g} to {limit.max:g}"


def _protected_findings(policy: Policy, request: EditRequest) -> Iterator[Finding]:
    for rule in policy.spec.protected_concepts:
        name = f"protected.{safe(rule.name, 80)}"
        match = _matches(rule, request)
        if match is None:
            message = "no protected word in any text of the request"
            yield Finding(name, Outcome.PASS, message)
        elif rule.rule == "refuse":
            reason = f": {safe(rule.reason, 300)}" if rule.reason else ""
            yield Finding(name, Outcome.FAIL, f"{match} is protected{reason}")
        else:
            message = f"{match} is protected: needs {rule.required_approvals} approvals"
            yield Finding(name, Outcome.PASS, message)


def _matches(rule: ProtectedConcept, request: EditRequest) -> str | None:
    if request.action not in rule.actions:
        return None
    for field, text in texts_of(request):
        for word in rule.words:
            if words_match(word, text):
                return f"'{safe(word)}' in {safe(field)} ('{safe(text, 120)}')"
    return _put_together(rule, request)


def _put_together(rule: ProtectedConcept, request: EditRequest) -> str | None:
    """Find what no text holds by itself, but a template makes of one."""
    seams = seams_of(request)
    for word in rule.words if seams.templates else ():
        for text in seams.joined(pairs_of_letters(word)):
            if words_match(word, text):
                return (
                    f"'{safe(word)}' in spec.parameters.templates ('{safe(text, 120)}')"
                )
    return None


def _imports_finding(policy: Policy, request: EditRequest) -> Finding:
    given = [
        name
        for name, present in (
            ("values", request.values is not None),
            ("images", any(concept.images for concept in request.concepts)),
            ("alpha", any(item.alpha is not None for item in request.attributes)),
        )
        if present
    ]
    if not given:
        return Finding("imported_targets", Outcome.PASS, "nothing is imported")
    names = ", ".join(given)
    if policy.spec.allow_imported_targets:
        return Finding("imported_targets", Outcome.PASS, f"imported: {names}; allowed")
    message = f"the request imports {names}; the policy allows no imported targets"
    return Finding("imported_targets", Outcome.FAIL, message)
