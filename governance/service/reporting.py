"""One edit as a page for people: gathered here, written by the snapshots' report."""

from pathlib import Path

from governance.domain.state import EditRecord, ModelRecord, WorkspaceState
from governance.pipeline.folder import FileRecord
from governance.service.applying import certificate_of
from governance.service.exporting import results_of
from governance.service.fields import text, whole
from governance.service.planning import resolution_of
from governance.service.reading import detail
from governance.service.selecting import the_edit
from governance.service.stored import stored_document
from governance.service.views import EditDetail
from governance.service.workspace import Workspace
from governance.snapshots.inputs import ExportedPolicy
from governance.snapshots.licence import licence_of
from governance.snapshots.report_base import BaseFacts
from governance.snapshots.report_edit import EditFacts
from governance.snapshots.report_evidence import EvidenceFacts, evidence_facts
from governance.snapshots.report_one import OneEdit, TakenBack, one_edit_page


def edit_report(workspace: Workspace, name: str) -> bytes:
    """Return the report of one edit as it stands now.

    Args:
        workspace: The workspace.
        name: Its id.

    Raises:
        NotFoundError: There is no such edit, or an object of its evidence is gone.
        IntegrityError: An object of its evidence changed.
    """
    state = workspace.state
    record = the_edit(state, name)
    view = detail(workspace, name)
    checked = view.evidence_digest is not None
    return one_edit_page(
        OneEdit(
            edit=_edit(state, record, view),
            state=view.state.value,
            status=view.evidence.value,
            candidate=view.candidate,
            together=view.candidate_edits,
            base=_base(state.models[record.model]),
            evidence=_evidence(workspace, view.evidence_digest),
            results=tuple(results_of(workspace, state, record)) if checked else (),
            signoffs=record.signoffs,
            missing=view.missing,
            policy=_policy(workspace, state),
            origin=state.origin,
            head=workspace.ledger.head(),
            time=workspace.now(),
            reason=record.reason,
            taken_back=[
                TakenBack(signed, hand.reason, hand.fate)
                for signed, hand in zip(record.rollbacks, view.taking_back, strict=True)
            ],
        )
    )


def _edit(state: WorkspaceState, record: EditRecord, view: EditDetail) -> EditFacts:
    resolved = resolution_of(state, record) if record.candidate else None
    candidate = state.candidate_of(record)
    rows = () if candidate is None else candidate.applied.certificate
    return EditFacts(
        id=record.id,
        request=record.request,
        digest=record.digest,
        resolved=None if resolved is None else resolved.digest,
        found={} if resolved is None else resolved.found,
        proposer=record.proposer,
        key=record.key,
        time=record.time,
        parameters=view.effective_parameters,
        certificate=certificate_of(rows, record.id),
    )


def _base(record: ModelRecord) -> BaseFacts:
    return BaseFacts(
        name=record.name,
        source=record.source,
        family=record.family,
        digest=record.digest,
        licence=licence_of(Path(record.path)),
        files=tuple(
            FileRecord(text(item, "path"), whole(item, "size"), text(item, "sha256"))
            for item in record.files
        ),
    )


def _evidence(workspace: Workspace, digest: str | None) -> EvidenceFacts | None:
    return None if digest is None else evidence_facts(digest, workspace.store.get)


def _policy(workspace: Workspace, state: WorkspaceState) -> ExportedPolicy:
    found = workspace.policy(state)
    return ExportedPolicy(
        name=found.name,
        version=found.version,
        digest=found.digest,
        document=stored_document(workspace.store, found.digest),
    )
