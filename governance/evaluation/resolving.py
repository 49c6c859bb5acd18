"""What an edit needs before it can be solved: alphas, lambdas, stage-one values."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from governance.canonical import JSON
from governance.engine.edit import EditSpec
from governance.engine.presets import TEXT_METHODS
from governance.errors import NotFoundError
from governance.evaluation.cases import Case
from governance.evaluation.tools import Tools
from governance.service.facade import Progress
from governance.service.parts.searching import find_alphas, found_document
from governance.service.parts.stage_one import Leanings, Workshop, leanings, stage_one

BATCH = 8
"""Concepts whose stage one runs at once."""


def search(case: Case, spec: EditSpec, tools: Tools) -> dict[str, JSON]:
    """Run an edit's search, if it has one.

    Args:
        case: The edit.
        spec: The same for the engine, unresolved.
        tools: Model, judge, workers.

    Returns:
        What was found, to be handed to :func:`resolved` then and later.

    Raises:
        EngineError: The target was not reached.
    """
    if spec.action != "debias" or spec.alphas is not None:
        return {}
    label = f"search {spec.method}: {case.name}"

    def drawn(number: int, done: int, total: int) -> None:
        tools.progress(Progress(f"{label}, round {number + 1}", done, total))

    prompts = [probe.prompt for probe in case.of("efficacy")][:1]
    at = replace(tools.observatory(), ready=_ready(spec, tools))
    result = find_alphas(spec, (), at, drawn, prompts=prompts)
    return found_document(spec, result)


def resolved(spec: EditSpec, found: Mapping[str, JSON], tools: Tools) -> EditSpec:
    """Return an edit with all that a solve needs.

    Args:
        spec: The edit.
        found: What its search found.
        tools: Model, and where finished stage ones are kept.

    Returns:
        The resolved edit.

    Raises:
        EngineError: Stage one's loss is not finite.
        NotFoundError: A text-encoder edit has no statistics.
    """
    alphas = found.get("alphas")
    if isinstance(alphas, list):
        rows = tuple(tuple(float(item) for item in row) for row in alphas)
        spec = replace(spec, alphas=rows)
    return _ready(spec, tools)(spec)


def optimise(specs: Sequence[EditSpec], tools: Tools) -> None:
    """Run stage one of some edits at once; finished concepts are kept by themselves.

    Args:
        specs: Edits of one method with the same parameters.
        tools: Model, and where finished stage ones are kept.

    Raises:
        EngineError: A loss is not finite.
    """
    some = [one for one in specs if one.method in TEXT_METHODS and not one.attributes]
    if not some or tools.stage_one is None:
        return

    def told(step: str, done: int, total: int) -> None:
        tools.progress(Progress(f"{some[0].method}: {step}", done, total))

    concepts = tuple(concept for one in some for concept in one.concepts)
    stage_one(replace(some[0], concepts=concepts), _workshop(tools), told)


def _workshop(tools: Tools) -> Workshop:
    # Tables compare methods, not bits: an edit finds what its set was optimised with.
    return Workshop(
        tools.base.folder,
        tools.device,
        tools.stage_one,
        _no_image,
        batch=BATCH,
        company=False,
    )


def _ready(spec: EditSpec, tools: Tools) -> Callable[[EditSpec], EditSpec]:
    """Return what completes a spec; it remembers what does not depend on alphas."""
    if spec.method not in TEXT_METHODS:
        return lambda one: one
    if spec.statistics is None and spec.parameters.get("prior") != "identity":
        raise NotFoundError(
            f"method {spec.method} needs key covariances of this text encoder",
            "Run `governance statistics compute --captions FILE`, and give them with "
            "--statistics.",
        )
    at = _workshop(tools)
    kept: list[Leanings] = []

    def ready(one: EditSpec) -> EditSpec:
        if one.action != "debias":
            return replace(one, values=stage_one(one, at, _quiet))
        if not kept:
            kept.append(leanings(spec, at, _quiet))
        return replace(one, values=kept[0].values(one.alphas or ()))

    return ready


def _quiet(step: str, done: int, total: int) -> None:
    del step, done, total


def _no_image(digest: str) -> bytes:
    raise NotFoundError(f"image {digest[:12]}: data sets hold no images")


def statistics_of(file: Path | None, shipped: Path, *, miniature: bool) -> Path | None:
    """Choose key covariances: those given, else the miniature's own.

    Args:
        file: Given by the user.
        shipped: The miniature's.
        miniature: Whether the model is the miniature.
    """
    if file is not None:
        return file
    return shipped if miniature and shipped.is_file() else None
