"""Many edits at once: ours jointly, against the same method one after another."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from governance.canonical import JSON, digest_of
from governance.checks.questions import answers_in
from governance.documents.suite import without_article
from governance.engine.edit import EditSpec
from governance.errors import RequestError
from governance.evaluation.asking import questions_for
from governance.evaluation.cases import METRICS, Case, Dataset
from governance.evaluation.editing import Editor
from governance.evaluation.looking import Look, Scene, answers, measure
from governance.evaluation.presets import Presets
from governance.evaluation.running import BASELINE
from governance.evaluation.shares import Scores, scored
from governance.evaluation.specs import can, protected, spec_of
from governance.evaluation.stacking import Outcome, jointly, stacked
from governance.evaluation.tools import Tools, measuring_seeds
from governance.service.facade import Progress
from governance.text import words_match

JOINTLY, STACKED = "jointly", "one after another"
LEAST = 16
"""Pictures of efficacy and of generality where there are fewer edits than that."""
KEPT = 24
"""Prompts about other things, the same for every number of edits."""


@dataclass(frozen=True, slots=True)
class Group:
    """Some edits in the weights at once.

    Args:
        method: Who edits; ``baseline`` for none.
        mode: Jointly, or one after another.
        count: How many edits.
        scores: What they reached.
        seconds: What solving them took, stage one and searches not counted.
        refused: Why they could not be made, or nothing.
    """

    method: str
    mode: str
    count: int
    scores: Scores
    seconds: float | None = None
    refused: str | None = None


@dataclass(frozen=True, slots=True)
class TogetherReport:
    """The second table.

    Args:
        dataset: What was asked.
        groups: Its rows.
        presets: The sidecar's name, or nothing.
    """

    dataset: Dataset
    groups: tuple[Group, ...]
    presets: str | None


def run_together(
    dataset: Dataset,
    methods: Sequence[str],
    counts: Sequence[int],
    presets: Presets,
    tools: Tools,
) -> TogetherReport:
    """Put the first edits of a data set into the weights, more and more of them.

    Every number of edits is drawn with the same prompts and seeds in both modes.

    Args:
        dataset: Edits that can live together.
        methods: Who edits.
        counts: How many edits; none above what the set has.
        presets: With which parameters.
        tools: Model, judge, workers, cells.

    Returns:
        The table.

    Raises:
        RequestError: The set has fewer edits, or two that contradict each other.
    """
    check_compatible(dataset, max(counts))
    looks = {count: _looks(dataset, count, tools) for count in counts}
    groups = list(_unedited(looks, tools))
    for method in methods:
        if all(can(method, case) for case in dataset.cases):
            groups += _Rows(dataset, method, presets, tools, looks).groups()
    return TogetherReport(dataset, tuple(groups), presets.file)


def check_compatible(dataset: Dataset, count: int) -> None:
    """Refuse edits that cannot live together.

    Args:
        dataset: The set.
        count: How many of its first edits are wanted.

    Raises:
        RequestError: Fewer are there, or a source is edited twice.
    """
    if len(dataset.cases) < count:
        raise RequestError(
            f"expected at least {count} edits, found {len(dataset.cases)}",
            "Ask for fewer with --together.",
            file=dataset.name,
        )
    seen: dict[str, int] = {}
    for case in dataset.cases[:count]:
        name = case.source.casefold()
        if name in seen:
            raise RequestError(
                f"{ascii(case.source)[:60]} is edited on line {seen[name]} too; expected "
                "every source once, so that the edits can live together",
                file=dataset.name,
                line=case.line,
            )
        seen[name] = case.line


Looks = Mapping[str, tuple[Look, ...]]


def _looks(dataset: Dataset, count: int, tools: Tools) -> Looks:
    cases = dataset.cases[:count]
    each = -(-LEAST // count)
    found: dict[str, tuple[Look, ...]] = {}
    for metric in ("efficacy", "generality"):
        found[metric] = tuple(
            look
            for at, case in enumerate(cases)
            for look in _some(case, metric, at, each, tools)
        )
    found["specificity"] = tuple(_kept(dataset, tools))
    return found


def _some(case: Case, metric: str, at: int, count: int, tools: Tools) -> Iterator[Look]:
    """Yield looks at one probe of a metric; edits take turns which."""
    probes = tuple(case.of(metric))
    if probes:
        probe = probes[at % len(probes)]
        questions = questions_for(tools.judge, case, probe)
        for seed in measuring_seeds(probe.prompt, count, probe.seeds):
            yield Look(probe.prompt, seed, questions)


def _kept(dataset: Dataset, tools: Tools) -> Iterator[Look]:
    """Yield looks at things that no edit of the whole set is about."""
    about = [without_article(case.source) for case in dataset.cases]
    seen: set[str] = set()
    for case in dataset.cases:
        for probe in case.of("specificity"):
            edited = any(words_match(words, probe.prompt) for words in about)
            if edited or probe.prompt in seen or len(seen) == KEPT:
                continue
            if answers_in(tools.judge, probe.old):
                seen.add(probe.prompt)
                [seed] = measuring_seeds(probe.prompt, 1, probe.seeds)
                yield Look(probe.prompt, seed, questions_for(tools.judge, case, probe))


def _free(dataset: Dataset, texts: Sequence[str]) -> tuple[str, ...]:
    for case in dataset.cases:
        texts = protected(case, texts)
    return tuple(texts)


def _unedited(looks: Mapping[int, Looks], tools: Tools) -> Iterator[Group]:
    untouched = tools.untouched()
    for count, some in looks.items():
        scene = Scene("base", tuple(look for one in some.values() for look in one))
        measure([scene], lambda _: untouched, tools, f"{BASELINE}, {count} together")
        yield Group(BASELINE, "", count, _scores("base", some, tools))


def _scores(weights: str, looks: Looks, tools: Tools) -> Scores:
    return scored(
        {
            metric: [a for a in answers(tools, weights, looks[metric]) if a is not None]
            for metric in METRICS
        }
    )


class _Rows:
    """One method's rows of the table."""

    def __init__(
        self,
        dataset: Dataset,
        method: str,
        presets: Presets,
        tools: Tools,
        looks: Mapping[int, Looks],
    ) -> None:
        self._method = method
        self._tools = tools
        self._looks = looks
        cases = dataset.cases[: max(looks)]
        # No edit may protect what another one changes, or what is measured.
        free = replace(presets, preserve=_free(dataset, presets.preserve))
        self._asked = [
            (case, spec_of(case, method, free, tools.judge, tools.statistics))
            for case in cases
        ]
        self._ready: list[EditSpec] = []

    def groups(self) -> Iterator[Group]:
        """Yield every row, measuring what is not measured yet."""
        for mode, solve in ((JOINTLY, jointly), (STACKED, stacked)):
            wanted = [count for count in self._looks if not self._finished(mode, count)]
            if wanted:
                specs = self._resolved(max(wanted))
                for count, outcome in solve(specs, wanted, self._tools):
                    self._measure(mode, count, outcome)
            for count in self._looks:
                yield self._group(mode, count)

    def _finished(self, mode: str, count: int) -> bool:
        record = self._record(mode, count)
        if record is None:
            return False
        if record.get("refused") is not None:
            return True
        looks = (look for one in self._looks[count].values() for look in one)
        return None not in set(
            answers(self._tools, self._name(mode, count), list(looks))
        )

    def _measure(self, mode: str, count: int, outcome: Outcome) -> None:
        if isinstance(outcome, str):
            self._keep(mode, count, {"refused": outcome, "seconds": None})
            return
        self._keep(mode, count, {"refused": None, "seconds": outcome.seconds})
        looks = self._looks[count].values()
        scene = Scene(
            self._name(mode, count), tuple(one for some in looks for one in some)
        )
        label = f"{self._method}, {count} {mode}"
        measure([scene], lambda _: outcome.weights, self._tools, label)

    def _group(self, mode: str, count: int) -> Group:
        record = self._record(mode, count) or {}
        refused, seconds = record.get("refused"), record.get("seconds")
        name = self._name(mode, count)
        return Group(
            self._method,
            mode,
            count,
            _scores(name, self._looks[count], self._tools),
            float(seconds) if isinstance(seconds, int | float) else None,
            None if refused is None else str(refused),
        )

    def _resolved(self, count: int) -> list[EditSpec]:
        editor = Editor(self._tools)
        wanted = [spec for _, spec in self._asked[len(self._ready) : count]]
        editor.prepare(wanted)
        for case, spec in self._asked[len(self._ready) : count]:
            self._tools.progress(
                Progress(f"{self._method}, resolve", len(self._ready), len(self._asked))
            )
            ready = editor.resolved(case, spec)
            if ready is None:
                record = editor.record(spec)
                why = None if record is None else record.refused
                raise RequestError(
                    f"{self._method} cannot make {ascii(case.name)[:80]}: {why}",
                    "Take this method out of --method, or the edit out of the set.",
                    line=case.line,
                )
            self._ready.append(ready)
        return self._ready[:count]

    def _name(self, mode: str, count: int) -> str:
        edits: list[JSON] = [spec.digest for _, spec in self._asked[:count]]
        return digest_of({"together": mode, "edits": edits})

    def _record(self, mode: str, count: int) -> Mapping[str, JSON] | None:
        key = self._key(mode, count)
        found = self._tools.cells.found([key]).get(key)
        return found if isinstance(found, dict) else None

    def _keep(self, mode: str, count: int, record: Mapping[str, JSON]) -> None:
        self._tools.cells.keep({self._key(mode, count): dict(record)})

    def _key(self, mode: str, count: int) -> str:
        name = self._name(mode, count)
        return digest_of(
            {"cell": "together/v1", "model": self._tools.model, "edits": name}
        )
