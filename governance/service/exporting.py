"""Export: gather everything the ledger says of a snapshot, and write it out."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from governance.canonical import JSON
from governance.domain.signoff import Signed
from governance.domain.state import EditRecord, WorkspaceState
from governance.errors import SignOffMissingError, WrongStateError
from governance.identity.model_key import ModelKey
from governance.ledger.checkpoint import open_checkpoint
from governance.ledger.note import parse_note_key
from governance.policy.model import Policy
from governance.service.applying import certificate_of
from governance.service.authority import allowed_signers_text
from governance.service.book import SnapshotRecord
from governance.service.citing import cite, standing
from governance.service.evidence import images_of, read_evidence
from governance.service.facade import ProgressCallback
from governance.service.fields import optional_text, text
from governance.service.model_key import signing_key
from governance.service.planning import check_base, planned, resolution_of, solved
from governance.service.selecting import the_snapshot
from governance.service.stored import (
    check_snapshot,
    request_of,
    stored_document,
    stored_policy,
)
from governance.service.workspace import Workspace
from governance.snapshots.forms import Form, form_of
from governance.snapshots.inputs import (
    ExportedEdit,
    ExportedEvidence,
    ExportedLog,
    ExportedPolicy,
    ExportedResult,
    ExportInputs,
)
from governance.snapshots.licence import licence_of
from governance.snapshots.measured import results_of as measured_results
from governance.snapshots.standing import standing_of
from governance.snapshots.writing import check_place


def compute_export(
    workspace: Workspace, arguments: Mapping[str, JSON], progress: ProgressCallback
) -> Mapping[str, JSON]:
    """Write an audited export; the first one records the key that signs them.

    Args:
        workspace: The workspace.
        arguments: ``{snapshot, output, format, keys, dtype, model}``.
        progress: Told about every step.

    Returns:
        ``{path, digest, files, derived, live, standing}``; ``digest`` is the signed
        snapshot's, ``standing`` says in words whether it is live.

    Raises:
        WrongStateError: Factors of the base are asked for, and it has none.
        SignOffMissingError: The snapshot is not the base, and never was live.
        UsageError: The output cannot be written there.
        IntegrityError: A file or an object changed.
    """
    form = form_of(
        *(optional_text(arguments, name) for name in ("format", "keys", "dtype"))
    )
    record = the_snapshot(
        workspace.book, text(arguments, "snapshot"), optional_text(arguments, "model")
    )
    refusal = export_refusal(record)
    if refusal is not None:
        raise SignOffMissingError(
            f"export: snapshot {record.digest[:12]} {refusal}",
            "Only the base, and what is or was live, leaves the workspace.",
        )
    _refuse_nothing(form, record)
    state = workspace.state
    model, output = state.models[record.model], Path(text(arguments, "output"))
    # Every file of the base is hashed next, which takes minutes: not for a place that
    # cannot be written.
    folders = (
        workspace.layout.root,
        *(Path(item.path) for item in state.models.values()),
    )
    check_place(output.absolute(), folders)
    check_base(workspace.parts.models, model, progress)
    signer = signing_key(workspace)
    # Others may have appended meanwhile: everything said is as of this one head.
    book, note, head = standing(workspace)
    state, record = book.state, book.snapshots[record.model, record.digest]
    log = cite(workspace, book, record, note, head, signer)
    exported = workspace.parts.exporter.export(
        workspace.place,
        gather(workspace, state, record, log, signer),
        output,
        folders,
        progress,
        form,
        planned(workspace.store, state, (state.edits[name] for name in record.edits)),
    )
    entries = (item.entry for item in log.entries)
    found = standing_of(entries, record.model, record.digest)
    return {
        "path": str(exported.path),
        "digest": exported.digest,
        "files": list(exported.files),
        "derived": form.document() if form.derived else None,
        "live": found.live,
        "standing": found.words,
    }


def _refuse_nothing(form: Form, record: SnapshotRecord) -> None:
    if form.kind != "diffusers" and not record.edits:
        raise WrongStateError(
            f"export: snapshot {record.digest[:12]} is the base, which no {form.kind} "
            "leads to",
            "Export it with --format diffusers.",
        )


def export_refusal(record: SnapshotRecord) -> str | None:
    """Say why a snapshot may not leave the workspace, if it may not."""
    if record.was_live:
        return None
    return "was never live: it lacks the sign-offs the policy asks for"


def gather(
    workspace: Workspace,
    state: WorkspaceState,
    record: SnapshotRecord,
    log: ExportedLog,
    signer: ModelKey,
) -> ExportInputs:
    """Gather what an export says of a snapshot.

    Args:
        workspace: The workspace.
        state: The state.
        record: The snapshot.
        log: What the ledger says of it.
        signer: What signs the export.
    """
    model = state.models[record.model]
    edits = [state.edits[name] for name in record.edits]
    signoffs = _signoffs(state, record, edits)
    policy = _policy_of(workspace, state, record, signoffs)
    folder = workspace.parts.models.folder(model)
    return ExportInputs(
        folder=folder,
        model=model.name,
        source=model.source,
        snapshot=check_snapshot(workspace.store, record.digest),
        edits=tuple(_edit(workspace, state, item) for item in edits),
        policy=ExportedPolicy(
            name=policy.name,
            version=policy.version,
            digest=policy.digest,
            document=stored_document(workspace.store, policy.digest),
        ),
        origin=state.origin,
        head=open_checkpoint(log.checkpoint, parse_note_key(log.key)),
        created=workspace.now(),
        evidence=tuple(_evidence(workspace, signoffs)),
        signoffs=signoffs,
        results=tuple(
            result for item in edits for result in results_of(workspace, state, item)
        ),
        allowed_signers=allowed_signers_text(state.roster),
        log=log,
        licence=licence_of(folder.root),
        signer=signer,
    )


def _signoffs(
    state: WorkspaceState, record: SnapshotRecord, edits: list[EditRecord]
) -> tuple[Signed, ...]:
    """Return every approval of these edits once, and the rollback that led here."""
    found = {
        signed.sequence: signed
        for item in edits
        for signed in solved(state, item).signoffs
    }
    if record.rollback is not None:
        for signed in (*record.cosigned, record.rollback):
            found[signed.sequence] = signed
    return tuple(signed for _, signed in sorted(found.items()))


def _policy_of(
    workspace: Workspace,
    state: WorkspaceState,
    record: SnapshotRecord,
    signoffs: tuple[Signed, ...],
) -> Policy:
    """Return the policy a snapshot was signed under, which may no longer be in force."""
    for signed in reversed(signoffs):
        said = signed.document
        if record.digest in (said.get("candidate"), said.get("snapshot")):
            return stored_policy(workspace.store, text(said, "policy"))
    return workspace.policy(state)


def _edit(
    workspace: Workspace, state: WorkspaceState, record: EditRecord
) -> ExportedEdit:
    candidate = solved(state, record)
    request = request_of(workspace.store, record)
    return ExportedEdit(
        id=record.id,
        request=record.request,
        resolved=resolution_of(state, record),
        proposer=record.proposer,
        key=record.key,
        signature=record.signature,
        time=record.time,
        parameters=workspace.parts.solver.parameters(request),
        certificate=certificate_of(candidate.applied.certificate, record.id),
    )


def _evidence(
    workspace: Workspace, signoffs: tuple[Signed, ...]
) -> Iterator[ExportedEvidence]:
    digests = dict.fromkeys(str(item.document.get("evidence", "")) for item in signoffs)
    for digest in digests:
        if digest:
            document = read_evidence(workspace.store, digest)
            yield ExportedEvidence(digest, images_of(document))


def results_of(
    workspace: Workspace, state: WorkspaceState, record: EditRecord
) -> Iterator[ExportedResult]:
    """Yield what the newest check of an edit measured, against what policy wants.

    Args:
        workspace: The workspace.
        state: The state.
        record: The edit.
    """
    check = solved(state, record).check
    if check is None:
        return
    document = read_evidence(workspace.store, check.evidence)
    yield from measured_results(document, check.rules, record.id)
