"""Evidence on a registered model: both tiers, pictures and sheets stored."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from governance.domain.events import Document
from governance.domain.snapshot import Snapshot
from governance.domain.state import ModelRecord
from governance.service.facade import Progress, ProgressCallback
from governance.service.parts.judges import Judges
from governance.service.parts.models import FolderModels
from governance.service.parts.outcomes import (
    details_of,
    figures_of,
    stored_images,
    weights_only,
)
from governance.service.parts.studio import Studio, drawable
from governance.service.parts.subjects import (
    check_seeds,
    judged_images,
    measure_seeds,
    plans_of,
    sides_of,
    sources_of,
    with_seeds,
)
from governance.service.ports import Measurement, Place, Subject

if TYPE_CHECKING:
    from governance.checks.images import Drawn, Sides
    from governance.checks.plan import EditPlan
    from governance.checks.weights import Change, WeightFindings
    from governance.pipeline.folder import PipelineFolder
    from governance.pipeline.weights import PipelineWeights


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
            return weights_only(weights, None, (), (), {"weights": weighed - started})
        judge, digest = self._judges.of(subject.model)
        sides = sides_of(place, folder, subject)
        plans = plans_of(subject, judge)
        drawn = self._draw(place, subject, plans, sides, check_seeds(subject), progress)
        painted = time.perf_counter()
        progress(Progress("judge", 0, 1))
        found = judged_images(subject, plans, drawn, judge)
        progress(Progress("judge", 1, 1))
        seconds = {
            "weights": round(weighed - started, 3),
            "draw": round(painted - weighed, 3),
            "judge": round(time.perf_counter() - painted, 3),
        }
        shots, sheets = stored_images(place, subject, drawn)
        details = details_of(subject, weights, found, digest, drawn)
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
            seeds: Images per prompt of what the edit is about, ten times as many for
                a ratio, none for specificity; the suite's numbers where omitted.
            progress: Told about every image.

        Returns:
            ``{id, efficacy, generality, specificity, ratios}`` each.
        """
        folder = FolderModels().folder(subject.model)
        judge, _ = self._judges.of(subject.model)
        plans = plans_of(subject, judge)
        if seeds is not None:
            plans = tuple(with_seeds(plan, seeds) for plan in plans)
        sides = sides_of(place, folder, subject)
        drawn = self._draw(
            place, subject, plans, sides, measure_seeds(subject), progress
        )
        found = judged_images(subject, plans, drawn, judge)
        return tuple(figures_of(item.id, found) for item in subject.edits)

    def _weights(
        self,
        place: Place,
        folder: "PipelineFolder",
        subject: Subject,
        progress: ProgressCallback,
    ) -> "WeightFindings":
        from governance.checks.weights import weight_findings
        from governance.pipeline.encoder import open_encoder
        from governance.pipeline.weights import PipelineWeights
        from governance.snapshots.compose import load_overrides
        from governance.text import words_match

        progress(Progress("weights", 0, 1))
        overrides = load_overrides(place.store, subject.candidate)
        changes = prompt_changes(PipelineWeights(folder), overrides)
        sources = sources_of(subject)
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


def prompt_changes(
    weights: "PipelineWeights", overrides: Mapping[str, bytes]
) -> "list[Change]":
    """Return the edited matrices that read prompt rows, before and after.

    A matrix that reads a pooled vector, or one inside a text encoder, has nothing to
    multiply with the rows of a caption.

    Args:
        weights: The base.
        overrides: Edited tensors by key.
    """
    from governance.checks.weights import Change
    from governance.engine.protocols import SPACES
    from governance.pipeline.tensors import tensor_from

    reading = {s.key for s in weights.sites if SPACES[s.projection] == "prompt"}
    return [
        Change(weights.read_key(key), tensor_from(data, weights.record(key)))
        for key, data in overrides.items()
        if key in reading
    ]


def _drawing(progress: ProgressCallback) -> Callable[[int, int], None]:
    def drawn(done: int, total: int) -> None:
        progress(Progress("draw", done, total))

    return drawn
