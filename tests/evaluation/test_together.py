"""Many edits at once, on a world where the second of two edits undoes the first."""

from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from governance.engine.edit import EditSpec
from governance.errors import EngineError, RequestError
from governance.evaluation.cases import Kind
from governance.evaluation.formats import load_dataset
from governance.evaluation.presets import Preset, Presets
from governance.evaluation.together import (
    JOINTLY,
    STACKED,
    Group,
    TogetherReport,
    run_together,
)
from tests.evaluation.bench import CountingDrawer, FakeEditor, tools

CSV = """old,new,positive1,gt1,negative1,gn1
a rose,a blue rose,photo of a rose,photo of a blue rose,a leaf,a blue leaf
a lemon,a green lemon,photo of a lemon,photo of a green lemon,a car,a green car
"""


@pytest.fixture
def set_of_two(tmp_path: Path) -> Path:
    file = tmp_path / "two.csv"
    file.write_text(CSV, encoding="utf-8")
    return file


@pytest.fixture
def world(editor: FakeEditor, monkeypatch: pytest.MonkeyPatch) -> FakeEditor:
    """One after another, a later edit keeps only what it says itself."""
    module = "governance.evaluation.stacking"
    monkeypatch.setattr(f"{module}.solve_jointly", editor.solution)
    monkeypatch.setattr(f"{module}.unstored", last_one)
    monkeypatch.setattr(f"{module}.tensor_bytes", lambda _: b"")
    monkeypatch.setattr(f"{module}.fill_folder", lambda *_: None)
    monkeypatch.setattr(f"{module}.open_pipeline", lambda _: None)
    monkeypatch.setattr(f"{module}.PipelineBase", lambda *_, **__: None)
    monkeypatch.setattr(
        "tests.evaluation.bench.Nothing.statistics", None, raising=False
    )
    return editor


def last_one(folder: object, tensors: dict[str, bytes]) -> Any:
    from governance.checks.drawing import Drawable

    del folder
    return Drawable(SimpleNamespace(digest="d"), list(tensors)[-1])  # type: ignore[arg-type]


def measured(
    file: Path, place: Path, drawer: CountingDrawer, counts: Sequence[int] = (1, 2)
) -> TogetherReport:
    at = tools(place, drawer)
    dataset = load_dataset(file, Kind.TIMED)
    found = run_together(dataset, ["uce"], counts, Presets(), at)
    at.cells.close()
    return found


def group(report: TogetherReport, mode: str, count: int) -> Group:
    [found] = [
        one
        for one in report.groups
        if one.mode == mode and one.count == count and one.method == "uce"
    ]
    return found


def efficacy(one: Group) -> float:
    assert one.scores.efficacy is not None
    return one.scores.efficacy.value


def test_jointly_both_edits_hold_where_stacking_loses_the_first(
    set_of_two: Path, tmp_path: Path, drawer: CountingDrawer, world: FakeEditor
) -> None:
    report = measured(set_of_two, tmp_path, drawer)
    assert efficacy(group(report, JOINTLY, 1)) == 1.0
    assert efficacy(group(report, STACKED, 1)) == 1.0
    assert efficacy(group(report, JOINTLY, 2)) == 1.0
    assert efficacy(group(report, STACKED, 2)) == 0.5
    baseline = [one for one in report.groups if one.method == "baseline"]
    assert [efficacy(one) for one in baseline] == [0.0, 0.0]
    assert world.solved


def test_both_modes_look_at_the_same_pictures(
    set_of_two: Path, tmp_path: Path, drawer: CountingDrawer, world: FakeEditor
) -> None:
    measured(set_of_two, tmp_path, drawer, (2,))
    by_weights: dict[str, set[tuple[str, int]]] = {}
    for wish in drawer.wishes:
        seen = by_weights.setdefault(wish.weights.name, set())
        seen.add((wish.prompt, wish.seed))
    assert len(by_weights) == 3
    assert len({frozenset(seen) for seen in by_weights.values()}) == 1
    assert world.solved


def test_a_finished_table_draws_and_solves_nothing(
    set_of_two: Path, tmp_path: Path, drawer: CountingDrawer, world: FakeEditor
) -> None:
    first = measured(set_of_two, tmp_path, drawer)
    drawn, solved = len(drawer.wishes), len(world.solved)
    assert measured(set_of_two, tmp_path, drawer) == first
    assert (len(drawer.wishes), len(world.solved)) == (drawn, solved)


def test_few_edits_are_drawn_more_often_so_that_every_row_has_enough_pictures(
    set_of_two: Path, tmp_path: Path, drawer: CountingDrawer, world: FakeEditor
) -> None:
    report = measured(set_of_two, tmp_path, drawer)
    for one in report.groups:
        assert one.scores.efficacy is not None
        assert one.scores.efficacy.n == 16
    assert world.solved


def test_a_stack_that_breaks_says_which_edit_broke_it(
    set_of_two: Path,
    tmp_path: Path,
    drawer: CountingDrawer,
    world: FakeEditor,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def breaking(edits: Sequence[EditSpec], base: object, **rest: Any) -> Any:
        if base is None:  # what an edit before it left
            raise EngineError("ill-conditioned")
        return world.solution(edits, base, **rest)

    monkeypatch.setattr("governance.evaluation.stacking.solve_jointly", breaking)
    report = measured(set_of_two, tmp_path, drawer)
    assert group(report, STACKED, 1).refused is None
    broken = group(report, STACKED, 2)
    assert broken.refused == "edit 2 after the others: ill-conditioned"
    assert broken.scores.efficacy is None


def test_no_edit_protects_what_another_one_changes(
    set_of_two: Path, tmp_path: Path, drawer: CountingDrawer, world: FakeEditor
) -> None:
    seen: list[tuple[str, ...]] = []
    solution = world.solution

    def noting(edits: Sequence[EditSpec], base: object, **rest: Any) -> Any:
        seen.extend(spec.preserve for spec in edits)
        return solution(edits, base, **rest)

    presets = Presets(
        {"uce": Preset({}, preserve=True)}, ("a lemon", "a boat", "a leaf")
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("governance.evaluation.editing.solve_jointly", noting)
        dataset = load_dataset(set_of_two, Kind.TIMED)
        run_together(dataset, ["uce"], [2], presets, tools(tmp_path, drawer))
    # The leaf is measured, the lemon is edited by the other one.
    assert set(seen) == {("a boat",)}


def test_contradicting_edits_are_refused_by_line(tmp_path: Path) -> None:
    file = tmp_path / "two.csv"
    file.write_text("old,new\na rose,a blue rose\nA rose,a red rose\n")
    drawer = CountingDrawer.__new__(CountingDrawer)
    with pytest.raises(RequestError, match=r"two\.csv:3: 'A rose' is edited on line 2"):
        run_together(
            load_dataset(file, Kind.TIMED),
            ["uce"],
            [2],
            Presets(),
            drawer,  # type: ignore[arg-type]
        )


def test_more_edits_than_there_are_is_refused(set_of_two: Path) -> None:
    with pytest.raises(RequestError, match="expected at least 5 edits, found 2"):
        run_together(
            load_dataset(set_of_two, Kind.TIMED),
            ["uce"],
            [1, 5],
            Presets(),
            None,  # type: ignore[arg-type]
        )
