"""A debias search on any model folder: solve, draw, judge, lean, again.

Loads tensor libraries; imported when a search begins.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from governance.canonical import JSON
from governance.checks.drawing import Drawer, OnDrawn, Sampler, Wish
from governance.checks.judging import Judge, observed_shares
from governance.checks.questions import Answer, attribute_answers
from governance.engine.debias import (
    Alphas,
    DebiasResult,
    DebiasRound,
    Observe,
    search,
)
from governance.engine.edit import EditSpec
from governance.engine.joint import solve_jointly
from governance.engine.presets import validate
from governance.errors import EngineError
from governance.pipeline.base import PipelineBase
from governance.pipeline.tensors import tensor_bytes
from governance.service.parts.studio import unstored

Seeds = Callable[[str, int], Sequence[int]]
"""Seeds of a prompt, by prompt and count; the same in every round."""


def _as_it_is(spec: EditSpec) -> EditSpec:
    return spec


@dataclass(frozen=True)
class Observatory:
    """Where a search looks at its images.

    Args:
        base: The model.
        judge: Who answers.
        drawer: Who draws.
        sampler: How.
        seeds: With which seeds.
        device: Where the algebra runs.
        cache: Folder of drawn images; none is kept where omitted.
        ready: Gives a spec with alphas what else a solve of it needs, such as the
            values that EMCID makes of them.
    """

    base: PipelineBase
    judge: Judge
    drawer: Drawer
    sampler: Sampler
    seeds: Seeds
    device: str = "cpu"
    cache: Path | None = None
    ready: Callable[[EditSpec], EditSpec] = _as_it_is


def find_alphas(
    spec: EditSpec,
    others: Sequence[EditSpec],
    at: Observatory,
    on_drawn: Callable[[int, int, int], None] | None = None,
    on_round: Callable[[DebiasRound], None] | None = None,
    prompts: Sequence[str] | None = None,
) -> DebiasResult:
    """Search the alphas of a debias edit, with other edits in place.

    Args:
        spec: The edit, without alphas.
        others: Edits that are live.
        at: Where images come from.
        on_drawn: Told the round, and how many of its images are done, of how many.
        on_round: Told about every finished round.
        prompts: What is drawn for each concept; the concept itself where omitted.

    Returns:
        What was found.

    Raises:
        EngineError: The judge does not know the attributes, or the target was not
            reached in the rounds there are.
    """
    names = [attribute.name for attribute in spec.attributes]
    attributes = attribute_answers(at.judge, names)
    if not attributes:
        raise EngineError(
            f"debias: the judge knows no kind with the labels {names}",
            f"It knows {', '.join(sorted(at.judge.kinds))}.",
        )
    said = prompts or [concept.source for concept in spec.concepts]
    observe = _observer(spec, others, at, attributes, said, on_drawn)
    return search(spec, observe, on_round)


def _observer(
    spec: EditSpec,
    others: Sequence[EditSpec],
    at: Observatory,
    attributes: Sequence[Answer],
    prompts: Sequence[str],
    on_drawn: Callable[[int, int, int], None] | None,
) -> Observe:
    parameters = validate(spec).debias
    if parameters is None:
        raise EngineError(f"{spec.action} searches no alphas, expected debias")
    images = parameters.images

    def observed(
        alphas: Alphas, active: tuple[int, ...], number: int
    ) -> Mapping[int, tuple[float, ...]]:
        trial = [*others, at.ready(replace(spec, alphas=alphas))]
        edited = solve_jointly(trial, at.base, device=at.device).edited
        drawn = {key: tensor_bytes(value) for key, value in edited.tensors.items()}
        scene = unstored(at.base.folder, drawn)
        shares = {}
        for index in active:
            prompt = prompts[index]
            wishes = [Wish(scene, prompt, seed) for seed in at.seeds(prompt, images)]
            pictures = at.drawer.draw(
                wishes, at.sampler, at.cache, _in_round(on_drawn, number)
            )
            shares[index] = observed_shares(at.judge, attributes, pictures)
        return shares

    return observed


def _in_round(
    on_drawn: Callable[[int, int, int], None] | None, number: int
) -> OnDrawn | None:
    if on_drawn is None:
        return None
    return lambda done, total: on_drawn(number, done, total)


def found_document(spec: EditSpec, result: DebiasResult) -> dict[str, JSON]:
    """Return what a search found, as a resolved edit records it.

    Args:
        spec: The edit.
        result: Its search.

    Returns:
        Alphas, ratios, rounds and images; for method time also each concept's
        lambda, nothing where the concept was balanced as it was.
    """
    found: dict[str, JSON] = {
        "alphas": [list(row) for row in result.alphas],
        "ratios": [list(row) for row in result.ratios],
        "rounds": result.rounds,
        "images": result.images,
    }
    if spec.method == "time":
        found["lambdas"] = [
            1 / max(row) if max(row) > 0 else None for row in result.alphas
        ]
    return found
