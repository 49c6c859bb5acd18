"""A judge that reads what a picture says it shows, and a drawer that paints that."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from governance.checks.drawing import Drawable, Drawer, OnDrawn, Picture, Sampler, Wish
from governance.documents.suite import Suite
from governance.domain.request import (
    Action,
    Attribute,
    Concept,
    EditRequest,
    LabelledPrompt,
    Method,
    RequestedChecks,
)
from governance.miniature.judge_kinds import kinds as miniature_kinds
from governance.pipeline.folder import PipelineFolder
from governance.pipeline.judge_model import Kind
from governance.runners.pool import WorkerPool

Shown = Mapping[str, str]
"""Kind to label: what a picture shows."""

World = Callable[[str, str, int], Shown]
"""What weights paint, by their name, a prompt and a seed."""

CALIBRATED = {"generated": {"value": 0.95, "low": 0.91, "high": 0.97, "n": 208.0}}


def kinds(**accuracy: float) -> dict[str, Kind]:
    """The miniature's kinds, calibrated at .95 but for those named."""
    return {
        name: replace(
            kind,
            calibration={
                "generated": {
                    **CALIBRATED["generated"],
                    "value": accuracy.get(name, 0.95),
                }
            },
        )
        for name, kind in miniature_kinds().items()
    }


class FakeJudge:
    """Reads labels from a picture's top row, one kind each; 255 is nothing."""

    def __init__(self, kinds_: Mapping[str, Kind] | None = None) -> None:
        self._kinds = dict(kinds_ or kinds())

    @property
    def kinds(self) -> Mapping[str, Kind]:
        return self._kinds

    def paint(self, shown: Shown) -> Picture:
        picture = np.full((64, 64, 3), 255, dtype=np.uint8)
        for at, (name, kind) in enumerate(self._kinds.items()):
            if name in shown:
                picture[0, at, 0] = kind.labels.index(shown[name])
        return picture

    def name(self, images: Picture, kind: str) -> list[str]:
        at = list(self._kinds).index(kind)
        labels = self._kinds[kind].labels
        said = [int(image[0, at, 0]) for image in images]
        return [labels[one] if one < len(labels) else "nothing" for one in said]

    def similarity(self, images: Picture, texts: list[str]) -> NDArray[np.float32]:
        """As alike as the share of the labels shown that the text names."""
        return np.asarray(
            [
                [
                    sum(
                        self.name(image[None], kind)[0] in text.split()
                        for kind in self._kinds
                    )
                    for text in texts
                ]
                for image in images
            ],
            dtype=np.float32,
        )


class FakeDrawer(Drawer):
    """Paints a world and remembers what it was asked for."""

    def __init__(self, judge: FakeJudge, world: World) -> None:
        super().__init__(WorkerPool(1))
        self._judge = judge
        self._world = world
        self.wishes: list[Wish] = []

    def draw(
        self,
        wishes: Sequence[Wish],
        sampler: Sampler,
        cache: Path | None = None,
        on_drawn: OnDrawn | None = None,
    ) -> list[Picture]:
        del sampler, cache
        self.wishes += wishes
        if on_drawn is not None:
            on_drawn(len(wishes), len(wishes))
        return [
            self._judge.paint(self._world(wish.weights.name, wish.prompt, wish.seed))
            for wish in wishes
        ]


def drawable(name: str) -> Drawable:
    return Drawable(PipelineFolder(Path("/nowhere"), "sd1", (), ()), name)


def request(
    action: Action = Action.UPDATE,
    concepts: Sequence[tuple[str, str | None]] = (("a rose", "a blue rose"),),
    *,
    attributes: Sequence[tuple[str, float]] = (),
    efficacy: Sequence[str] = (),
    generality: Sequence[str] = (),
    specificity: Sequence[LabelledPrompt] = (),
) -> EditRequest:
    return EditRequest(
        title="An edit",
        model="miniature",
        rationale="A test",
        action=action,
        method=Method.UCE,
        concepts=tuple(Concept(source, wanted) for source, wanted in concepts),
        attributes=tuple(
            Attribute(name, f"a {name} {{}}", ratio) for name, ratio in attributes
        ),
        checks=RequestedChecks(tuple(efficacy), tuple(generality), tuple(specificity)),
    )


def default_world(suite: Suite) -> World:
    """Show each holdout prompt's label; roses are red, doctors men."""
    labels = {item.prompt: item.label for item in suite.holdout}

    def shown(weights: str, prompt: str, seed: int) -> Shown:
        del weights, seed
        words = {"rose": {"object": "rose", "colour": "red"}}
        words |= {"doctor": {"profession": "doctor", "gender": "male"}}
        words |= {
            "kora": {"style": "kora"},
            "sword": {"object": "sword", "weapon": "yes"},
        }
        found = {
            k: v
            for word, row in words.items()
            if word in prompt
            for k, v in row.items()
        }
        label = labels.get(prompt)
        for name, kind in miniature_kinds().items():
            if label in kind.labels:
                found[name] = str(label)
        return found

    return shown
