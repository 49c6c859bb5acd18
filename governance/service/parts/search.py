"""The debias search: draw, judge, lean, again, on the snapshot it will live in."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from governance.canonical import JSON
from governance.domain.request import EditRequest
from governance.domain.state import ModelRecord
from governance.errors import EngineError
from governance.service.facade import Progress, ProgressCallback
from governance.service.parts.judges import Judges
from governance.service.parts.models import FolderModels
from governance.service.parts.studio import Studio, unstored
from governance.service.ports import Place

if TYPE_CHECKING:
    from governance.engine.debias import DebiasResult, DebiasRound
    from governance.engine.edit import EditSpec
    from governance.pipeline.folder import PipelineFolder

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
    ) -> dict[str, JSON]:
        """Search alphas with the live edits in place.

        Args:
            place: Where to read and write.
            model: The registered model.
            request: The debias request.
            spec: The same for the engine, without alphas.
            others: Live edits.
            progress: Told about every round.

        Returns:
            What was found: alphas, ratios, rounds, images and how they were seeded.

        Raises:
            EngineError: The target was not reached in the rounds there are.
        """
        from governance.engine.debias import search

        folder = FolderModels().folder(model)

        def told(seen: "DebiasRound") -> None:
            progress(Progress(_words(spec, seen), seen.number + 1, 0))

        observe = self._observer(place, model, request, spec, others, folder, progress)
        return _found(search(spec, observe, told))

    def _observer(
        self,
        place: Place,
        model: ModelRecord,
        request: EditRequest,
        spec: "EditSpec",
        others: "Sequence[EditSpec]",
        folder: "PipelineFolder",
        progress: ProgressCallback,
    ) -> Callable[..., Mapping[int, tuple[float, ...]]]:
        from governance.checks.drawing import Sampler
        from governance.checks.images import observe
        from governance.checks.plan import EditPlan
        from governance.checks.questions import attribute_answers
        from governance.checks.seeds import search_seeds
        from governance.engine.joint import solve_jointly
        from governance.engine.presets import validate
        from governance.pipeline.base import PipelineBase
        from governance.pipeline.device import algebra_device, resolve_device
        from governance.pipeline.tensors import tensor_bytes

        judge, _ = self._judges.of(model)
        names = [attribute.name for attribute in spec.attributes]
        attributes = attribute_answers(judge, names)
        if not attributes:
            raise EngineError(
                f"debias: the judge knows no kind with the labels {names}",
                f"It knows {', '.join(sorted(judge.kinds))}.",
            )
        plan = EditPlan("", (), attributes)
        device = algebra_device(resolve_device(place.device))
        base = PipelineBase(folder, cache=place.encodings, device=device)
        parameters = validate(spec).debias
        if parameters is None:
            raise EngineError(f"{spec.action} searches no alphas, expected debias")

        def observed(
            alphas: tuple[tuple[float, ...], ...], active: tuple[int, ...], number: int
        ) -> Mapping[int, tuple[float, ...]]:
            trial = [*others, replace(spec, alphas=alphas)]
            edited = solve_jointly(trial, base, device=device).edited
            drawn = {key: tensor_bytes(value) for key, value in edited.tensors.items()}
            scene = unstored(folder, drawn)

            def told(done: int, total: int) -> None:
                progress(Progress(f"search round {number + 1}", done, total))

            shares = {}
            for index in active:
                prompt = request.concepts[index].source
                seeds = search_seeds(request.digest, prompt, parameters.images)
                shares[index] = observe(
                    self._studio.drawer(place),
                    judge,
                    scene,
                    plan,
                    prompt,
                    seeds,
                    Sampler(STEPS, GUIDANCE),
                    told,
                )
            return shares

        return observed


def _found(result: "DebiasResult") -> dict[str, JSON]:
    return {
        "alphas": [list(row) for row in result.alphas],
        "ratios": [list(row) for row in result.ratios],
        "rounds": result.rounds,
        "images": result.images,
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
