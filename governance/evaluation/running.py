"""One data set, some methods: every row of the papers' table."""

import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from governance.canonical import JSON
from governance.checks.drawing import Drawable
from governance.engine.edit import EditSpec
from governance.errors import RequestError
from governance.evaluation.asking import questions_for
from governance.evaluation.cases import METRICS, Case, Dataset, Probe
from governance.evaluation.editing import Editor
from governance.evaluation.looking import Look, Scene, answers, measure, silence
from governance.evaluation.presets import Presets
from governance.evaluation.shares import Scores, scored
from governance.evaluation.specs import can, spec_of
from governance.evaluation.tools import Tools, measuring_seeds

BASELINE, ORACLE = "baseline", "oracle"
# Shares of a debias need many pictures of one prompt; other edits are seen in one.
RATIO_SEEDS = 4


@dataclass(frozen=True, slots=True)
class Line:
    """One row of the table.

    Args:
        condition: ``baseline``, ``oracle`` or a method.
        scores: What it reached.
        edits: Edits that were made, of all.
        refused: Edits that could not be made, and why.
        seconds: Median seconds of an edit.
        parameters: Where they differ from the published defaults.
        preserve: Whether texts were protected.
        able: Whether the method has this action.
    """

    condition: str
    scores: Scores
    edits: int
    refused: tuple[tuple[str, str], ...] = ()
    seconds: float | None = None
    parameters: Mapping[str, JSON] | None = None
    preserve: bool = False
    able: bool = True


@dataclass(frozen=True, slots=True)
class _Asked:
    """One probe's looks on the edited model and on the oracle."""

    metric: str
    edited: tuple[Look, ...]
    oracle: tuple[Look, ...]


@dataclass(frozen=True, slots=True)
class _Plan:
    """A case and everything that is looked at for it."""

    case: Case
    asked: tuple[_Asked, ...]

    def looks(self, metric: str, *, oracle: bool = False) -> tuple[Look, ...]:
        """Return the looks of one metric."""
        return tuple(
            look
            for one in self.asked
            if one.metric == metric
            for look in (one.oracle if oracle else one.edited)
        )

    def all(self, *, oracle: bool = False) -> tuple[Look, ...]:
        """Return every look."""
        return tuple(
            look for name in METRICS for look in self.looks(name, oracle=oracle)
        )


@dataclass(frozen=True, slots=True)
class Report:
    """A finished table.

    Args:
        dataset: What was asked.
        edits: How many of its edits.
        seeds: Pictures of each prompt.
        lines: Its rows.
        silent: What the judge could not tell, and why.
        presets: The sidecar's name, or nothing.
    """

    dataset: Dataset
    edits: int
    seeds: int
    lines: tuple[Line, ...]
    silent: tuple[str, ...]
    presets: str | None


def run(
    dataset: Dataset,
    methods: Sequence[str],
    presets: Presets,
    tools: Tools,
    *,
    limit: int | None = None,
    seeds: int = 1,
) -> Report:
    """Measure a data set: baseline, oracle, then every method.

    Args:
        dataset: What is asked.
        methods: Who edits.
        presets: With which parameters.
        tools: Model, judge, workers, cells.
        limit: Only that many edits, from the first on.
        seeds: Pictures of each prompt; a debias draws ``RATIO_SEEDS`` times as many.

    Returns:
        The table; what was measured before is taken from the cells.
    """
    cases = dataset.cases[:limit]
    plans = tuple(_plan(case, seeds, tools) for case in cases)
    lines = [*_unedited(plans, tools)]
    lines += [_edited(plans, method, presets, tools) for method in methods]
    reasons = {
        reason
        for plan in plans
        for look in plan.all()
        if (reason := silence(tools, look)) is not None
    }
    return Report(
        dataset, len(cases), seeds, tuple(lines), tuple(sorted(reasons)), presets.file
    )


def _plan(case: Case, seeds: int, tools: Tools) -> _Plan:
    return _Plan(
        case, tuple(_asked(case, probe, seeds, tools) for probe in case.probes)
    )


def _asked(case: Case, probe: Probe, seeds: int, tools: Tools) -> _Asked:
    questions = questions_for(tools.judge, case, probe)
    many = case.action == "debias" and probe.metric != "specificity"
    count = seeds * (RATIO_SEEDS if many else 1)
    edited, oracle = (
        tuple(
            Look(prompt, seed, questions)
            for seed in measuring_seeds(prompt, count, probe.seeds)
        )
        for prompt in (probe.prompt, probe.oracle)
    )
    return _Asked(probe.metric, edited, oracle)


def _unedited(plans: Sequence[_Plan], tools: Tools) -> Iterator[Line]:
    untouched = tools.untouched()
    for name, oracle in ((BASELINE, False), (ORACLE, True)):
        if oracle and plans[0].case.action == "debias":
            continue  # nobody can say how a balanced crowd is asked for
        scenes = [Scene("base", plan.all(oracle=oracle)) for plan in plans]
        measure(scenes, lambda _: untouched, tools, name)
        yield Line(
            name,
            _scores(plans, ["base"] * len(plans), tools, oracle=oracle),
            len(plans),
        )


def _edited(
    plans: Sequence[_Plan], method: str, presets: Presets, tools: Tools
) -> Line:
    preset = presets.of(method)
    if not any(can(method, plan.case) for plan in plans):
        return Line(method, scored({}), 0, able=False)
    editor = Editor(tools)
    refused: list[tuple[str, str]] = []
    asked: dict[str, tuple[Case, EditSpec]] = {}
    chosen: list[tuple[_Plan, str]] = []
    for plan in plans:
        spec = _asked_of(plan.case, method, presets, tools, refused)
        if spec is not None:
            asked[spec.digest] = (plan.case, spec)
            chosen.append((plan, spec.digest))

    editor.prepare([spec for _, spec in asked.values()])

    def weigh(scene: Scene) -> Drawable | None:
        case, spec = asked[scene.weights]
        ready = editor.resolved(case, spec)
        return None if ready is None else editor.weights([ready])

    scenes = [Scene(digest, plan.all()) for plan, digest in chosen]
    measure(scenes, weigh, tools, f"{method}")
    made, seconds = [], []
    for plan, digest in chosen:
        record = editor.record(asked[digest][1])
        if record is None:
            continue
        if record.refused is not None:
            refused.append((plan.case.name, record.refused))
            continue
        made.append((plan, digest))
        seconds.append(record.seconds)
    return Line(
        condition=method,
        scores=_scores([p for p, _ in made], [d for _, d in made], tools),
        edits=len(made),
        refused=tuple(refused),
        seconds=statistics.median(seconds) if seconds else None,
        parameters=preset.parameters,
        preserve=preset.preserve,
    )


def _asked_of(
    case: Case,
    method: str,
    presets: Presets,
    tools: Tools,
    refused: list[tuple[str, str]],
) -> EditSpec | None:
    if not can(method, case):
        refused.append((case.name, f"method {method} does not {case.action}"))
        return None
    try:
        return spec_of(case, method, presets, tools.judge, tools.statistics)
    except RequestError as error:
        if (error.field or "").startswith("spec.parameters"):
            raise  # the sidecar's mistake, not the edit's
        refused.append((case.name, error.message))
        return None


def _scores(
    plans: Sequence[_Plan],
    weights: Sequence[str],
    tools: Tools,
    *,
    oracle: bool = False,
) -> Scores:
    seen: dict[str, list[bool]] = {name: [] for name in METRICS}
    by_edit: list[list[bool]] = []
    for plan, name in zip(plans, weights, strict=True):
        rare: list[bool] = []
        for metric in METRICS:
            looks = plan.looks(metric, oracle=oracle)
            told = [a for a in answers(tools, name, looks) if a is not None]
            seen[metric] += told
            rare += [] if metric == "specificity" else told
        if plan.case.action == "debias":
            by_edit.append(rare)
    return scored(seen, by_edit)
