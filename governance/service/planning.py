"""Live edits and their resolutions, ready to be solved or measured again."""

from collections.abc import Iterable, Mapping

from governance.domain.events import Document
from governance.domain.lifecycle import EditState, Step, allowed
from governance.domain.request import EditRequest
from governance.domain.snapshot import ResolvedEdit
from governance.domain.state import Candidate, EditRecord, ModelRecord, WorkspaceState
from governance.errors import IntegrityError, WrongStateError
from governance.ledger.store import ObjectStore
from governance.service.facade import ProgressCallback
from governance.service.fields import table, text
from governance.service.ports import Models, Planned
from governance.service.selecting import over_hint
from governance.service.stored import check_snapshot, request_of


def resolution_of(state: WorkspaceState, record: EditRecord) -> ResolvedEdit:
    """Return what was found for an edit when its candidate was solved.

    Raises:
        IntegrityError: Its candidate does not name it.
    """
    candidate = state.candidate_of(record)
    found = None if candidate is None else candidate.applied.resolved.get(record.id)
    if found is None:
        raise IntegrityError(
            f"{record.id}: no candidate says how it was resolved",
            "Run `governance ledger verify`.",
        )
    return resolved_from(found)


def solved(state: WorkspaceState, record: EditRecord) -> Candidate:
    """Return the candidate an edit was last solved into.

    Raises:
        IntegrityError: It never was.
    """
    candidate = state.candidate_of(record)
    if candidate is None:
        raise IntegrityError(
            f"{record.id} was never solved", "Run `governance ledger verify`."
        )
    return candidate


def resolved_from(document: Document) -> ResolvedEdit:
    """Read a resolution back from an entry."""
    return ResolvedEdit(text(document, "request"), table(document, "found"))


def planned(
    store: ObjectStore, state: WorkspaceState, records: Iterable[EditRecord]
) -> tuple[Planned, ...]:
    """Rebuild resolved edits from the ledger and the store."""
    return tuple(
        Planned(record.id, request_of(store, record), resolution_of(state, record))
        for record in records
    )


def check_held(
    store: ObjectStore,
    state: WorkspaceState,
    model: str,
    digest: str,
    edits: Iterable[str],
    missing: set[str] | None = None,
) -> None:
    """Re-hash a snapshot of a model and check that it holds exactly these edits.

    Args:
        store: The objects.
        state: The state.
        model: Model name.
        digest: Snapshot digest.
        edits: Ids.
        missing: Takes tensors that are not there, as of :func:`check_snapshot`.

    Raises:
        IntegrityError: It changed, or holds others.
    """
    snapshot = check_snapshot(store, digest, missing)
    expected = sorted(resolution_of(state, state.edits[name]).digest for name in edits)
    if sorted(snapshot.edits) != expected:
        raise IntegrityError(
            f"snapshot {digest[:12]} does not hold the edits it should",
            "Run `governance ledger verify`.",
        )
    if snapshot.base != state.models[model].digest:
        raise IntegrityError(
            f"snapshot {digest[:12]} is of another model than {model}",
            "Run `governance ledger verify`.",
        )
    if snapshot.tensors and not snapshot.edits:
        raise IntegrityError(
            f"snapshot {digest[:12]} holds no edit, but other tensors than {model}",
            "Run `governance ledger verify`.",
        )


def live_requests(
    store: ObjectStore, state: WorkspaceState, model: str
) -> Mapping[str, EditRequest]:
    """Return the requests of a model's live edits by id."""
    return {item.id: request_of(store, item) for item in state.live_edits(model)}


def candidate_broken(state: WorkspaceState, record: EditRecord) -> str | None:
    """Say why an edit's candidate can no longer be used as it is, if it cannot.

    Args:
        state: The state.
        record: An edit.

    Returns:
        The reason, or ``None`` where the candidate stands.
    """
    if record.state is not EditState.APPLIED or record.candidate is None:
        return f"{record.id} is {record.state}, expected APPLIED"
    candidate = state.candidates[record.candidate]
    if candidate.released is not None:
        return f"{record.id}: its candidate gave its tensors back"
    if state.models[record.model].live != candidate.parent:
        return f"{record.id}: something else went live since it was solved"
    for name in candidate.edits:
        other = state.edits[name]
        if other.candidate != candidate.digest or other.state is not EditState.APPLIED:
            return f"{record.id}: {name}, solved together with it, has moved on"
    return None


def refuse_released(state: WorkspaceState, digest: str) -> None:
    """Refuse a snapshot whose tensors were given back.

    Raises:
        WrongStateError: They were.
    """
    candidate = state.candidates.get(digest)
    if candidate is not None and candidate.released is not None:
        raise WrongStateError(
            f"snapshot {digest[:12]} gave its tensors back with entry "
            f"{candidate.released}",
            f"`governance edit apply {' '.join(candidate.edits)}` solves it again, "
            "if nothing else went live since.",
        )


def refuse_broken(state: WorkspaceState, record: EditRecord) -> None:
    """Refuse to go on with a candidate that no longer stands.

    Raises:
        WrongStateError: It does not.
    """
    reason = candidate_broken(state, record)
    if reason is not None:
        again = f"Run `governance edit apply {record.id}` and check it again."
        over = not allowed(record.state, Step.APPLY)
        raise WrongStateError(reason, over_hint(record.state) if over else again)


def check_base(models: Models, model: ModelRecord, progress: ProgressCallback) -> None:
    """Re-hash a registered model's files before anything is computed from them.

    Raises:
        IntegrityError: A file is not what was recorded; it is named.
    """
    found = models.differences(model, progress)
    if found:
        more = f" and {len(found) - 1} more" if len(found) > 1 else ""
        raise IntegrityError(
            f"model {model.name}: {found[0].path} is {found[0].problem}{more}",
            f"`governance model verify {model.name}` lists every difference. Restore "
            "the files, or register the folder under another name.",
        )
