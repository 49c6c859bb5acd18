"""What a person sees of everything but edits."""

from pathlib import Path

from governance.domain.roster import Reviewer
from governance.domain.state import ModelRecord, WorkspaceState
from governance.errors import GovernanceError
from governance.identity.keys import parse_public_key
from governance.ledger.entry import Entry
from governance.policy.model import Policy
from governance.service import views
from governance.service.book import Book, SnapshotRecord
from governance.service.fields import text, whole
from governance.service.identity import find_identity
from governance.service.planning import refuse_released
from governance.service.selecting import the_snapshot
from governance.service.stored import check_snapshot, stored_snapshot
from governance.service.taken_back import waiting_to
from governance.service.workspace import Workspace


def header(workspace: Workspace) -> views.Header:
    """Return what the first line of a screen shows."""
    state = workspace.state
    policy = workspace.policy(state)
    principal, fingerprint = _signer(workspace, state)
    return views.Header(
        workspace=workspace.layout.root,
        origin=state.origin,
        models=tuple(sorted(state.models)),
        policy_name=policy.name,
        policy_version=policy.version,
        principal=principal,
        fingerprint=fingerprint,
        readonly=workspace.settings.readonly,
    )


def _signer(
    workspace: Workspace, state: WorkspaceState
) -> tuple[str | None, str | None]:
    """Return who would sign here, and with which key; nobody until one can."""
    try:
        identity = find_identity(
            workspace.settings, workspace.layout, state.roster, state.size + 1
        )
    except GovernanceError:
        return workspace.settings.principal, None
    return identity.principal, identity.fingerprint


def snapshots(
    workspace: Workspace, model: str | None
) -> tuple[views.SnapshotSummary, ...]:
    """Return every snapshot, newest first, the base last."""
    book = workspace.book
    records = [
        record for record in book.snapshots.values() if model in (None, record.model)
    ]
    records.sort(key=lambda item: (not _is_base(book, item), item.sequence))
    return tuple(
        views.SnapshotSummary(
            digest=record.digest,
            created=record.created,
            edits=record.edits,
            live=_is_live(book, record),
            model=record.model,
            was_live=record.was_live,
            is_base=_is_base(book, record),
            released=_is_released(book, record),
            waiting=waiting_to(workspace, book.state, record.model, record.digest),
        )
        for record in reversed(records)
    )


def snapshot(
    workspace: Workspace, name: str, model: str | None
) -> views.SnapshotDetail:
    """Return one snapshot and the tensors it replaces."""
    book = workspace.book
    record = the_snapshot(book, name, model)
    found = stored_snapshot(workspace.store, record.digest)
    return views.SnapshotDetail(
        digest=record.digest,
        created=record.created,
        edits=record.edits,
        live=_is_live(book, record),
        model=record.model,
        was_live=record.was_live,
        is_base=_is_base(book, record),
        tensors=dict(sorted(found.tensors.items())),
        released=_is_released(book, record),
        waiting=waiting_to(workspace, book.state, record.model, record.digest),
    )


def _is_live(book: Book, record: SnapshotRecord) -> bool:
    return book.state.models[record.model].live == record.digest


def _is_released(book: Book, record: SnapshotRecord) -> bool:
    candidate = book.state.candidates.get(record.digest)
    return candidate is not None and candidate.released is not None


def _is_base(book: Book, record: SnapshotRecord) -> bool:
    return book.state.models[record.model].base == record.digest


def difference(
    workspace: Workspace, first: str, second: str, model: str | None
) -> views.SnapshotDiff:
    """Return what differs from one snapshot to another of the same model.

    Raises:
        UsageError: They are of different models.
    """
    book = workspace.book
    before = the_snapshot(book, first, model)
    after = the_snapshot(book, second, before.model)
    for record in (before, after):
        refuse_released(book.state, record.digest)
    folder = workspace.parts.models.folder(book.state.models[before.model])
    norms = workspace.parts.exporter.norms(
        workspace.place,
        folder,
        check_snapshot(workspace.store, before.digest),
        check_snapshot(workspace.store, after.digest),
    )
    return views.SnapshotDiff(
        added=tuple(sorted(set(after.edits) - set(before.edits))),
        removed=tuple(sorted(set(before.edits) - set(after.edits))),
        tensors=norms,
    )


def model_view(record: ModelRecord) -> views.ModelView:
    """Return a registered model."""
    return views.ModelView(
        name=record.name,
        path=Path(record.path),
        digest=record.digest,
        family=record.family,
        files=tuple(
            views.ModelFile(text(f, "path"), whole(f, "size"), text(f, "sha256"))
            for f in record.files
        ),
        live=record.live,
        base=record.base,
    )


def row(entry: Entry) -> views.LedgerRow:
    """Return one ledger entry."""
    return views.LedgerRow(
        sequence=entry.sequence,
        time=entry.time,
        event=entry.event,
        actor=entry.actor,
        digest=entry.digest,
        payload=entry.document(),
    )


def reviewer_view(reviewer: Reviewer) -> views.ReviewerView:
    """Return one person of the roster."""
    return views.ReviewerView(
        principal=reviewer.principal,
        key=reviewer.key,
        fingerprint=parse_public_key(reviewer.key).fingerprint,
        roles=reviewer.roles,
        since=reviewer.since,
        until=reviewer.until,
    )


def policy_view(policy: Policy) -> views.PolicyView:
    """Return a policy as written."""
    spec = policy.document["spec"]
    return views.PolicyView(
        name=policy.name,
        version=policy.version,
        digest=policy.digest,
        spec=spec if isinstance(spec, dict) else {},
    )
