"""What a person sees of edits: the inbox, one edit in full, its images."""

from collections.abc import Mapping
from pathlib import Path

from governance.canonical import JSON
from governance.domain.events import Document
from governance.domain.lifecycle import EditState, EvidenceStatus
from governance.domain.state import Candidate, EditRecord, WorkspaceState
from governance.service import views
from governance.service.evidence import read_evidence
from governance.service.fields import table, tables, text, texts, whole
from governance.service.planning import candidate_broken, resolved_from
from governance.service.readiness import approval_refusal, weigh
from governance.service.selecting import the_edit
from governance.service.signed_views import (
    rollback_lines,
    rollbacks_of,
    signoff_view,
    verify_lines,
)
from governance.service.stored import request_of
from governance.service.taken_back import taking_back, waiting_mark
from governance.service.workspace import Workspace


def evidence_status(state: WorkspaceState, record: EditRecord) -> EvidenceStatus:
    """Say what is known about an edit's newest candidate."""
    status = state.evidence(record)
    waiting = record.state is EditState.APPLIED
    if waiting and candidate_broken(state, record) is not None:
        return EvidenceStatus.STALE
    return status


def summary(state: WorkspaceState, record: EditRecord) -> views.EditSummary:
    """Return one line of the inbox."""
    metadata = table(record.request, "metadata")
    spec = table(record.request, "spec")
    return views.EditSummary(
        id=record.id,
        title=text(metadata, "title").strip(),
        action=text(spec, "action"),
        method=text(spec, "method"),
        model=record.model,
        state=record.state,
        evidence=evidence_status(state, record),
        proposer=record.proposer,
        time=record.time,
        rollback=waiting_mark(state, record.id),
    )


def summaries(
    state: WorkspaceState, wanted: EditState | None, model: str | None
) -> tuple[views.EditSummary, ...]:
    """Return the inbox, newest first."""
    return tuple(
        summary(state, record)
        for _, record in sorted(state.edits.items(), reverse=True)
        if wanted in (None, record.state) and model in (None, record.model)
    )


def detail(workspace: Workspace, name: str) -> views.EditDetail:
    """Return one edit in full.

    Args:
        workspace: The workspace.
        name: Its id.
    """
    state = workspace.state
    record = the_edit(state, name)
    candidate = state.candidate_of(record)
    request = request_of(workspace.store, record)
    return views.EditDetail(
        id=record.id,
        state=record.state,
        evidence=evidence_status(state, record),
        summary=summary(state, record),
        request=record.request,
        effective_parameters=workspace.parts.solver.parameters(request),
        digest=record.digest,
        findings=tuple(
            views.Finding(text(f, "rule"), text(f, "outcome"), text(f, "message"))
            for f in record.findings
        ),
        candidate=record.candidate,
        candidate_edits=() if candidate is None else candidate.edits,
        evidence_digest=_evidence_digest(candidate),
        certificate=_certificate(candidate),
        sites=_sites(candidate),
        conflicts=_conflicts(candidate),
        verdict=_verdict(candidate),
        metrics=_metrics(workspace, candidate, record.id),
        signoffs=tuple(signoff_view(signed) for signed in record.signoffs),
        missing=_missing(workspace, state, record),
        verify_lines=(
            *verify_lines(workspace.layout, record.signoffs, state.roster),
            *rollback_lines(workspace, state, record),
        ),
        resolved=_resolved(candidate, record.id),
        rollbacks=rollbacks_of(workspace, state, record),
        taking_back=taking_back(workspace.book, record),
    )


def _resolved(candidate: Candidate | None, edit: str) -> Mapping[str, JSON]:
    if candidate is None:
        return {}
    return resolved_from(candidate.applied.resolved[edit]).found


def _evidence_digest(candidate: Candidate | None) -> str | None:
    if candidate is None or candidate.check is None:
        return None
    return candidate.check.evidence


def _certificate(candidate: Candidate | None) -> tuple[views.CertificateRow, ...]:
    if candidate is None:
        return ()
    return tuple(certificate_row(row) for row in candidate.applied.certificate)


def certificate_row(row: Document) -> views.CertificateRow:
    """Read one row of a certificate back."""
    return views.CertificateRow(
        edit=text(row, "edit"),
        source=text(row, "source"),
        residual=_figure(row, "residual"),
        drift=_figure(row, "drift"),
        condition=_figure(row, "condition"),
        note=str(row.get("note") or ""),
    )


def _figure(row: Document, name: str) -> float:
    value = row.get(name)
    return float(value) if isinstance(value, int | float) else 0.0


def _sites(candidate: Candidate | None) -> tuple[views.SiteNorm, ...]:
    rows = () if candidate is None else candidate.applied.sites
    return tuple(
        views.SiteNorm(text(row, "name"), _figure(row, "norm")) for row in rows
    )


def _conflicts(candidate: Candidate | None) -> tuple[str, ...]:
    rows = () if candidate is None else candidate.applied.conflicts
    return tuple(text(row, "message") for row in rows)


def _verdict(candidate: Candidate | None) -> views.Verdict | None:
    if candidate is None or candidate.check is None:
        return None
    check = candidate.check
    return views.Verdict(check.outcome, tuple(_rule(row) for row in check.rules))


def _rule(row: Document) -> views.RuleResult:
    n = row.get("n")
    return views.RuleResult(
        rule=text(row, "rule"),
        outcome=text(row, "outcome"),
        value=_maybe(row.get("value")),
        limit=text(row, "limit"),
        bound=text(row, "bound"),
        n=n if isinstance(n, int) else None,
        low=_maybe(row.get("low")),
        high=_maybe(row.get("high")),
        message=text(row, "message"),
    )


def _maybe(value: JSON) -> float | None:
    return float(value) if isinstance(value, int | float) else None


def _metrics(
    workspace: Workspace, candidate: Candidate | None, edit: str
) -> Mapping[str, JSON]:
    digest = _evidence_digest(candidate)
    if digest is None:
        return {}
    document = read_evidence(workspace.store, digest)
    rows = table(document, "metrics").get(edit, ())
    earlier = table(document, "details").get("before", {})
    own = earlier.get(edit, {}) if isinstance(earlier, Mapping) else {}
    before = own if isinstance(own, Mapping) else {}
    return {
        text(row, "name"): {
            **{key: value for key, value in row.items() if key != "name"},
            **_earlier(before.get(text(row, "name"))),
        }
        for row in tables({"metrics": rows}, "metrics")
    }


def _earlier(shares: JSON) -> dict[str, JSON]:
    """Return what the base showed, where images were compared with it."""
    return {"base": shares.get("base")} if isinstance(shares, Mapping) else {}


def _missing(
    workspace: Workspace, state: WorkspaceState, record: EditRecord
) -> tuple[str, ...]:
    if record.state not in (EditState.PROPOSED, EditState.APPLIED):
        return ()
    refusal = approval_refusal(state, workspace.policy(state), record)
    if refusal is not None:
        return (refusal.message,)
    candidate = state.candidates[record.candidate or ""]
    return weigh(workspace, state, candidate, workspace.now()).missing


def images(workspace: Workspace, name: str) -> tuple[views.ImageSet, ...]:
    """Return the images of an edit's newest evidence, re-hashed.

    Args:
        workspace: The workspace.
        name: Edit id.
    """
    record, document = _evidence(workspace, name)

    def path(row: Document, column: str) -> Path | None:
        digest = row[column]
        return None if digest is None else workspace.store.path(str(digest))

    return tuple(
        views.ImageSet(
            prompt=text(row, "prompt"),
            seed=whole(row, "seed"),
            base=path(row, "base"),
            live=path(row, "live"),
            candidate=workspace.store.path(text(row, "candidate")),
        )
        for row in tables(document, "images")
        if row["edit"] == record.id
    )


def sheets(workspace: Workspace, name: str) -> tuple[Path, ...]:
    """Return the contact sheets of an edit's newest evidence, re-hashed."""
    _, document = _evidence(workspace, name)
    return tuple(workspace.store.path(item) for item in texts(document, "sheets"))


def _evidence(workspace: Workspace, name: str) -> tuple[EditRecord, Mapping[str, JSON]]:
    state = workspace.state
    record = the_edit(state, name)
    digest = _evidence_digest(state.candidate_of(record))
    if digest is None:
        return record, {"images": [], "sheets": []}
    return record, read_evidence(workspace.store, digest)
