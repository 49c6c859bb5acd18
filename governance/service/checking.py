"""Check: measure a candidate, store the evidence, let the policy judge it."""

from collections.abc import Mapping
from pathlib import Path

from governance.canonical import JSON
from governance.documents.suite import Suite, load_suite
from governance.domain.events import EditsChecked
from governance.domain.state import Candidate, EditRecord, WorkspaceState
from governance.errors import IntegrityError, UsageError, WrongStateError
from governance.service.evidence import (
    check_evidence,
    evidence_document,
    judged,
    store_evidence,
)
from governance.service.facade import ProgressCallback
from governance.service.fields import table, text
from governance.service.identity import actor_name
from governance.service.planning import check_base, planned, refuse_broken
from governance.service.ports import Subject
from governance.service.selecting import the_edit
from governance.service.stored import check_snapshot
from governance.service.workspace import Workspace


def compute_check(
    workspace: Workspace, name: str, suite_name: str, progress: ProgressCallback
) -> Mapping[str, JSON]:
    """Run a suite on base, live and candidate; writes objects, no entry.

    Args:
        workspace: The workspace.
        name: Edit id.
        suite_name: ``quick`` for the policy's suite, or a suite file.
        progress: Told about every step.

    Returns:
        What :func:`finish_check` records.

    Raises:
        WrongStateError: The edit has no candidate that still stands.
        IntegrityError: A file of the base, or a tensor, changed.
    """
    state = workspace.state
    record, candidate = checkable(state, name)
    suite = _suite(workspace, state, suite_name)
    check_base(workspace.parts.models, state.models[record.model], progress)
    subject = subject_of(workspace, state, candidate, suite)
    found = workspace.parts.checker.check(workspace.place, subject, progress)
    workspace.store.put_bytes(suite.canonical)
    document = evidence_document(subject, found)
    return {
        "edits": list(candidate.edits),
        "candidate": candidate.digest,
        "sequence": candidate.sequence,
        "evidence": store_evidence(workspace.store, document),
        "seconds": dict(found.seconds),
    }


def finish_check(
    workspace: Workspace, result: Mapping[str, JSON]
) -> Mapping[str, JSON]:
    """Judge stored evidence by the policy in force and record the verdict.

    Args:
        workspace: The workspace.
        result: What :func:`compute_check` returned.

    Returns:
        ``{edits, outcome, evidence, rules, metrics, seconds}``.

    Raises:
        WrongStateError: The candidate moved on while it was measured.
        IntegrityError: The evidence is not about this candidate.
    """
    digest = text(result, "evidence")
    evidence = check_evidence(workspace.store, digest)
    with workspace.writing() as writing:
        state = writing.state
        candidate = state.candidates.get(text(result, "candidate"))
        if candidate is None or candidate.sequence != result["sequence"]:
            raise WrongStateError(
                "check: the edit was applied again while it was measured",
                "Check the new candidate.",
            )
        for name in candidate.edits:
            refuse_broken(state, state.edits[name])
        _refuse_foreign(state, candidate, evidence)
        policy = workspace.policy(state)
        outcome, rules = judged(
            workspace.store, state, policy, candidate.edits, evidence
        )
        actor = actor_name(
            workspace.settings, workspace.layout, state.roster, state.size + 1
        )
        event = EditsChecked(
            edits=list(candidate.edits),
            candidate=candidate.digest,
            evidence=digest,
            suite=text(evidence, "suite"),
            policy=policy.digest,
            outcome=outcome,
            rules=rules,
        )
        writing.append(event, actor)
    return {
        "edits": list(event.edits),
        "outcome": outcome,
        "evidence": digest,
        "rules": list(rules),
        "metrics": table(evidence, "metrics"),
        "seconds": table(result, "seconds"),
    }


def checkable(state: WorkspaceState, name: str) -> tuple[EditRecord, Candidate]:
    """Return an edit and its candidate, if that still stands.

    Raises:
        WrongStateError: It was never applied, or something moved on since.
    """
    record = the_edit(state, name)
    if record.candidate is None:
        raise WrongStateError(
            f"{record.id} is {record.state} and has no candidate",
            f"Run `governance edit apply {record.id}`.",
        )
    refuse_broken(state, record)
    return record, state.candidates[record.candidate]


def subject_of(
    workspace: Workspace, state: WorkspaceState, candidate: Candidate, suite: Suite
) -> Subject:
    """Gather what a suite measures for a candidate, everything re-hashed."""
    model = state.models[candidate.model]
    new = set(candidate.edits)
    everything = planned(
        workspace.store,
        state,
        (state.edits[name] for name in sorted(candidate.applied.resolved)),
    )
    return Subject(
        model=model,
        edits=tuple(item for item in everything if item.id in new),
        others=tuple(item for item in everything if item.id not in new),
        live=check_snapshot(workspace.store, candidate.parent),
        candidate=check_snapshot(workspace.store, candidate.digest),
        certificate=tuple(candidate.applied.certificate),
        suite=suite,
    )


def _suite(workspace: Workspace, state: WorkspaceState, name: str) -> Suite:
    policy_suite = workspace.policy(state).suite
    if name in ("quick", policy_suite.name):
        return policy_suite
    path = Path(name)
    if name == "full" and not path.is_file():
        raise UsageError(
            "--suite full: expected quick or a suite file, found full, which this "
            "version does not have",
            "Use quick, or the path of a suite file.",
        )
    return load_suite(path)


def _refuse_foreign(
    state: WorkspaceState, candidate: Candidate, evidence: Mapping[str, JSON]
) -> None:
    edits = {name: state.edits[name].digest for name in candidate.edits}
    same = (
        evidence["candidate"] == candidate.digest
        and evidence["live"] == candidate.parent
        and table(evidence, "edits") == edits
    )
    if not same:
        raise IntegrityError(
            f"check: the evidence is not about candidate {candidate.digest[:12]}",
            "Check again.",
        )
