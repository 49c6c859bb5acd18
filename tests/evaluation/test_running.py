"""Baseline, oracle and methods on a world whose answers are known."""

from dataclasses import replace
from pathlib import Path

import pytest

from governance.evaluation.cases import Kind
from governance.evaluation.formats import load_dataset
from governance.evaluation.presets import Preset, Presets
from governance.evaluation.running import Report, run
from tests.checks.fakes import FakeJudge, kinds
from tests.evaluation.bench import CountingDrawer, FakeEditor, tools


def measured(
    timed: Path, place: Path, drawer: CountingDrawer, *methods: str, seeds: int = 1
) -> Report:
    dataset = load_dataset(timed, Kind.TIMED)
    at = tools(place, drawer)
    found = run(dataset, methods, Presets(), at, seeds=seeds)
    at.cells.close()
    return found


def line(report: Report, name: str) -> tuple[float, float, float]:
    [found] = [one for one in report.lines if one.condition == name]
    scores = found.scores
    assert scores.efficacy is not None
    assert scores.generality is not None
    assert scores.specificity is not None
    return scores.efficacy.value, scores.generality.value, scores.specificity.value


def test_the_unedited_model_fails_and_the_oracle_passes(
    timed: Path, tmp_path: Path, drawer: CountingDrawer, editor: FakeEditor
) -> None:
    report = measured(timed, tmp_path, drawer, "uce")
    assert line(report, "baseline") == (0.0, 0.0, 1.0)
    assert line(report, "oracle") == (1.0, 1.0, 1.0)
    assert line(report, "uce") == (1.0, 1.0, 1.0)
    assert editor.solved == [("a rose",), ("a lemon",)]


def test_an_edit_that_spills_over_loses_specificity_alone(
    timed: Path, tmp_path: Path, drawer: CountingDrawer, editor: FakeEditor
) -> None:
    solution = editor.solution

    def spilling(edits: list[object], base: object, **rest: object) -> object:
        found = solution(edits, base, **rest)  # type: ignore[arg-type]
        for rules in drawer.rules.values():
            for colour in ("blue", "green"):
                if any(f" {colour} " in wanted for _, wanted in rules):
                    rules.append(("a car", f"a {colour} car"))  # type: ignore[attr-defined]
        return found

    editor.solution = spilling  # type: ignore[method-assign, assignment]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("governance.evaluation.editing.solve_jointly", spilling)
        report = measured(timed, tmp_path, drawer, "uce")
    assert line(report, "uce") == (1.0, 1.0, 0.75)


def test_more_seeds_are_more_pictures(
    timed: Path, tmp_path: Path, drawer: CountingDrawer, editor: FakeEditor
) -> None:
    report = measured(timed, tmp_path, drawer, "uce", seeds=3)
    shares = [one.scores.efficacy for one in report.lines]
    assert [share.n for share in shares if share is not None] == [6, 6, 6]
    assert editor.solved


def test_what_is_finished_is_never_drawn_again(
    timed: Path, tmp_path: Path, drawer: CountingDrawer, editor: FakeEditor
) -> None:
    first = measured(timed, tmp_path, drawer, "uce")
    drawn = len(drawer.wishes)
    second = measured(timed, tmp_path, drawer, "uce")
    assert len(drawer.wishes) == drawn
    assert len(editor.solved) == 2
    assert second == first


def test_raising_the_seeds_draws_only_what_is_new(
    timed: Path, tmp_path: Path, drawer: CountingDrawer, editor: FakeEditor
) -> None:
    measured(timed, tmp_path, drawer, "uce", seeds=1)
    before = {(w.weights.name, w.prompt, w.seed) for w in drawer.wishes}
    drawer.wishes.clear()
    measured(timed, tmp_path, drawer, "uce", seeds=2)
    after = {(w.weights.name, w.prompt, w.seed) for w in drawer.wishes}
    assert after
    assert not after & before
    assert editor.solved


def test_a_run_that_was_stopped_keeps_its_finished_cells_and_goes_on(
    timed: Path, tmp_path: Path, drawer: CountingDrawer, editor: FakeEditor
) -> None:
    drawer.stop_after = 8
    with pytest.raises(KeyboardInterrupt):
        measured(timed, tmp_path, drawer, "uce")
    kept = len(drawer.wishes)
    assert kept >= 8
    drawer.stop_after = None
    report = measured(timed, tmp_path, drawer, "uce")
    whole = CountingDrawer(FakeJudge())
    editor.drawer = whole
    other = tmp_path / "other"
    assert measured(timed, other, whole, "uce").lines[0] == report.lines[0]
    # Nothing was drawn twice: both parts together are one undisturbed run.
    assert len(drawer.wishes) == len(whole.wishes)


def test_baseline_pictures_are_shared_by_all_methods(
    timed: Path, tmp_path: Path, drawer: CountingDrawer, editor: FakeEditor
) -> None:
    measured(timed, tmp_path, drawer, "uce")
    drawer.wishes.clear()
    measured(timed, tmp_path, drawer, "uce-2023")
    assert drawer.wishes
    assert "base" not in {wish.weights.name for wish in drawer.wishes}
    assert len(editor.solved) == 4


def test_an_edit_that_cannot_be_made_is_counted_and_explained(
    timed: Path, tmp_path: Path, drawer: CountingDrawer, editor: FakeEditor
) -> None:
    editor.fails = {"a lemon"}
    report = measured(timed, tmp_path, drawer, "uce")
    found = report.lines[-1]
    assert found.edits == 1
    assert found.refused == (("a lemon -> a green lemon", "ill-conditioned"),)
    solved = len(editor.solved)
    measured(timed, tmp_path, drawer, "uce")
    assert len(editor.solved) == solved


def test_a_changed_parameter_is_another_cell(
    timed: Path, tmp_path: Path, drawer: CountingDrawer, editor: FakeEditor
) -> None:
    dataset = load_dataset(timed, Kind.TIMED)
    at = tools(tmp_path, drawer)
    run(dataset, ["uce"], Presets(), at)
    presets = Presets({"uce": Preset({"lambda": 2.0})})
    found = run(dataset, ["uce"], presets, at)
    assert len(editor.solved) == 4
    assert found.lines[-1].parameters == {"lambda": 2.0}


def test_a_method_without_the_action_is_left_blank(
    tmp_path: Path, drawer: CountingDrawer, editor: FakeEditor
) -> None:
    file = tmp_path / "artist.csv"
    file.write_text(
        "prompt,evaluation_seed,artist\nart by kora,1,kora\nart by pax,2,pax\n"
    )
    dataset = load_dataset(file, Kind.ARTIST)
    found = run(dataset, ["time"], Presets(), tools(tmp_path, drawer)).lines[-1]
    assert not found.able
    assert found.scores.efficacy is None
    assert not editor.solved


def test_a_judge_that_cannot_tell_is_not_asked(
    timed: Path, tmp_path: Path, editor: FakeEditor
) -> None:
    blind = CountingDrawer(FakeJudge(kinds(colour=0.5)))
    editor.drawer = blind
    report = measured(timed, tmp_path, blind, "uce")
    assert report.lines[0].scores.efficacy is None
    assert any("judge cannot tell colour" in reason for reason in report.silent)
    assert not blind.wishes


def test_limit_takes_the_first_edits(
    timed: Path, tmp_path: Path, drawer: CountingDrawer, editor: FakeEditor
) -> None:
    dataset = load_dataset(timed, Kind.TIMED)
    report = run(dataset, ["uce"], Presets(), tools(tmp_path, drawer), limit=1)
    assert report.edits == 1
    assert editor.solved == [("a rose",)]


def test_a_picture_is_the_same_cell_in_whichever_file_it_is_asked_for(
    timed: Path, tmp_path: Path, drawer: CountingDrawer, editor: FakeEditor
) -> None:
    dataset = load_dataset(timed, Kind.TIMED)
    at = tools(tmp_path, drawer)
    run(dataset, ["uce"], Presets(), at)
    drawn = len(drawer.wishes)
    run(replace(dataset, name="other.csv", digest="0" * 64), ["uce"], Presets(), at)
    assert len(drawer.wishes) == drawn
    assert editor.solved
