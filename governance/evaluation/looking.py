"""Draw and judge what is not measured yet; keep every answer as a cell."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from governance.canonical import JSON, digest_of
from governance.checks.drawing import Drawable, Picture, Wish
from governance.checks.judging import answered, unreliable
from governance.checks.questions import Question
from governance.evaluation.asking import document_of
from governance.evaluation.tools import FLOOR, Tools
from governance.service.facade import Progress

# Scenes that are drawn together, so that every worker has something to do.
TOGETHER = 8


@dataclass(frozen=True, slots=True)
class Look:
    """One picture and what is asked about it."""

    prompt: str
    seed: int
    questions: tuple[Question, ...]


@dataclass(frozen=True, slots=True)
class Scene:
    """Weights, named by how they came about, and what is looked at on them.

    Args:
        weights: Name of the weights: ``base``, or what follows from the edits.
        looks: Pictures.
    """

    weights: str
    looks: tuple[Look, ...]


Weigh: TypeAlias = Callable[[Scene], Drawable | None]
"""Makes the weights of a scene; nothing where its edit cannot be made."""


def key_of(tools: Tools, weights: str, look: Look) -> str:
    """Return the key of a cell: the digest of everything that decides its value."""
    return digest_of(
        {
            "cell": "look/v1",
            "model": tools.model,
            "judge": tools.judged_by,
            "weights": weights,
            "prompt": look.prompt,
            "seed": look.seed,
            "steps": tools.sampler.steps,
            "guidance": tools.sampler.guidance,
            "questions": document_of(look.questions),
        }
    )


def silence(tools: Tools, look: Look) -> str | None:
    """Say why the judge cannot answer a look, or nothing where it can."""
    for question in look.questions:
        reason = unreliable(tools.judge, question, FLOOR)
        if reason is not None:
            return reason
    return None


def measure(scenes: Sequence[Scene], weigh: Weigh, tools: Tools, label: str) -> None:
    """Measure every look that is not measured yet.

    Args:
        scenes: What to look at.
        weigh: Makes the weights of a scene; asked only for what is missing.
        tools: Model, judge, workers, cells.
        label: What this is called in the progress.
    """
    wanted = [scene for scene in scenes if _missing(scene, tools)]
    for start in range(0, len(wanted), TOGETHER):
        some = wanted[start : start + TOGETHER]
        tools.progress(Progress(label, start, len(wanted)))
        weighed = [(scene, weigh(scene)) for scene in some]
        _measure_some([(s, w) for s, w in weighed if w is not None], tools)
    if wanted:
        tools.progress(Progress(label, len(wanted), len(wanted)))


def _missing(scene: Scene, tools: Tools) -> list[Look]:
    keys = [key_of(tools, scene.weights, look) for look in scene.looks]
    found = tools.cells.found(keys)
    return [
        look
        for key, look in zip(keys, scene.looks, strict=True)
        if key not in found and silence(tools, look) is None
    ]


def _measure_some(weighed: Sequence[tuple[Scene, Drawable]], tools: Tools) -> None:
    shots = [
        (scene, weights, look)
        for scene, weights in weighed
        for look in dict.fromkeys(_missing(scene, tools))
    ]
    pictures = _drawn([(weights, look) for _, weights, look in shots], tools)
    untouched = tools.untouched()
    paired = [look for _, _, look in shots if _needs_base(look)]
    before = dict(
        zip(paired, _drawn([(untouched, look) for look in paired], tools), strict=True)
    )
    cells: dict[str, JSON] = {}
    for (scene, _, look), picture in zip(shots, pictures, strict=True):
        seen = _answer(tools, look, picture, before.get(look))
        cells[key_of(tools, scene.weights, look)] = seen
    tools.cells.keep(cells)


def _drawn(shots: Sequence[tuple[Drawable, Look]], tools: Tools) -> list[Picture]:
    if not shots:
        return []
    wishes = [Wish(weights, look.prompt, look.seed) for weights, look in shots]
    return tools.drawer.draw(wishes, tools.sampler, tools.images)


def _needs_base(look: Look) -> bool:
    return any(question.ask == "same" for question in look.questions)


def _answer(tools: Tools, look: Look, picture: Picture, before: Picture | None) -> bool:
    base = [picture if before is None else before]
    return all(
        answered(tools.judge, question, [picture], base)[0]
        for question in look.questions
    )


def answers(tools: Tools, weights: str, looks: Sequence[Look]) -> Iterator[bool | None]:
    """Yield what was measured, nothing where a cell is missing.

    Args:
        tools: Model, judge, cells.
        weights: Name of the weights.
        looks: Which pictures.
    """
    keys = [key_of(tools, weights, look) for look in looks]
    found: Mapping[str, JSON] = tools.cells.found(keys)
    for key in keys:
        value = found.get(key)
        yield value if isinstance(value, bool) else None
