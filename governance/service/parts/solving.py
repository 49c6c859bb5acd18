"""``governance solve``: request files straight to the engine."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import cast

from governance.canonical import JSON
from governance.documents.request import load_requests
from governance.domain.request import Action, EditRequest
from governance.engine.compose import Precision
from governance.errors import RequestError
from governance.pipeline.device import algebra_device, resolve_device
from governance.service.facade import Progress, ProgressCallback
from governance.service.parts.given import given_edits
from governance.service.solve import solve
from governance.snapshots.forms import Keys, Kind
from governance.snapshots.staging import check_free
from governance.text import safe


def solve_requests(
    folder: Path,
    requests: Sequence[Path],
    output: Path,
    form: str,
    precision: str,
    device: str,
    progress: ProgressCallback,
    keys: str = "kohya",
    statistics: Path | None = None,
    stage_one: Path | None = None,
) -> Mapping[str, JSON]:
    """Solve request files for a folder.

    Args:
        folder: Diffusers folder.
        requests: Request files.
        output: New folder.
        form: ``delta``, ``lora`` or ``diffusers``.
        precision: ``mixed``, ``float64`` or ``float32``.
        device: Where tensors live.
        progress: Told about every step.
        keys: How an adapter names its tensors: ``kohya`` or ``diffusers``.
        statistics: Key covariances, for edits of text encoders.
        stage_one: Keeps finished concepts of a stage one; None keeps none.

    Returns:
        The command's JSON document.

    Raises:
        RequestError: A request is wrong, or is a debias without alphas.
        UsageError: The output exists already, or cannot be made.
    """
    check_free(output.absolute())  # before minutes go into stage one
    loaded = [item for path in requests for item in load_requests(path)]
    for item in loaded:
        _refuse_search(item.request)
    progress(Progress("solve", 0, 1))
    where = resolve_device(device)
    with given_edits(loaded, folder, statistics, where, progress, stage_one) as given:
        report = solve(
            folder,
            given.specs,
            output,
            fmt=cast("Kind", form),
            keys=cast("Keys", keys),
            precision=cast("Precision", precision),
            device=algebra_device(where),
            statistics=given.statistics,
            on_progress=lambda step, done, total: progress(Progress(step, done, total)),
        )
    progress(Progress("solve", 1, 1))
    document = report.as_json()
    return {**document, "warnings": [*given.warnings, *report.edited.warnings]}


def _refuse_search(request: EditRequest) -> None:
    searched = any(attribute.alpha is None for attribute in request.attributes)
    if request.action is Action.DEBIAS and searched:
        raise RequestError(
            f"{safe(request.title, 120)!r}: solve searches nothing; expected `alpha` "
            "with every attribute",
            "Give alphas, or apply the edit in a workspace.",
            field="spec.attributes",
        )
