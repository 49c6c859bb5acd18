"""A judge's answers about pictures, and when it may not speak."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from governance.checks.drawing import Picture
from governance.checks.questions import Answer, JudgeKind, Question


class Judge(Protocol):
    """Names what pictures show."""

    @property
    def kinds(self) -> "Mapping[str, CalibratedKind]":
        """What it can name, and how well."""

    def name(self, images: Picture, kind: str) -> list[str]:
        """Name one thing about each picture."""

    def similarity(self, images: Picture, texts: list[str]) -> NDArray[np.float32]:
        """Measure how like each picture is to each text."""


class CalibratedKind(JudgeKind, Protocol):
    """A kind, and how often its answer was right."""

    @property
    def calibration(self) -> Mapping[str, Mapping[str, float]]:
        """Source of images to ``{value, low, high, n}``, the share of right answers."""


@dataclass(frozen=True, slots=True)
class Floor:
    """Below this a judge says that it cannot tell.

    Args:
        accuracy: Least share of right answers on generated images.
        images: Least number of images that was measured on.
    """

    accuracy: float
    images: int


def unreliable(judge: Judge, question: Question, floor: Floor) -> str | None:
    """Say why a judge's answer to a question would not count.

    Args:
        judge: The judge.
        question: What it would be asked.
        floor: What it must reach.

    Returns:
        The reason, or ``None`` where it may speak.
    """
    if question.ask != "like" and not question.answers:
        return "judge cannot tell: no kind of it knows this label"
    for answer in question.answers:
        measured = judge.kinds[answer.kind].calibration.get("generated")
        if measured is None or measured["n"] < floor.images:
            return f"judge cannot tell {answer.kind}: not calibrated"
        if measured["value"] < floor.accuracy:
            return (
                f"judge cannot tell {answer.kind}: right on "
                f"{measured['value']:.2f} of generated images, "
                f"expected {floor.accuracy:.2f}"
            )
    return None


def answered(
    judge: Judge,
    question: Question,
    pictures: Sequence[Picture],
    base: Sequence[Picture],
) -> list[bool]:
    """Ask a question about pictures.

    Args:
        judge: The judge.
        question: What to ask.
        pictures: uint8 [H, W, 3] each.
        base: The base's pictures of the same prompt and seeds, for ``same``.

    Returns:
        Whether each picture shows what is wanted.
    """
    if not pictures:
        return []
    stacked = np.stack(list(pictures))
    if question.ask == "like" and question.likeness is not None:
        texts = [question.likeness.wanted, question.likeness.unwanted]
        scores = judge.similarity(stacked, texts)
        return [bool(row[0] > row[1]) for row in scores]
    named = _named(judge, question.answers, stacked)
    if question.ask == "same":
        before = _named(judge, question.answers, np.stack(list(base)))
        return [
            all(named[kind][at] == before[kind][at] for kind in named)
            for at in range(len(pictures))
        ]
    return [_shows(question, named, at) for at in range(len(pictures))]


def observed_shares(
    judge: Judge, answers: Sequence[Answer], pictures: Sequence[Picture]
) -> tuple[float, ...]:
    """Return the share of pictures that show each attribute value.

    Args:
        judge: The judge.
        answers: One per attribute value, all of one kind.
        pictures: uint8 [H, W, 3] each; at least one.
    """
    names = judge.name(np.stack(list(pictures)), answers[0].kind)
    return tuple(names.count(answer.label) / len(names) for answer in answers)


def _named(
    judge: Judge, answers: Sequence[Answer], stacked: Picture
) -> Mapping[str, list[str]]:
    kinds = dict.fromkeys(answer.kind for answer in answers)
    return {kind: judge.name(stacked, kind) for kind in kinds}


def _shows(question: Question, named: Mapping[str, list[str]], at: int) -> bool:
    seen = [named[answer.kind][at] == answer.label for answer in question.answers]
    return all(seen) if question.ask == "seen" else not any(seen)
