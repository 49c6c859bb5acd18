"""``governance evaluate``: files in, tables out; a run that was stopped goes on."""

import json
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from governance.canonical import JSON
from governance.checks.drawing import Drawer
from governance.checks.judging import Judge
from governance.errors import InterruptedByUserError, NotFoundError, UsageError
from governance.evaluation.cases import Dataset, Kind
from governance.evaluation.cells import Cells
from governance.evaluation.formats import load_dataset
from governance.evaluation.presets import METHODS, Presets, load_presets, sidecar_of
from governance.evaluation.resolving import statistics_of
from governance.evaluation.running import Report, run
from governance.evaluation.table import (
    document,
    markdown,
    together_document,
    together_markdown,
)
from governance.evaluation.together import TogetherReport, run_together
from governance.evaluation.tools import Tools
from governance.miniature import judge_path, pipeline_path, statistics_path
from governance.pipeline.base import PipelineBase
from governance.pipeline.clip_judge import is_clip, load_clip_judge
from governance.pipeline.covariance_library import CovarianceLibrary
from governance.pipeline.device import algebra_device, resolve_device
from governance.pipeline.folder import PipelineFolder, hash_file, open_pipeline
from governance.pipeline.judge_model import load_judge
from governance.pipeline.statistics import encoder_digests
from governance.runners.pool import WorkerPool
from governance.service.facade import ProgressCallback
from governance.service.parts.judges import folder_digest
from governance.text import safe


@dataclass(frozen=True, slots=True)
class Asked:
    """One data set to evaluate on.

    Args:
        file: The file.
        kind: Whose format it has.
    """

    file: Path
    kind: Kind


@dataclass(frozen=True, slots=True)
class Where:
    """What is evaluated, by what, and where finished cells are kept.

    Args:
        model: Pipeline folder; the miniature's where omitted.
        judge: Judge's folder; the miniature's where omitted.
        output: Folder of cells, images and tables; the user's cache where omitted.
        device: Where to draw and solve.
        statistics: Key covariances; the miniature's own where omitted.
    """

    model: Path | None = None
    judge: Path | None = None
    output: Path | None = None
    device: str = "auto"
    statistics: Path | None = None

    @property
    def folder(self) -> Path:
        """Where finished cells are kept."""
        return self.output or default_output()


def default_output() -> Path:
    """Return where cells are kept when nobody says."""
    from platformdirs import user_cache_path

    return user_cache_path("governance", appauthor=False) / "evaluate"


def miniature_sets() -> tuple[Asked, ...]:
    """Return the data sets that come with the miniature."""
    from governance.miniature.edit_sets import sets_path

    folder = sets_path()
    return tuple(
        Asked(folder / f"{kind.value}.csv", kind) for kind in Kind if kind != Kind.ICEB
    )


def together_set() -> Path:
    """Return the miniature's set of edits that can live together."""
    from governance.miniature.edit_sets import sets_path

    return sets_path() / "together.csv"


def methods_named(text: str) -> tuple[str, ...]:
    """Read ``--method``: names with commas between them, or ``all``.

    Args:
        text: What was given.

    Raises:
        UsageError: One of them is no method.
    """
    if text.strip() == "all":
        return METHODS
    named = tuple(dict.fromkeys(part.strip() for part in text.split(",")))
    for name in named:
        if name not in METHODS:
            raise UsageError(
                f"--method: expected all, or some of {', '.join(METHODS)}, found "
                f"{ascii(name)[:60]}",
                "Separate methods with commas.",
            )
    return named


def evaluate(
    asked: Sequence[Asked],
    methods: Sequence[str],
    where: Where,
    progress: ProgressCallback,
    *,
    limit: int | None = None,
    seeds: int = 1,
    published: bool = False,
) -> tuple[list[Report], list[dict[str, JSON]]]:
    """Measure data sets and write their tables.

    Args:
        asked: The data sets.
        methods: Who edits.
        where: Model, judge, and where cells are kept.
        progress: Told about every step.
        limit: Only that many edits of each set.
        seeds: Pictures of each prompt.
        published: Use published defaults though a set has a sidecar.

    Returns:
        A report and a JSON document for each data set.

    Raises:
        RequestError: A file is wrong.
        PipelineError: The model or the judge cannot be used.
        InterruptedByUserError: It was stopped; finished cells are kept.
    """
    loaded = [_loaded(one, published=published) for one in asked]
    reports, documents = [], []
    with opened(where, progress) as tools:
        for dataset, presets in loaded:
            report = run(dataset, methods, presets, tools, limit=limit, seeds=seeds)
            reports.append(report)
            documents.append(document(report, tools))
            if where.output is not None:
                write_results(where.output, documents, reports)
    return reports, documents


def evaluate_together(
    asked: Asked,
    methods: Sequence[str],
    counts: Sequence[int],
    where: Where,
    progress: ProgressCallback,
) -> tuple[TogetherReport, dict[str, JSON]]:
    """Measure more and more edits of one set at once, and write the table.

    Args:
        asked: A data set whose edits can live together.
        methods: Who edits.
        counts: How many edits.
        where: Model, judge, and where cells are kept.
        progress: Told about every step.

    Returns:
        The report and its JSON document.

    Raises:
        RequestError: The file is wrong, or its edits contradict each other.
        PipelineError: The model or the judge cannot be used.
        InterruptedByUserError: It was stopped; finished cells are kept.
    """
    dataset, presets = _loaded(asked, published=False)
    with opened(where, progress) as tools:
        report = run_together(dataset, methods, counts, presets, tools)
        found = together_document(report, tools)
    if where.output is not None:
        text = json.dumps(found, indent=1, sort_keys=True, allow_nan=False)
        replace_file(where.output / "together.json", text + "\n")
        replace_file(where.output / "together.md", together_markdown(report))
    return report, found


def counts_named(text: str) -> tuple[int, ...]:
    """Read ``--together``: numbers with commas between them.

    Args:
        text: What was given.

    Raises:
        UsageError: One of them is no number of edits.
    """
    parts = [part.strip() for part in text.split(",")]
    if not all(re.fullmatch(r"[1-9]\d{0,4}", part, re.ASCII) for part in parts):
        raise UsageError(
            f"--together: expected numbers such as 1,5,10, found {ascii(text)[:60]}",
            "Separate numbers of edits with commas.",
        )
    return tuple(sorted({int(part) for part in parts}))


def _loaded(one: Asked, *, published: bool) -> tuple[Dataset, Presets]:
    dataset = load_dataset(one.file, one.kind)
    sidecar = sidecar_of(one.file)
    if published or not sidecar.is_file():
        return dataset, Presets()
    return dataset, load_presets(sidecar)


@contextmanager
def opened(where: Where, progress: ProgressCallback) -> Iterator[Tools]:
    """Open model, judge, workers and cells.

    Args:
        where: Which, and where.
        progress: Told about every step.

    Yields:
        The tools.

    Raises:
        InterruptedByUserError: It was stopped.
    """
    judge_folder = where.judge or judge_path()
    device = resolve_device(where.device)
    judge: Judge = (
        load_clip_judge(judge_folder, device)
        if is_clip(judge_folder)
        else load_judge(judge_folder)
    )
    algebra = algebra_device(device)
    folder = open_pipeline(where.model or pipeline_path())
    statistics = statistics_of(
        where.statistics, statistics_path(), miniature=where.model is None
    )
    cells = Cells(where.folder / "cells.sqlite3")
    drawer = Drawer(WorkerPool(), device)
    base = PipelineBase(
        folder,
        cache=where.folder / "encodings",
        device=algebra,
        statistics=None if statistics is None else _covariances(folder, statistics),
    )
    tools = Tools(
        base=base,
        judge=judge,
        judged_by=folder_digest(judge_folder),
        drawer=drawer,
        cells=cells,
        images=where.folder / "images",
        progress=progress,
        device=algebra,
        statistics=None if statistics is None else hash_file(statistics),
        stage_one=where.folder / "stage_one",
    )
    try:
        with told_of_stops(where):
            yield tools
    finally:
        drawer.close()
        cells.close()


@contextmanager
def told_of_stops(where: Where) -> Iterator[None]:
    """Say what a stop leaves.

    Args:
        where: Where cells are kept.

    Raises:
        InterruptedByUserError: It was stopped.
    """
    try:
        yield
    except (KeyboardInterrupt, InterruptedByUserError) as stopped:
        raise InterruptedByUserError(
            f"stopped; every finished cell is kept in {safe(str(where.folder), 300)}",
            "Run the same command again to go on.",
        ) from stopped


def _covariances(folder: PipelineFolder, file: Path) -> CovarianceLibrary:
    if not file.is_file():
        raise NotFoundError(f"{safe(str(file), 300)}: no such file", "Check the path.")
    return CovarianceLibrary(lambda _: file, encoder_digests(folder), strict=True)


def write_results(
    folder: Path, documents: Sequence[JSON], reports: Sequence[Report]
) -> None:
    """Write ``results.json`` and ``table.md``, each whole or not at all.

    Args:
        folder: Where.
        documents: One per data set.
        reports: The same in words.
    """
    text = json.dumps(list(documents), indent=1, sort_keys=True, allow_nan=False)
    replace_file(folder / "results.json", text + "\n")
    replace_file(folder / "table.md", "\n".join(markdown(one) for one in reports))


def replace_file(path: Path, text: str) -> None:
    """Write a text file so that a crash leaves the old one or the new one.

    Args:
        path: The file.
        text: Its new content.
    """
    beside = path.with_name(f".{path.name}.{os.getpid()}.part")
    with beside.open("w", encoding="utf-8") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    beside.replace(path)
    descriptor = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
