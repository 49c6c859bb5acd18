"""The command's document, its order of work, and what it leaves behind."""

import json
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from governance.benchmark.measured import MeasuredBase, Seconds, Stopwatch
from governance.benchmark.model import model_folder
from governance.benchmark.ours import run_ours
from governance.benchmark.published import inputs
from governance.benchmark.report import Report
from governance.benchmark.run import Match, benchmark_edit, spec_of
from governance.benchmark.shapes import SHAPES, TINY
from governance.benchmark.task import Task
from governance.benchmark.words import name, tokenizer
from governance.cli.run import run
from governance.engine.reader import Reader
from governance.errors import InterruptedByUserError, UsageError
from governance.pipeline.encoder import open_encoder
from governance.pipeline.folder import PipelineFolder, open_pipeline
from governance.pipeline.text_model import TextModel, load_text_model


def silent(_step: str, _done: int, _total: int) -> None:
    return


@pytest.fixture(scope="module")
def report(tiny: Path) -> Report:
    return benchmark_edit(Task("tiny", 3, 5, repeat=2, threads=1, folder=tiny), silent)


def test_the_document_has_the_keys_of_the_contract(report: Report) -> None:
    document: Any = report.as_json()
    json.dumps(document, allow_nan=False)
    assert document.keys() >= {
        *("shape", "edits", "preserve", "threads", "ours", "loop"),
        *("ratio", "ratio_total"),
    }
    assert document["ours"].keys() >= {
        *("encode", "solve", "write", "peak_mib", "residual", "drift"),
    }
    assert document["loop"].keys() >= {"solve", "layers_timed", "extrapolated"}
    assert (document["shape"], document["edits"], document["preserve"]) == (
        "tiny",
        3,
        5,
    )
    assert document["threads"] == 1
    assert document["loop"]["layers_timed"] == document["layers"] == 10
    assert document["loop"]["extrapolated"] is False
    assert len(document["rounds"]["ours"]) == len(document["rounds"]["loop"]) == 2


def test_both_solve_the_same_edit_and_ours_is_more_exact(report: Report) -> None:
    ours, loop = report.ours, report.loop
    assert ours.effect.residual == pytest.approx(loop.effect.residual, rel=0.05)
    assert ours.effect.drift == pytest.approx(loop.effect.drift, rel=0.05)
    assert 0 < ours.error < 1e-6
    assert loop.error > 2 * ours.error


def test_a_ratio_is_the_loops_time_over_ours(report: Report) -> None:
    ours = replace(report.ours, encode=8.0, read=1.0, solve=2.0, write=1.0, solve_cpu=3)
    loop = replace(report.loop, encode=30.0, solve=40.0, solve_cpu=90)
    made = replace(report, ours=ours, loop=loop, plain=(1.0, 0.5))
    assert made.ratio == 20
    assert made.ratio_cpu == 30
    assert made.ratio_total == (30 + 40 + 2) / 12
    assert made.over_plain == (1 + 2 + 1) / 1.5
    assert made.findings == ()


def test_a_slower_or_less_exact_solve_is_a_finding(report: Report) -> None:
    slow = replace(report, ours=replace(report.ours, solve=2 * report.loop.solve))
    assert slow.findings == ("the loop is 2.0 times as fast",)
    coarse = replace(report.ours, error=2e-3, solve=report.loop.solve / 2)
    loop = replace(report.loop, error=1e-3)
    assert replace(report, ours=coarse, loop=loop).findings == (
        "our error is 2.0e-03, the loop's 1.0e-03",
    )


def test_both_run_in_turn_and_who_begins_changes(tiny: Path) -> None:
    base = MeasuredBase(open_pipeline(tiny))
    spec = spec_of(Task("tiny", 1, 0))
    given = inputs(spec, base.kept, Reader(base.kept, torch.float32))
    site = base.weights.sites[0]
    match = Match(spec, base, given, {site.key: base.weights.read(site)})
    match.play(3, silent)
    assert match.order == ["ours", "loop", "loop", "ours", "ours", "loop"]
    assert len(match.spent) == len(match.loops) == 3


def test_what_is_encoded_is_what_the_pipelines_own_encoder_gives(tiny: Path) -> None:
    folder = open_pipeline(tiny)
    kept, own = MeasuredBase(folder).kept, open_encoder(folder)
    texts = [name(1), name(2)]
    places = [(texts[0], 2), (texts[1], 1)]
    for _ in range(2):
        assert torch.equal(kept.encode_full(texts), own.encode_full(texts))
        assert torch.equal(kept.encode_at(places), own.encode_at(places))
    assert kept.texts == texts


def test_encoding_is_counted_once_however_deep_it_calls_itself() -> None:
    now = [0.0]
    watch = Stopwatch(lambda: Seconds(now[0], 2 * now[0]))
    with watch.running():
        now[0] += 3
        with watch.running():
            now[0] += 4
    now[0] += 5
    with watch.running():
        now[0] += 6
    assert watch.seconds == Seconds(13, 26)


def test_made_up_names_are_two_tokens_and_never_meet() -> None:
    made = [name(number) for number in range(20_000)]
    assert len(set(made)) == 20_000
    reads = tokenizer(6000)
    assert {len(reads(text)["input_ids"]) for text in made[::997]} == {4}
    assert len(reads("na\u00efve \u2603")["input_ids"]) > 4


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"edits": 0}, "--edits"),
        ({"edits": 10_001}, "--edits"),
        ({"preserve": -1}, "--preserve"),
        ({"repeat": 0}, "--repeat"),
        ({"threads": 0}, "--threads"),
        ({"method": "refact"}, "--method"),
        ({"method": "time", "preserve": 2}, "--preserve"),
        ({"shape": "sd3"}, "shape"),
    ],
)
def test_a_number_that_means_nothing_is_refused_by_name(
    changes: dict[str, Any], field: str
) -> None:
    task = replace(Task("tiny", 1, 0), **changes)
    with pytest.raises(UsageError, match=field) as caught:
        benchmark_edit(task, silent)
    assert int(caught.value.exit_code) == 2


@pytest.mark.parametrize("step", ["make model", "ours and the loop in turn"])
@pytest.mark.parametrize("stop", [KeyboardInterrupt, InterruptedByUserError])
def test_an_interruption_leaves_no_file_behind(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    step: str,
    stop: type[BaseException],
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    seen: list[int] = []

    def interrupt(now: str, _done: int, _total: int) -> None:
        if now == step:
            seen.append(len(list(tmp_path.rglob("*"))))
            raise stop("stopped")

    with pytest.raises(stop):
        benchmark_edit(Task("tiny", 1, 0, repeat=1), interrupt)
    assert seen[0] > 1
    assert list(tmp_path.iterdir()) == []


def test_a_kept_model_is_used_again_and_nothing_else_is_taken_for_one(
    tiny: Path, tmp_path: Path
) -> None:
    before = (tiny / "model_index.json").stat().st_mtime_ns
    assert model_folder(TINY, tiny, lambda _done, _total: None) == tiny
    assert (tiny / "model_index.json").stat().st_mtime_ns == before
    for shape, folder in ((SHAPES["sd14"], tiny), (TINY, tmp_path)):
        with pytest.raises(UsageError, match="is not what this benchmark made"):
            model_folder(shape, folder, lambda _done, _total: None)


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, report: Report) -> list[Task]:
    tasks: list[Task] = []

    def measure(task: Task, _progress: object) -> Report:
        tasks.append(task)
        task.check()
        slow = report.loop.solve * (0.5 if task.edits < 10 else 2)
        error = report.loop.error / 2
        return replace(report, ours=replace(report.ours, solve=slow, error=error))

    monkeypatch.setattr("governance.wiring.measure_edit", measure)
    return tasks


def test_the_command_prints_one_document_and_exits_1_on_a_finding(
    command: list[Task], capsys: pytest.CaptureFixture[str]
) -> None:
    line = ["benchmark", "edit", "--shape", "sd14", "--edits"]
    assert run([*line, "2", "--preserve", "7", "--threads", "1", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["ratio"] == 2
    assert command[0] == Task("sd14", 2, 7, threads=1)
    assert run([*line, "10", "--json"]) == 1
    said = capsys.readouterr()
    assert json.loads(said.out)["findings"] == ["the loop is 2.0 times as fast"]
    assert "2.0 times as fast" in said.err


def test_the_command_tells_people_the_same(
    command: list[Task], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["benchmark", "edit", "--shape", "sd2", "--edits", "1"]) == 0
    out = capsys.readouterr().out
    assert "ratio   2.0" in out
    assert "loop    timed on 10 of 10 layers" in out
    assert len(command) == 1


@pytest.mark.parametrize(
    "words",
    [
        ("--shape", "sd3", "--edits", "1"),
        ("--shape", "sd14", "--edits", "none"),
        ("--shape", "sd14", "--edits", "0"),
        ("--shape", "sd14"),
    ],
)
def test_bad_values_are_exit_2(
    command: list[Task], words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["benchmark", "edit", *words, "--json"]) == 2
    assert json.loads(capsys.readouterr().out)["error"]["exit_code"] == 2
    assert len(command) <= 1


def test_text_encoders_are_read_once_and_given_back_before_matrices_are_edited(
    tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = MeasuredBase(open_pipeline(tiny))
    opened: list[str] = []

    def load(folder: PipelineFolder, component: str, **how: Any) -> TextModel:
        opened.append(component)
        return load_text_model(folder, component, **how)

    monkeypatch.setattr("governance.pipeline.encoder.load_text_model", load)
    for preserve, method in ((0, "uce"), (3, "uce"), (0, "time")):
        run_ours(spec_of(Task("tiny", 2, preserve, method)), base)
        assert base.kept._models == {}
    assert opened == ["text_encoder", "text_encoder_2"] * 3
