"""Key covariances: computed, imported, listed, and chosen for an edit."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from governance.canonical import JSON
from governance.domain.request import TEXT_METHODS, EditRequest
from governance.domain.state import ModelRecord, WorkspaceState
from governance.domain.statistics import StatisticsRecord, StatisticsRecorded
from governance.errors import NotFoundError, UsageError, WrongStateError
from governance.service.facade import ProgressCallback
from governance.service.identity import actor_name
from governance.service.ports import Planned
from governance.service.records import StatisticsView
from governance.service.selecting import the_model
from governance.service.statistics_port import Stored
from governance.service.workspace import Workspace, Writing

TOKENS = 100_000


def compute(
    workspace: Workspace,
    captions: Path,
    model: str | None,
    tokens: int | None,
    progress: ProgressCallback,
) -> StatisticsView:
    """Compute key covariances from captions, store and record them.

    Args:
        workspace: The workspace.
        captions: One caption to a line, UTF-8.
        model: Model name; the only one where omitted.
        tokens: How many tokens there must be; 100,000 where omitted.
        progress: Told about every batch; it may raise to stop, and nothing is left.

    Raises:
        UsageError: There are fewer tokens than asked for.
        RequestError: The file is no captions file.
        EngineError: They are too few different ones for a covariance of full rank.
    """
    workspace.refuse_readonly("statistics compute")
    if tokens is not None and tokens < 1:
        raise UsageError(f"--tokens: expected 1 or more, found {tokens}")
    record = the_model(workspace.state, model)
    found = workspace.parts.statistics.compute(
        workspace.store,
        workspace.settings.device,
        record,
        captions,
        tokens or TOKENS,
        progress,
    )
    return _recorded(workspace, found, "computed")


def adopt(workspace: Workspace, path: Path, model: str | None) -> StatisticsView:
    """Check a statistics file, store a copy and record it as the newest.

    One that is recorded already, and not the newest, becomes so again by a new entry.

    Args:
        workspace: The workspace.
        path: A safetensors file.
        model: Model name; the only one where omitted.

    Raises:
        UsageError: It is no statistics file, of another encoder, or a layer is missing.
        EngineError: A covariance has not full rank.
        WrongStateError: It is the newest already.
    """
    workspace.refuse_readonly("statistics import")
    record = the_model(workspace.state, model)
    found = workspace.parts.statistics.adopt(workspace.store, record, path)
    return _recorded(workspace, found, "imported")


def listed(workspace: Workspace, model: str | None) -> tuple[StatisticsView, ...]:
    """Return every recorded statistics, newest first.

    Args:
        workspace: The workspace.
        model: Only those of this model's encoders.
    """
    state = workspace.state
    wanted = None if model is None else _encoders(workspace, the_model(state, model))
    found = sorted(state.statistics.values(), key=lambda item: -item.sequence)
    return tuple(
        _view(workspace, state, item)
        for item in found
        if wanted is None or dict(item.encoders) == wanted
    )


def record_shipped(writing: Writing, found: Stored | None, actor: str) -> None:
    """Record the statistics that come with the program, unless they are already.

    Args:
        writing: The transaction that registers their model.
        found: What is shipped for it, stored; None where nothing is.
        actor: Who registers it.
    """
    if found is not None and found.digest not in writing.state.statistics:
        writing.append(_event(found, "shipped"), actor)


def statistics_for(
    workspace: Workspace,
    model: ModelRecord,
    request: EditRequest,
    live: Sequence[Planned],
) -> str | None:
    """Choose the key covariances that an edit is solved against.

    Edits that meet at one layer must share theirs, so those of live edits come first,
    then the newest.

    Args:
        workspace: The workspace.
        model: The registered model.
        request: The edit.
        live: Live edits of this moment.

    Returns:
        Digest of the statistics; None where the edit needs none.

    Raises:
        NotFoundError: It needs some, and there are none.
    """
    if request.method not in TEXT_METHODS:
        return None
    if request.parameters.get("prior") == "identity":
        return None
    for item in live:
        used = item.resolved.found.get("statistics")
        if isinstance(used, str):
            return used
    wanted = _encoders(workspace, model)
    found = _newest(workspace.state, wanted)
    if found is None:
        raise NotFoundError(
            f"model {model.name}: method {request.method} needs the key covariances of "
            "its text encoders; found none in this workspace",
            "Run `governance statistics compute --captions FILE` or `governance "
            "statistics import FILE`, or ask for `prior: identity`.",
        )
    return found.digest


def _newest(
    state: WorkspaceState, encoders: Mapping[str, JSON]
) -> StatisticsRecord | None:
    """Return what was recorded last, of some encoders."""
    own = [s for s in state.statistics.values() if dict(s.encoders) == dict(encoders)]
    return max(own, key=lambda item: item.sequence, default=None)


def _encoders(workspace: Workspace, model: ModelRecord) -> dict[str, str]:
    return dict(workspace.parts.statistics.encoders(model))


def _recorded(workspace: Workspace, found: Stored, origin: str) -> StatisticsView:
    with workspace.writing() as writing:
        state = writing.state
        known = state.statistics.get(found.digest)
        # Older ones may become the newest again: edits take those.
        if known is not None and known == _newest(state, found.encoders):
            raise WrongStateError(
                f"statistics {found.digest[:12]} are recorded already, as {known.origin} "
                f"on {known.time}, and are the newest of their encoders",
                "`governance statistics list` shows them.",
            )
        actor = actor_name(
            workspace.settings, workspace.layout, state.roster, state.size + 1
        )
        writing.append(_event(found, origin), actor)
    state = workspace.state
    return _view(workspace, state, state.statistics[found.digest])


def _event(found: Stored, origin: str) -> StatisticsRecorded:
    return StatisticsRecorded(
        statistics=found.digest,
        encoders=dict(found.encoders),
        about=found.about,
        origin=origin,
        size=found.size,
    )


def _view(
    workspace: Workspace, state: WorkspaceState, item: StatisticsRecord
) -> StatisticsView:
    models = tuple(
        name
        for name, model in sorted(state.models.items())
        if _encoders(workspace, model) == dict(item.encoders)
    )
    return StatisticsView(
        digest=item.digest,
        models=models,
        encoders=item.encoders,
        about=item.about,
        origin=item.origin,
        size=item.size,
        time=item.time,
    )
