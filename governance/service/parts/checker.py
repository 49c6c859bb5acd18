"""Evidence on a registered model: both tiers, pictures and sheets stored."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from governance.canonical import JSON
from governance.domain.events import Document
from governance.domain.request import Action
from governance.domain.snapshot import Snapshot
from governance.domain.state import ModelRecord
from governance.policy.evidence import Metric
from governance.service.facade import Progress, ProgressCallback
from governance.service.parts.judges import Judges
from governance.service.parts.models import FolderModels
from governance.service.parts.studio import Studio, drawable
from governance.service.ports import Measurement, Place, Planned, Shot, Subject

if TYPE_CHECKING:
    from governance.checks.images import Drawn, ImageFindings, Sides
    from governance.checks.plan import EditPlan
    from governance.checks.weights import WeightFindings
    from governance.pipeline.folder import PipelineFolder
    from governance.pipeline.judge_model import Judge

SHOWN = {"efficacy": 6, "generality": 2, "ratio": 12, "specificity": 1}
"""How many pictures of a prompt are kept for people to look at."""


class RealChecker:
    """Runs suites with the judge that was calibrated on the model.

    Args:
        studio: Drawing workers.
        judges: Judges by model.
    """

    def __init__(
        self, studio: Studio | None = None, judges: Judges | None = None
    ) -> None:
        self._studio = studio or Studio()
        self._judges = judges or Judges()

    def check(
        self, place: Place, subject: Subject, progress: ProgressCallback
    ) -> Measurement:
        """Run a suite on base, live and candidate.

        Raises:
            PipelineError: No judge knows the model, or it cannot be loaded.
            WorkerLostError: A drawing process died.
        """
        started = time.perf_counter()
        folder = FolderModels().folder(subject.model)
        weights = self._weights(place, folder, subject, progress)
        weighed = time.perf_counter()
        if "images" not in subject.suite.tiers:
            return _measurement(weights, None, (), (), {"weights": weighed - started})
        judge, digest = self._judges.of(subject.model)
        sides = _sides(place, folder, subject)
        plans = _plans(subject, judge)
        drawn = self._draw(place, subject, plans, sides, _fresh(subject), progress)
        painted = time.perf_counter()
        progress(Progress("judge", 0, 1))
        found = _judged(subject, plans, drawn, judge)
        progress(Progress("judge", 1, 1))
        seconds = {
            "weights": round(weighed - started, 3),
            "draw": round(painted - weighed, 3),
            "judge": round(time.perf_counter() - painted, 3),
        }
        shots, sheets = _stored(place, subject, drawn)
        details = _details(subject, weights, found, digest, drawn)
        metrics = {
            item.id: (*weights.metrics.get(item.id, ()), *found.metrics[item.id])
            for item in subject.edits
        }
        return Measurement(metrics, shots, sheets, details, seconds)

    def preview(
        self,
        place: Place,
        model: ModelRecord,
        before: Snapshot,
        after: Snapshot,
        prompt: str,
        seeds: Sequence[int],
        progress: ProgressCallback,
    ) -> tuple[tuple[bytes, bytes], ...]:
        """Draw a prompt's seeds on two snapshots; PNG bytes before and after."""
        from governance.checks.drawing import Sampler, Wish, png_bytes

        folder = FolderModels().folder(model)
        first, second = (drawable(place, folder, item) for item in (before, after))
        wishes = [
            Wish(side, prompt, seed) for side in (first, second) for seed in seeds
        ]
        pictures = self._studio.drawer(place).draw(
            wishes, Sampler(20, 3.0), place.images, _drawing(progress)
        )
        half = len(pictures) // 2
        return tuple(
            (png_bytes(one), png_bytes(two))
            for one, two in zip(pictures[:half], pictures[half:], strict=True)
        )

    def measure(
        self,
        place: Place,
        subject: Subject,
        seeds: int | None,
        progress: ProgressCallback,
    ) -> tuple[Document, ...]:
        """Measure edits on base and on the candidate with fresh seeds.

        Args:
            place: Where to read and write.
            subject: What is measured.
            seeds: Images per prompt; the suite's number where omitted.
            progress: Told about every image.

        Returns:
            ``{id, efficacy, generality, specificity, ratios}`` each.
        """
        from dataclasses import replace

        folder = FolderModels().folder(subject.model)
        judge, _ = self._judges.of(subject.model)
        plans = _plans(subject, judge)
        if seeds is not None:
            plans = tuple(
                replace(
                    plan, rows=tuple(replace(row, count=seeds) for row in plan.rows)
                )
                for plan in plans
            )
        sides = _sides(place, folder, subject)
        drawn = self._draw(place, subject, plans, sides, _measuring(subject), progress)
        found = _judged(subject, plans, drawn, judge)
        return tuple(_figures(item.id, found) for item in subject.edits)

    def _weights(
        self,
        place: Place,
        folder: "PipelineFolder",
        subject: Subject,
        progress: ProgressCallback,
    ) -> "WeightFindings":
        from governance.checks.weights import Change, weight_findings
        from governance.pipeline.encoder import open_encoder
        from governance.pipeline.tensors import tensor_from
        from governance.pipeline.weights import PipelineWeights
        from governance.snapshots.compose import load_overrides
        from governance.text import words_match

        progress(Progress("weights", 0, 1))
        weights = PipelineWeights(folder)
        changes = [
            Change(weights.read_key(key), tensor_from(data, weights.record(key)))
            for key, data in load_overrides(place.store, subject.candidate).items()
        ]
        sources = _sources(subject)
        captions = [
            text
            for text in subject.suite.weights.captions
            if not any(words_match(source, text) for source in sources)
        ]
        encoder = open_encoder(folder, cache=place.encodings)
        found = weight_findings(
            {
                item.id: (
                    [concept.source for concept in item.request.concepts],
                    item.request.preserve,
                )
                for item in subject.edits
            },
            [item.id for item in subject.others],
            subject.certificate,
            captions,
            subject.suite.weights.neighbours,
            changes,
            encoder.encode_full,
        )
        progress(Progress("weights", 1, 1))
        return found

    def _draw(
        self,
        place: Place,
        subject: Subject,
        plans: "Sequence[EditPlan]",
        sides: "Sides",
        seeds: Callable[[str, int], tuple[int, ...]],
        progress: ProgressCallback,
    ) -> "tuple[Drawn, ...]":
        from governance.checks.drawing import Sampler
        from governance.checks.images import draw_plans

        sampler = subject.suite.sampler
        return draw_plans(
            plans,
            sides,
            seeds,
            self._studio.drawer(place),
            Sampler(sampler.steps, sampler.guidance),
            place.images,
            _drawing(progress),
        )


def _drawing(progress: ProgressCallback) -> Callable[[int, int], None]:
    def drawn(done: int, total: int) -> None:
        progress(Progress("draw", done, total))

    return drawn


def _sources(subject: Subject) -> list[str]:
    everything = (*subject.edits, *subject.others)
    return [
        concept.prompt or concept.source
        for item in everything
        for concept in item.request.concepts
    ]


def _sides(place: Place, folder: "PipelineFolder", subject: Subject) -> "Sides":
    from governance.checks.images import Sides

    base = Snapshot(folder.digest, (), {})
    return Sides(
        drawable(place, folder, base),
        drawable(place, folder, subject.live),
        drawable(place, folder, subject.candidate),
    )


def _plans(subject: Subject, judge: "Judge") -> "tuple[EditPlan, ...]":
    from governance.checks.plan import plan_edit

    sources = _sources(subject)
    return tuple(
        plan_edit(subject.suite, judge, item.id, item.request, sources)
        for item in subject.edits
    )


def _fresh(subject: Subject) -> Callable[[str, int], tuple[int, ...]]:
    from governance.checks.seeds import seeds_for

    def chosen(prompt: str, count: int) -> tuple[int, ...]:
        return seeds_for(subject.candidate.digest, subject.suite.digest, prompt, count)

    return chosen


def _measuring(subject: Subject) -> Callable[[str, int], tuple[int, ...]]:
    """Seeds of a measurement: neither a search's nor a check's, equal over snapshots."""
    from governance.checks.seeds import seeds_for

    def chosen(prompt: str, count: int) -> tuple[int, ...]:
        return seeds_for("measure", subject.model.digest, prompt, count)

    return chosen


def _judged(
    subject: Subject,
    plans: "Sequence[EditPlan]",
    drawn: "Sequence[Drawn]",
    judge: "Judge",
) -> "ImageFindings":
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


def _stored(
    place: Place, subject: Subject, drawn: "Sequence[Drawn]"
) -> tuple[tuple[Shot, ...], tuple[str, ...]]:
    from governance.checks.drawing import png_bytes
    from governance.checks.sheets import contact_sheet

    shots = []
    for item in drawn:
        for at, seed in enumerate(item.seeds[: SHOWN[item.row.metric]]):
            digests = {
                side: place.store.put_bytes(png_bytes(pictures[at]))
                for side, pictures in item.pictures.items()
            }
            shots.append(Shot(item.edit, item.row.prompt, seed, **digests))
    sheets = []
    for planned in subject.edits:
        own = [item for item in drawn if item.edit == planned.id]
        title = f"{planned.id} {planned.request.title}"
        sheets.append(place.store.put_bytes(contact_sheet(title, own)))
    return tuple(shots), tuple(sheets)


def _details(
    subject: Subject,
    weights: "WeightFindings",
    found: "ImageFindings",
    judge: str,
    drawn: "Sequence[Drawn]",
) -> Document:
    seeds: dict[str, JSON] = {
        f"{item.edit} {item.row.metric} {item.row.prompt}": list(item.seeds)
        for item in drawn
    }
    return {
        "judge": judge,
        "sampler": {
            "steps": subject.suite.sampler.steps,
            "guidance": subject.suite.sampler.guidance,
        },
        "seeds": seeds,
        "rows": list(found.rows),
        "before": {edit: dict(rows) for edit, rows in found.before.items()},
        "silent": list(found.silent),
        "blast_radius": list(weights.blast_radius),
    }


def _measurement(
    weights: "WeightFindings",
    _images: None,
    shots: tuple[Shot, ...],
    sheets: tuple[str, ...],
    seconds: Mapping[str, float],
) -> Measurement:
    details: Document = {"blast_radius": list(weights.blast_radius)}
    return Measurement(weights.metrics, shots, sheets, details, seconds)


def _figures(edit: str, found: "ImageFindings") -> Document:
    after = {item.name: item for item in found.metrics[edit]}
    row: dict[str, JSON] = {"id": edit}
    for name in ("efficacy", "generality", "specificity"):
        row[name] = _pair(found, edit, name, after.get(name))
    ratios: dict[str, JSON] = {
        name.removeprefix("ratio."): _pair(found, edit, name, metric)
        for name, metric in after.items()
        if name.startswith("ratio.")
    }
    row["ratios"] = ratios or None
    return row


def _pair(
    found: "ImageFindings", edit: str, name: str, metric: Metric | None
) -> dict[str, JSON]:
    before = found.before[edit].get(name, {}).get("base")
    after: JSON = None
    if metric is not None:
        after = {
            "value": metric.value,
            "low": metric.low,
            "high": metric.high,
            "n": metric.n,
        }
    return {"before": before, "after": after}
