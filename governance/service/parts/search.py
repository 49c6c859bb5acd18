"""The debias search: draw, judge, lean, again, on the snapshot it will live in."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from governance.canonical import JSON
from governance.domain.request import EditRequest
from governance.domain.state import ModelRecord
from governance.service.facade import Progress, ProgressCallback
from governance.service.parts.covariances import covariances_of
from governance.service.parts.judges import Judges
from governance.service.parts.models import FolderModels
from governance.service.parts.studio import Studio
from governance.service.ports import Place

if TYPE_CHECKING:
    from governance.engine.debias import DebiasRound
    from governance.engine.edit import EditSpec

STEPS, GUIDANCE = 20, 3.0


class AlphaSearch:
    """Finds how far a concept leans, by images of it.

    Args:
        studio: Drawing workers.
        judges: Judges by model.
    """

    def __init__(self, studio: Studio, judges: Judges) -> None:
        self._studio = studio
        self._judges = judges

    def run(
        self,
        place: Place,
        model: ModelRecord,
        request: EditRequest,
        spec: "EditSpec",
        others: "Sequence[EditSpec]",
        progress: ProgressCallback,
        ready: "Callable[[EditSpec], EditSpec] | None" = None,
    ) -> dict[str, JSON]:
        """Search alphas with the live edits in place.

        Args:
            place: Where to read and write.
            model: The registered model.
            request: The debias request.
            spec: The same for the engine, without alphas.
            others: Live edits.
            progress: Told about every round.
            ready: Gives a spec with alphas what else a solve of it needs.

        Returns:
            What was found: alphas, ratios, rounds, images and how they were seeded.

        Raises:
            EngineError: The target was not reached in the rounds there are.
        """
        from governance.checks.drawing import Sampler
        from governance.checks.seeds import search_seeds
        from governance.pipeline.base import PipelineBase
        from governance.pipeline.device import algebra_device, resolve_device
        from governance.service.parts.searching import (
            Observatory,
            find_alphas,
            found_document,
        )

        device = algebra_device(resolve_device(place.device))
        folder = FolderModels().folder(model)
        judge, _ = self._judges.of(model)

        def seeds(prompt: str, count: int) -> tuple[int, ...]:
            return search_seeds(request.digest, prompt, count)

        def drawn(number: int, done: int, total: int) -> None:
            progress(Progress(f"search round {number + 1}", done, total))

        def told(seen: "DebiasRound") -> None:
            progress(Progress(_words(spec, seen), seen.number + 1, 0))

        at = Observatory(
            base=PipelineBase(
                folder,
                cache=place.encodings,
                device=device,
                statistics=covariances_of(folder, place.store),
            ),
            judge=judge,
            drawer=self._studio.drawer(place),
            sampler=Sampler(STEPS, GUIDANCE),
            seeds=seeds,
            device=device,
        )
        if ready is not None:
            at = replace(at, ready=ready)
        result = find_alphas(spec, others, at, drawn, told)
        return {
            **found_document(spec, result),
            "sampler": {"steps": STEPS, "guidance": GUIDANCE},
            "seeds": "search/v1: sha256 of request digest, prompt and index",
        }


def _words(spec: "EditSpec", seen: "DebiasRound") -> str:
    names = [attribute.name for attribute in spec.attributes]
    shares = "; ".join(
        ", ".join(f"{name} {share:.2f}" for name, share in zip(names, row, strict=True))
        for row in seen.ratios.values()
    )
    return f"search round {seen.number + 1}: {shares}"
