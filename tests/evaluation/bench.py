"""A model, a judge and a drawer that cost nothing, and tools made of them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from governance.checks.drawing import Drawable, OnDrawn, Picture, Sampler, Wish
from governance.engine.edit import EditSpec
from governance.evaluation.cells import Cells
from governance.evaluation.tools import Tools
from governance.pipeline.base import PipelineBase
from governance.pipeline.folder import PipelineFolder
from governance.service.facade import Progress
from tests.checks.fakes import FakeDrawer, FakeJudge, Shown

COLOURS = {"rose": "red", "lemon": "yellow", "leaf": "green", "car": "pink"}


def shown(prompt: str, rules: Sequence[tuple[str, str]] = ()) -> Shown:
    """Paint what a prompt says, sources turned to destinations."""
    for source, wanted in rules:
        prompt = prompt.replace(source, wanted)
    words = prompt.split()
    found: dict[str, str] = {}
    for thing, own in COLOURS.items():
        if thing in words:
            said = [word for word in words if word in {"blue", "green", "red"}]
            found = {"object": thing, "colour": said[0] if said else own}
    return found


@dataclass
class CountingDrawer(FakeDrawer):
    """Paints by the rules of the weights' name; may stop like a person would."""

    judge: FakeJudge
    rules: dict[str, Sequence[tuple[str, str]]] = field(default_factory=dict)
    stop_after: int | None = None

    def __post_init__(self) -> None:
        def world(name: str, prompt: str, seed: int) -> Shown:
            del seed
            return shown(prompt, self.rules.get(name, ()))

        super().__init__(self.judge, world)

    def draw(
        self,
        wishes: Sequence[Wish],
        sampler: Sampler,
        cache: Path | None = None,
        on_drawn: OnDrawn | None = None,
    ) -> list[Picture]:
        if self.stop_after is not None and len(self.wishes) >= self.stop_after:
            raise KeyboardInterrupt
        return super().draw(wishes, sampler, cache, on_drawn)


class Nothing:
    """A base that is never opened."""

    folder = PipelineFolder(Path("/nowhere"), "sd1", (), ())


def tools(
    place: Path, drawer: CountingDrawer, told: Callable[[Progress], None] | None = None
) -> Tools:
    return Tools(
        base=cast("PipelineBase", Nothing()),
        judge=drawer.judge,
        judged_by="j" * 64,
        drawer=drawer,
        cells=Cells(place / "cells.sqlite3"),
        images=None,
        progress=told or (lambda _: None),
    )


class FakeEditor:
    """Solves nothing: weights are named by the edits in them."""

    def __init__(self, drawer: CountingDrawer, fails: Sequence[str] = ()) -> None:
        self.drawer = drawer
        self.fails = set(fails)
        self.solved: list[tuple[str, ...]] = []

    def solution(self, edits: Sequence[EditSpec], base: Any, **_: Any) -> Any:
        del base
        from types import SimpleNamespace

        from governance.errors import EngineError

        for spec in edits:
            if spec.concepts[0].source in self.fails:
                raise EngineError("ill-conditioned")
        name = "+".join(sorted(spec.digest for spec in edits))
        self.solved.append(tuple(spec.concepts[0].source for spec in edits))
        self.drawer.rules[name] = [
            (spec.concepts[0].source, spec.concepts[0].destination or "")
            for spec in edits
        ]
        return SimpleNamespace(
            edited=SimpleNamespace(tensors={name: None}, warnings=())
        )

    def unstored(self, folder: PipelineFolder, tensors: dict[str, bytes]) -> Drawable:
        return Drawable(folder, next(iter(tensors), "base"))
