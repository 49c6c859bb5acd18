"""Preview and measure: look at snapshots without recording anything."""

import os
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from governance.canonical import JSON
from governance.domain.state import EditRecord, WorkspaceState
from governance.errors import UsageError, WrongStateError
from governance.service.facade import ProgressCallback
from governance.service.fields import optional_text, optional_whole, text, texts, whole
from governance.service.planning import check_base, planned, refuse_released
from governance.service.ports import Subject
from governance.service.selecting import the_edit, the_model, the_snapshot
from governance.service.stored import check_snapshot
from governance.service.workspace import Workspace

_MOST_SEEDS = 64
_LONGEST_PROMPT = 1000


def compute_preview(
    workspace: Workspace, arguments: Mapping[str, JSON], progress: ProgressCallback
) -> Mapping[str, JSON]:
    """Draw the same seeds before and after an edit.

    Args:
        workspace: The workspace.
        arguments: ``{edit, prompt, seeds, output}``.
        progress: Told about every step.

    Returns:
        ``{images: [{prompt, seed, before, after}]}``; paths absolute.

    Raises:
        WrongStateError: The edit was never applied.
        UsageError: The prompt or the number of seeds is out of range.
    """
    state = workspace.state
    record = the_edit(state, text(arguments, "edit"))
    prompt, count = text(arguments, "prompt"), whole(arguments, "seeds")
    if not 1 <= count <= _MOST_SEEDS or len(prompt) > _LONGEST_PROMPT:
        raise UsageError(
            f"preview: expected 1 to {_MOST_SEEDS} seeds and a prompt of at most "
            f"{_LONGEST_PROMPT} characters, found {count} and {len(prompt)}"
        )
    if record.candidate is None:
        raise WrongStateError(
            f"preview {record.id}: it is {record.state} and has no candidate",
            f"Run `governance edit apply {record.id}`.",
        )
    refuse_released(state, record.candidate)
    model = state.models[record.model]
    check_base(workspace.parts.models, model, progress)
    pairs = workspace.parts.checker.preview(
        workspace.place,
        model,
        check_snapshot(workspace.store, _before(state, record)),
        check_snapshot(workspace.store, record.candidate),
        prompt,
        range(count),
        progress,
    )
    folder = _folder(workspace, record, optional_text(arguments, "output"))
    images: list[JSON] = []
    for seed, (before, after) in enumerate(pairs):
        first = _write(folder / f"{record.id}-{seed:02d}-before.png", before)
        second = _write(folder / f"{record.id}-{seed:02d}-after.png", after)
        images.append(
            {"prompt": prompt, "seed": seed, "before": first, "after": second}
        )
    return {"images": images}


def _before(state: WorkspaceState, record: EditRecord) -> str:
    """Return what the edit changed: the parent its candidate was solved beside."""
    return state.candidates[record.candidate or ""].parent


def _folder(workspace: Workspace, record: EditRecord, output: str | None) -> Path:
    if output is not None:
        folder = Path(output)
    else:
        folder = workspace.layout.images / "previews" / record.id
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(
            f"preview: the folder {folder} cannot be made: {error.strerror}",
            "Give another with --output.",
        ) from error
    return folder


def _write(path: Path, content: bytes) -> str:
    """Write an image beside its name and rename it: whole, or not there."""
    try:
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=".preview-")
        temporary = Path(name)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise UsageError(
            f"preview: {path} cannot be written: {error.strerror}"
        ) from error
    return str(path.absolute())


def compute_measure(
    workspace: Workspace, arguments: Mapping[str, JSON], progress: ProgressCallback
) -> Mapping[str, JSON]:
    """Measure edits on the base and on a snapshot, with fresh seeds.

    Args:
        workspace: The workspace.
        arguments: ``{edits, snapshot, seeds}``.
        progress: Told about every step.

    Returns:
        ``{edits: [{id, efficacy, generality, specificity, ratios}], snapshot,
        seconds}``.

    Raises:
        WrongStateError: An edit was never resolved.
    """
    book = workspace.book
    state = book.state
    records = _resolved(state, texts(arguments, "edits"))
    model = the_model(state, records[0].model)
    target = the_snapshot(book, text(arguments, "snapshot"), model.name)
    refuse_released(state, target.digest)
    started = time.perf_counter()
    check_base(workspace.parts.models, model, progress)
    held = [state.edits[name] for name in target.edits]
    others = [item for item in held if item not in records]
    subject = Subject(
        model=model,
        edits=planned(workspace.store, state, records),
        others=planned(workspace.store, state, others),
        live=check_snapshot(workspace.store, model.live),
        candidate=check_snapshot(workspace.store, target.digest),
        certificate=(),
        suite=workspace.policy(state).suite,
    )
    rows = workspace.parts.checker.measure(
        workspace.place, subject, optional_whole(arguments, "seeds"), progress
    )
    seconds = {"total": round(time.perf_counter() - started, 3)}
    return {"edits": list(rows), "snapshot": target.digest, "seconds": seconds}


def _resolved(state: WorkspaceState, names: Sequence[str]) -> list[EditRecord]:
    records = [the_edit(state, name) for name in names]
    if not records:
        raise UsageError("measure: no edit was named", "Name one or several.")
    for record in records:
        if record.candidate is None or record.model != records[0].model:
            raise WrongStateError(
                f"measure {record.id}: it is {record.state} on model {record.model}; "
                f"expected an applied edit of model {records[0].model}"
            )
    return records
