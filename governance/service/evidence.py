"""Evidence documents: what was measured, as data that is signed by its digest."""

import math
from collections.abc import Mapping, Sequence

from governance.canonical import JSON
from governance.checks.seeds import seeds_for
from governance.domain.events import Document
from governance.domain.request import EditRequest
from governance.domain.state import WorkspaceState
from governance.errors import IntegrityError
from governance.ledger.store import ObjectStore
from governance.policy.evidence import Metric
from governance.policy.model import Policy
from governance.policy.outcome import Outcome
from governance.service.fields import table, tables, text, whole
from governance.service.ports import Measurement, Shot, Subject
from governance.service.stored import put_document, request_of, stored_document
from governance.snapshots.measured import images_of as images_of
from governance.snapshots.measured import rules_of
from governance.text import safe

EVIDENCE_FORMAT = "governance/evidence/v1"


def evidence_document(subject: Subject, found: Measurement) -> dict[str, JSON]:
    """Write down what was measured, on what, by which suite.

    Args:
        subject: What was measured.
        found: What came out.

    Returns:
        The document whose digest reviewers sign.
    """
    return {
        "format": EVIDENCE_FORMAT,
        "model": subject.model.digest,
        "edits": {item.id: item.request.digest for item in subject.edits},
        "base": subject.model.base,
        "live": subject.live.digest,
        "candidate": subject.candidate.digest,
        "suite": subject.suite.digest,
        "metrics": {
            name: [_metric_document(item) for item in metrics]
            for name, metrics in found.metrics.items()
        },
        "images": [_shot_document(shot) for shot in found.shots],
        "sheets": list(found.sheets),
        "details": found.details,
    }


def _metric_document(metric: Metric) -> dict[str, JSON]:
    return {
        "name": metric.name,
        "value": _finite(metric.value),
        "low": _finite(metric.low),
        "high": _finite(metric.high),
        "n": metric.n,
        "target": _finite(metric.target),
    }


def _finite(value: float | None) -> float | None:
    """Return a number JSON can hold; one that is none was not measured."""
    return value if value is not None and math.isfinite(value) else None


def _shot_document(shot: Shot) -> dict[str, JSON]:
    return {
        "edit": shot.edit,
        "prompt": shot.prompt,
        "seed": shot.seed,
        "base": shot.base,
        "live": shot.live,
        "candidate": shot.candidate,
    }


def read_evidence(store: ObjectStore, digest: str) -> Mapping[str, JSON]:
    """Read an evidence document back, re-hashed.

    Raises:
        NotFoundError: It is not there.
        IntegrityError: It changed, or is no evidence.
    """
    document = stored_document(store, digest)
    if document.get("format") != EVIDENCE_FORMAT:
        raise IntegrityError(f"object {digest[:12]} is no evidence")
    return document


def check_evidence(store: ObjectStore, digest: str) -> Mapping[str, JSON]:
    """Re-hash an evidence document and every image it names.

    Raises:
        NotFoundError: Something of it is missing.
        IntegrityError: Something of it changed, or somebody chose its seeds.
    """
    document = read_evidence(store, digest)
    _check_seeds(document, digest)
    for image in images_of(document):
        store.check(image)
    return document


def _check_seeds(document: Mapping[str, JSON], digest: str) -> None:
    """Refuse images of other seeds than candidate and suite lead to, from the first."""
    drawn: dict[str, set[int]] = {}
    for row in tables(document, "images"):
        drawn.setdefault(text(row, "prompt"), set()).add(whole(row, "seed"))
    candidate, suite = text(document, "candidate"), text(document, "suite")
    for prompt, seeds in drawn.items():
        if seeds != set(seeds_for(candidate, suite, prompt, len(seeds))):
            raise IntegrityError(
                f"evidence {digest[:12]}: somebody chose the seeds of "
                f"{safe(prompt, 80)!r}; they follow from candidate and suite",
                "Check the edit again.",
            )


def judged(
    store: ObjectStore,
    state: WorkspaceState,
    policy: Policy,
    edits: Sequence[str],
    document: Mapping[str, JSON],
) -> tuple[str, list[Document]]:
    """Hold evidence against the policy's thresholds, each edit by its own action.

    Args:
        store: Where requests' files are.
        state: The state.
        policy: The policy in force.
        edits: Ids of the candidate's new edits.
        document: Evidence.

    Returns:
        Outcome and ``{edit, rule, outcome, value, limit, bound, n, ...}`` each.
    """
    requests = {name: request_of(store, state.edits[name]) for name in edits}
    return judged_rules(policy, requests, document)


def judged_rules(
    policy: Policy,
    requests: Mapping[str, EditRequest],
    document: Mapping[str, JSON],
) -> tuple[str, list[Document]]:
    """Hold evidence against the policy's thresholds, and say why a judge kept silent.

    Args:
        policy: The policy in force.
        requests: Requests of the candidate's new edits, by id.
        document: Evidence.

    Returns:
        As of :func:`judged`.
    """
    outcome, rules = rules_of(policy, requests, document)
    return outcome, [{**row, "message": _message(document, row)} for row in rules]


def _message(document: Mapping[str, JSON], row: Document) -> str:
    """Return a rule's message, and why a judge kept silent where one did."""
    said, message = details_of(document).get("silent"), text(row, "message")
    if row["outcome"] != Outcome.MISSING or not isinstance(said, list | tuple):
        return message
    edit = text(row, "edit")
    start = f"{edit} {text(row, 'rule').removeprefix(f'{edit} ')}: "
    why = [
        str(line).removeprefix(start) for line in said if str(line).startswith(start)
    ]
    return "; ".join((message, *why))


def store_evidence(store: ObjectStore, document: Mapping[str, JSON]) -> str:
    """Store evidence once every image it names is stored.

    Raises:
        NotFoundError: An image it names is not there.
    """
    for image in images_of(document):
        store.open(image).close()
    return put_document(store, document)


def details_of(document: Mapping[str, JSON]) -> Document:
    """Return what evidence says beside metrics and images."""
    return table(document, "details")
