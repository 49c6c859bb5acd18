"""Models: register a pipeline folder, and compare it with what was recorded."""

import re

from governance.domain.events import ModelRegistered
from governance.domain.snapshot import Snapshot
from governance.domain.state import ModelRecord
from governance.errors import UsageError, WrongStateError
from governance.service.facade import Progress, ProgressCallback
from governance.service.identity import actor_name
from governance.service.selecting import the_model
from governance.service.statistics import record_shipped
from governance.service.stored import put_document
from governance.service.views import ExportVerdict
from governance.service.workspace import Workspace

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", re.ASCII)


def silent(_: Progress) -> None:
    """Take progress and say nothing."""


def add_model(
    workspace: Workspace,
    name: str,
    source: str,
    revision: str | None,
    progress: ProgressCallback = silent,
) -> str:
    """Hash every file a pipeline loads and register it; nothing is written into it.

    Args:
        workspace: The workspace.
        name: What to call it.
        source: Folder or repository id.
        revision: Repository revision.
        progress: Told about every file.

    Returns:
        Its name.

    Raises:
        UsageError: The name cannot be used.
        WrongStateError: The name is taken.
        PipelineError: The folder cannot be edited safely.
    """
    workspace.refuse_readonly("model add")
    if not _NAME.fullmatch(name):
        raise UsageError(
            "model add: expected a name of 1 to 64 letters, digits and . _ - that "
            f"begins with a letter or digit, found {name[:64]!r}"
        )
    _refuse_taken(workspace.state.models.get(name))
    found = workspace.parts.models.inspect(source, revision, progress)
    base = put_document(workspace.store, Snapshot(found.digest, (), {}).document())
    with workspace.writing() as writing:
        state = writing.state
        _refuse_taken(state.models.get(name))
        actor = actor_name(
            workspace.settings, workspace.layout, state.roster, state.size + 1
        )
        writing.append(
            ModelRegistered(
                model=name,
                path=str(found.path),
                digest=found.digest,
                family=found.family,
                files=list(found.files),
                source=found.source,
                base=base,
            ),
            actor,
        )
        record = writing.state.models[name]
        shipped = workspace.parts.statistics.shipped(workspace.store, record)
        record_shipped(writing, shipped, actor)
    return name


def verify_model(
    workspace: Workspace, name: str, progress: ProgressCallback = silent
) -> ExportVerdict:
    """Compare a registered folder with what was recorded.

    Raises:
        NotFoundError: There is no such model.
    """
    model = the_model(workspace.state, name)
    findings = workspace.parts.models.differences(model, progress)
    return ExportVerdict(ok=not findings, trust="self", findings=findings)


def _refuse_taken(model: ModelRecord | None) -> None:
    if model is not None:
        raise WrongStateError(
            f"model {model.name}: the name is taken by {model.path}",
            "Choose another name: what was recorded is never changed.",
        )
