"""What a check is about: sources, weights, plans, seeds and the judge's answers."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from governance.domain.request import Action
from governance.domain.snapshot import Snapshot
from governance.service.parts.studio import drawable
from governance.service.ports import Place, Planned, Subject

if TYPE_CHECKING:
    from governance.checks.images import Drawn, ImageFindings, Sides
    from governance.checks.plan import EditPlan
    from governance.pipeline.folder import PipelineFolder
    from governance.pipeline.judge_model import Judge


def sources_of(subject: Subject) -> list[str]:
    """Return every source that is edited in the candidate."""
    everything = (*subject.edits, *subject.others)
    return [
        concept.prompt or concept.source
        for item in everything
        for concept in item.request.concepts
    ]


def sides_of(place: Place, folder: "PipelineFolder", subject: Subject) -> "Sides":
    """Read base, live and candidate, re-hashed."""
    from governance.checks.images import Sides

    base = Snapshot(folder.digest, (), {})
    return Sides(
        drawable(place, folder, base),
        drawable(place, folder, subject.live),
        drawable(place, folder, subject.candidate),
    )


def plans_of(subject: Subject, judge: "Judge") -> "tuple[EditPlan, ...]":
    """Plan the images of every new edit."""
    from governance.checks.plan import plan_edit

    sources = sources_of(subject)
    return tuple(
        plan_edit(subject.suite, judge, item.id, item.request, sources)
        for item in subject.edits
    )


def with_seeds(plan: "EditPlan", seeds: int) -> "EditPlan":
    """Plan a quick look: only what the edit is about, with few images.

    Args:
        plan: The suite's plan.
        seeds: Images per prompt; a ratio gets ten times as many.
    """
    return replace(
        plan,
        rows=tuple(
            replace(row, count=10 * seeds if row.metric == "ratio" else seeds)
            for row in plan.rows
            if row.metric != "specificity"
        ),
    )


def check_seeds(subject: Subject) -> Callable[[str, int], tuple[int, ...]]:
    """Return the seeds of a check: they follow from candidate and suite."""
    from governance.checks.seeds import seeds_for

    def chosen(prompt: str, count: int) -> tuple[int, ...]:
        return seeds_for(subject.candidate.digest, subject.suite.digest, prompt, count)

    return chosen


def measure_seeds(subject: Subject) -> Callable[[str, int], tuple[int, ...]]:
    """Seeds of a measurement: neither a search's nor a check's, equal over snapshots."""
    from governance.checks.seeds import seeds_for

    def chosen(prompt: str, count: int) -> tuple[int, ...]:
        return seeds_for("measure", subject.model.digest, prompt, count)

    return chosen


def judged_images(
    subject: Subject,
    plans: "Sequence[EditPlan]",
    drawn: "Sequence[Drawn]",
    judge: "Judge",
) -> "ImageFindings":
    """Ask the judge about everything that was drawn."""
    from governance.checks.images import judge_drawn
    from governance.checks.judging import Floor

    floor = Floor(subject.suite.judge.floor, subject.suite.judge.images)
    return judge_drawn(plans, drawn, judge, floor, _targets(subject.edits))


def _targets(edits: Sequence[Planned]) -> Mapping[str, Mapping[str, float]]:
    return {
        item.id: {a.name: a.ratio for a in item.request.attributes}
        for item in edits
        if item.request.action is Action.DEBIAS
    }
