"""The debias search of every method: solve, draw, judge, lean, again."""

from types import SimpleNamespace
from typing import Any, cast

import pytest

from governance.checks.drawing import Drawable, Sampler
from governance.engine.edit import Attribute, Concept, EditSpec
from governance.errors import EngineError
from governance.pipeline.base import PipelineBase
from governance.service.parts.searching import (
    Observatory,
    find_alphas,
    found_document,
)
from tests.checks.fakes import FakeDrawer, FakeJudge, Shown

SPEC = EditSpec(
    "d" * 64,
    "debias",
    "time",
    (Concept("a doctor"),),
    (
        Attribute("female", "a female doctor", 0.5),
        Attribute("male", "a male doctor", 0.5),
    ),
)


class World:
    """Women among doctors: a tenth, and more the more the weights lean to them."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.judge = FakeJudge()
        self.drawer = FakeDrawer(self.judge, self.shown)
        self.alphas: dict[str, float] = {}
        self.solved: list[tuple[EditSpec, ...]] = []
        module = "governance.service.parts.searching"
        monkeypatch.setattr(f"{module}.solve_jointly", self.solve)
        monkeypatch.setattr(f"{module}.unstored", self.unstored)
        monkeypatch.setattr(f"{module}.tensor_bytes", lambda _: b"")

    def solve(self, edits: list[EditSpec], *_: object, **__: object) -> Any:
        self.solved.append(tuple(edits))
        [row] = edits[-1].alphas or ()
        name = f"weights {len(self.alphas)}"
        self.alphas[name] = row[0]
        return SimpleNamespace(edited=SimpleNamespace(tensors={name: None}))

    def unstored(self, folder: object, tensors: dict[str, bytes]) -> Drawable:
        del folder
        return Drawable(SimpleNamespace(digest="d"), next(iter(tensors)))  # type: ignore[arg-type]

    def shown(self, weights: str, prompt: str, seed: int) -> Shown:
        del prompt
        women = 10 + 80 * self.alphas[weights] / (1 + self.alphas[weights])
        return {"gender": "female" if seed < women else "male"}

    def at(self) -> Observatory:
        return Observatory(
            base=cast("PipelineBase", SimpleNamespace(folder=None)),
            judge=self.judge,
            drawer=self.drawer,
            sampler=Sampler(20, 3.0),
            seeds=lambda _, count: range(count),
        )


def test_time_finds_lambda_and_the_record_says_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = World(monkeypatch)
    result = find_alphas(SPEC, (), world.at())
    assert abs(result.ratios[0][0] - 0.5) <= 0.05
    found = found_document(SPEC, result)
    assert found["lambdas"] == [1 / result.alphas[0][0]]
    assert found["alphas"] == [list(result.alphas[0])]
    assert found["rounds"] == result.rounds > 2
    assert world.solved[0][-1].alphas == ((0.0, 0.0),)


def test_a_concept_that_is_balanced_needs_no_lambda(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = World(monkeypatch)
    monkeypatch.setattr(world, "shown", lambda *_: {"gender": "female"})
    world.drawer = FakeDrawer(
        world.judge, lambda _, __, seed: {"gender": ("female", "male")[seed % 2]}
    )
    found = found_document(SPEC, find_alphas(SPEC, (), world.at()))
    assert found["lambdas"] == [None]
    assert found["rounds"] == 1


def test_a_search_sees_the_live_edits_and_the_validation_prompt(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = World(monkeypatch)
    live = EditSpec("e" * 64, "erase", "uce", (Concept("kora"),))
    find_alphas(SPEC, (live,), world.at(), prompts=["a photo of a doctor"])
    assert all(edits[0] == live for edits in world.solved)
    assert {wish.prompt for wish in world.drawer.wishes} == {"a photo of a doctor"}


def test_every_round_is_drawn_with_the_same_seeds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = World(monkeypatch)
    find_alphas(SPEC, (), world.at())
    by_weights: dict[str, list[int]] = {}
    for wish in world.drawer.wishes:
        by_weights.setdefault(wish.weights.name, []).append(wish.seed)
    assert len(by_weights) > 2
    assert all(seeds == list(range(100)) for seeds in by_weights.values())


def test_what_a_solve_needs_beside_alphas_is_asked_for_each_trial(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from dataclasses import replace

    world = World(monkeypatch)
    asked: list[EditSpec] = []

    def ready(spec: EditSpec) -> EditSpec:
        asked.append(spec)
        return replace(spec, statistics="s" * 64)

    find_alphas(SPEC, (), replace(world.at(), ready=ready))
    assert [spec.alphas for spec in asked] == [
        edits[-1].alphas for edits in world.solved
    ]
    assert {edits[-1].statistics for edits in world.solved} == {"s" * 64}


def test_attributes_the_judge_cannot_name_are_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from dataclasses import replace

    world = World(monkeypatch)
    unknown = (Attribute("tall", "a tall {}", 0.5), Attribute("short", "short {}", 0.5))
    with pytest.raises(EngineError, match="the judge knows no kind with the labels"):
        find_alphas(replace(SPEC, attributes=unknown), (), world.at())
    assert not world.drawer.wishes
