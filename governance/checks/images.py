"""Tier 2: the same seeds on base, live and candidate, and what a judge sees."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from governance.canonical import JSON
from governance.checks.drawing import Drawable, Drawer, Picture, Sampler, Wish
from governance.checks.judging import (
    Floor,
    Judge,
    answered,
    unreliable,
)
from governance.checks.plan import EditPlan, Row
from governance.checks.statistics import Share, paired_p_value, share
from governance.policy.evidence import Metric

SIDES = ("base", "live", "candidate")
RATIO_SHARE = 3


@dataclass(frozen=True, slots=True)
class Sides:
    """The three weights a candidate is judged on."""

    base: Drawable
    live: Drawable
    candidate: Drawable

    def all(self) -> tuple[Drawable, Drawable, Drawable]:
        """Return base, live and candidate."""
        return self.base, self.live, self.candidate


@dataclass(frozen=True, slots=True)
class Drawn:
    """One planned prompt with its pictures.

    Args:
        edit: Edit id.
        row: What was planned.
        seeds: Seeds, in order.
        pictures: Pictures by side, in the order of the seeds.
    """

    edit: str
    row: Row
    seeds: tuple[int, ...]
    pictures: Mapping[str, Sequence[Picture]]


@dataclass(frozen=True, slots=True)
class ImageFindings:
    """What tier 2 found.

    Args:
        metrics: Edit id to metrics on the candidate.
        before: Edit id to metric name to shares on base and live.
        rows: Per prompt: how many of n on each side.
        silent: What the judge could not tell, and why.
    """

    metrics: Mapping[str, tuple[Metric, ...]]
    before: Mapping[str, Mapping[str, Mapping[str, JSON]]]
    rows: tuple[Mapping[str, JSON], ...]
    silent: tuple[str, ...]


def draw_plans(
    plans: Sequence[EditPlan],
    sides: Sides,
    seeds: Callable[[str, int], tuple[int, ...]],
    drawer: Drawer,
    sampler: Sampler,
    cache: Path | None,
    on_drawn: Callable[[int, int], None] | None = None,
) -> tuple[Drawn, ...]:
    """Draw every planned prompt on base, live and candidate with the same seeds.

    Args:
        plans: What to draw.
        sides: The three weights.
        seeds: Seeds of a prompt, by prompt and count.
        drawer: Who draws.
        sampler: How.
        cache: Where drawn images are kept.
        on_drawn: Told how many images are done.

    Returns:
        Pictures of each planned prompt.
    """
    planned = [
        (plan.edit, row, seeds(row.prompt, row.count))
        for plan in plans
        for row in plan.rows
    ]
    named = tuple(zip(SIDES, sides.all(), strict=True))
    wishes = [
        Wish(weights, row.prompt, seed)
        for side, weights in named
        for _, row, chosen in planned
        for seed in drawn_on(side, row, chosen)
    ]
    pictures = iter(drawer.draw(wishes, sampler, cache, on_drawn))
    by_side = [
        [
            [next(pictures) for _ in drawn_on(side, row, chosen)]
            for _, row, chosen in planned
        ]
        for side in SIDES
    ]
    return tuple(
        Drawn(
            edit,
            row,
            chosen,
            {name: by_side[at][number] for at, name in enumerate(SIDES)},
        )
        for number, (edit, row, chosen) in enumerate(planned)
    )


def drawn_on(side: str, row: Row, seeds: tuple[int, ...]) -> tuple[int, ...]:
    """Choose the seeds a side is drawn with.

    A ratio is held against its target on the candidate and compared with nothing in
    pairs: the base and the live snapshot only show where it came from, and a third of
    the seeds is enough for that.
    """
    if row.metric == "ratio" and side != "candidate":
        return seeds[: -(-len(seeds) // RATIO_SHARE)]
    return seeds


def judge_drawn(
    plans: Sequence[EditPlan],
    drawn: Sequence[Drawn],
    judge: Judge,
    floor: Floor,
    targets: Mapping[str, Mapping[str, float]],
) -> ImageFindings:
    """Ask the judge about every picture and add the answers up.

    Args:
        plans: What was planned.
        drawn: Its pictures.
        judge: Who answers.
        floor: Below it the judge cannot tell.
        targets: Edit id to attribute name to wanted share, for debias edits.

    Returns:
        Metrics with intervals; what could not be told is missing from them.
    """
    metrics: dict[str, tuple[Metric, ...]] = {}
    before: dict[str, dict[str, dict[str, JSON]]] = {}
    rows: list[dict[str, JSON]] = []
    silent: list[str] = []
    for plan in plans:
        tally = _Tally()
        own = [item for item in drawn if item.edit == plan.edit]
        for item in own:
            if item.row.metric == "ratio":
                continue
            reason = unreliable(judge, item.row.question, floor)
            if reason is not None:
                silent.append(f"{plan.edit} {item.row.metric}: {reason}")
                continue
            rows.append(tally.ask(judge, item))
        found = tally.metrics()
        shares = tally.before()
        wanted = targets.get(plan.edit, {})
        if wanted:
            reason = _ratio_unreliable(judge, plan, floor)
            if reason is None:
                ratios, earlier = _ratios(judge, plan, own, wanted)
                found += ratios
                shares |= earlier
            else:
                silent.append(f"{plan.edit} ratio: {reason}")
        metrics[plan.edit] = tuple(found)
        before[plan.edit] = shares
    return ImageFindings(metrics, before, tuple(rows), tuple(dict.fromkeys(silent)))


class _Tally:
    """Adds up one edit's answers by metric and side."""

    def __init__(self) -> None:
        self._hits: dict[str, dict[str, list[bool]]] = {}

    def ask(self, judge: Judge, item: Drawn) -> dict[str, JSON]:
        row: dict[str, JSON] = {
            "edit": item.edit,
            "metric": item.row.metric,
            "prompt": item.row.prompt,
            "n": len(item.seeds),
        }
        sides = self._hits.setdefault(item.row.metric, {name: [] for name in SIDES})
        base = item.pictures["base"]
        for name in SIDES:
            hits = answered(judge, item.row.question, item.pictures[name], base)
            sides[name] += hits
            row[name] = sum(hits)
        return row

    def metrics(self) -> list[Metric]:
        found = []
        for name, sides in self._hits.items():
            after = share(sides["candidate"])
            if after is not None:
                found.append(_metric(name, after))
        return found

    def before(self) -> dict[str, dict[str, JSON]]:
        return {
            name: {
                **_sides({side: share(sides[side]) for side in ("base", "live")}),
                "p": paired_p_value(sides["live"], sides["candidate"]),
            }
            for name, sides in self._hits.items()
        }


def _ratio_unreliable(judge: Judge, plan: EditPlan, floor: Floor) -> str | None:
    from governance.checks.questions import Question

    return unreliable(judge, Question("seen", plan.attributes), floor)


def _ratios(
    judge: Judge, plan: EditPlan, own: Sequence[Drawn], wanted: Mapping[str, float]
) -> tuple[list[Metric], dict[str, dict[str, JSON]]]:
    kind = plan.attributes[0].kind
    named = {
        side: [
            label
            for item in own
            if item.row.metric == "ratio"
            for label in _names(judge, kind, item.pictures[side])
        ]
        for side in SIDES
    }
    metrics, before = [], {}
    for answer, (attribute, target) in zip(
        plan.attributes, wanted.items(), strict=True
    ):
        shares = {
            side: share([label == answer.label for label in labels])
            for side, labels in named.items()
        }
        name = f"ratio.{attribute}"
        after = shares["candidate"]
        if after is not None:
            metrics.append(_metric(name, after, target))
        before[name] = _sides({side: shares[side] for side in ("base", "live")})
    return metrics, before


def _names(judge: Judge, kind: str, pictures: Sequence[Picture]) -> list[str]:
    import numpy as np

    return judge.name(np.stack(list(pictures)), kind) if pictures else []


def _metric(name: str, found: Share, target: float | None = None) -> Metric:
    return Metric(name, found.value, found.low, found.high, found.n, target)


def _sides(shares: Mapping[str, Share | None]) -> dict[str, JSON]:
    return {
        side: None if found is None else found.document()
        for side, found in shares.items()
    }
