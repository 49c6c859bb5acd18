"""``governance solve``: request files straight to the engine."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import cast

from governance.canonical import JSON
from governance.documents.request import LoadedRequest, load_requests
from governance.documents.together import check_together
from governance.domain.request import TEXT_METHODS, Action
from governance.engine.compose import Precision, plan
from governance.errors import (
    EngineError,
    NotFoundError,
    RequestError,
    WrongStateError,
)
from governance.pipeline.device import algebra_device, resolve_device
from governance.pipeline.encoder import open_encoder
from governance.pipeline.folder import PipelineFolder, open_pipeline
from governance.service.facade import Progress, ProgressCallback
from governance.service.parts.given import given_edits
from governance.service.parts.spec import spec_of
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
        RequestError: A request is wrong, contradicts another, or is a debias without
            alphas; says where.
        UsageError: The output exists already, or cannot be made.
    """
    check_free(output.absolute())  # before minutes go into stage one
    loaded = [item for path in requests for item in load_requests(path)]
    check_together(loaded)
    for item in loaded:
        _refuse_search(item)
    progress(Progress("solve", 0, 1))
    where = resolve_device(device)

    def told(step: str, done: int, total: int) -> None:
        progress(Progress(step, done, total))

    opened = open_pipeline(folder, on_progress=partial(told, "read"))
    with (
        _named(loaded, opened),
        given_edits(loaded, opened, statistics, where, progress, stage_one) as given,
    ):
        report = solve(
            opened,
            given.specs,
            output,
            fmt=cast("Kind", form),
            keys=cast("Keys", keys),
            precision=cast("Precision", precision),
            device=algebra_device(where),
            statistics=given.statistics,
            on_progress=told,
        )
    progress(Progress("solve", 1, 1))
    document = report.as_json()
    return {**document, "warnings": [*given.warnings, *report.edited.warnings]}


def _refuse_search(item: LoadedRequest) -> None:
    request = item.request
    searched = any(attribute.alpha is None for attribute in request.attributes)
    if request.action is Action.DEBIAS and searched:
        item.places.at("spec.attributes").refuse(
            f"{safe(request.title, 120)!r}: solve searches nothing; expected `alpha` "
            "with every attribute",
            "Give alphas, or apply the edit in a workspace.",
        )


@contextmanager
def _named(loaded: Sequence[LoadedRequest], folder: PipelineFolder) -> Iterator[None]:
    """Say which request an error of the engine speaks of."""
    try:
        yield
    except RequestError as error:
        guilty = loaded[0] if len(loaded) == 1 else _guilty(loaded, folder)
        if guilty is None:
            raise
        raise guilty.places.located(error) from error
    except (EngineError, WrongStateError, NotFoundError) as error:
        message = error.message
        for item in loaded:
            digest, root = item.request.digest[:12], item.places.root
            shown = f"edit {digest} ({root.file}:{root.node.line})"
            message = message.replace(f"edit {digest}", shown)
        raise type(error)(message, error.hint) from error


def _guilty(
    loaded: Sequence[LoadedRequest], folder: PipelineFolder
) -> LoadedRequest | None:
    """Find the request that cannot be made into rows of a model, if one cannot."""
    encoder = open_encoder(folder)
    for item in loaded:
        if item.request.method not in TEXT_METHODS:
            try:
                plan(spec_of(item.request, item.request.digest, {}), encoder)
            except RequestError:
                return item
    return None
