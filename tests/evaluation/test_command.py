"""``governance evaluate`` as a person types it, and once for real."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from governance.cli.run import run
from governance.errors import UsageError
from governance.evaluation import command
from governance.evaluation.command import counts_named, methods_named
from governance.service.facade import Progress
from tests.evaluation.bench import CountingDrawer, FakeEditor, tools

Typed = Callable[..., tuple[int, str, str]]


@pytest.fixture
def typed(
    tmp_path: Path,
    drawer: CountingDrawer,
    editor: FakeEditor,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Typed:
    """Type a command line; model, judge and workers cost nothing."""
    from contextlib import contextmanager

    del editor
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))

    @contextmanager
    def light(where: command.Where, progress: Callable[[Progress], None]) -> Any:
        with command.told_of_stops(where):
            yield tools(where.folder, drawer, progress)

    monkeypatch.setattr(command, "opened", light)

    def line(*words: object) -> tuple[int, str, str]:
        code = run(["evaluate", *(str(word) for word in words)])
        said = capsys.readouterr()
        return code, said.out, said.err

    return line


def test_a_table_is_printed_and_written(
    timed: Path, tmp_path: Path, typed: Typed
) -> None:
    output = tmp_path / "out"
    code, out, err = typed(
        timed, "--kind", "timed", "--method", "uce,time", "--output", output
    )
    assert code == 0
    rows = [line.split()[0] for line in out.splitlines() if line.strip()]
    assert rows[:6] == ["timed.csv", "CONDITION", "baseline", "oracle", "uce", "time"]
    assert "uce: published defaults" in out
    assert "evaluate: uce 0/2" in err
    assert "harmonic mean of generality and specificity (TIME's F1)" in err
    table = (output / "table.md").read_text(encoding="utf-8")
    assert "| uce | 2/2 | 1.00 (" in table
    [document] = json.loads((output / "results.json").read_text(encoding="utf-8"))
    assert document["rows"][0]["condition"] == "baseline"


def test_json_is_one_document_with_intervals_and_parameters(
    timed: Path, tmp_path: Path, typed: Typed
) -> None:
    sidecar = timed.with_name("timed.methods.yaml")
    sidecar.write_text(
        "apiVersion: governance/v1\nkind: EvaluationMethods\n"
        "methods:\n  uce: {parameters: {lambda: 2.0}}\n"
    )
    words = (timed, "--kind", "timed", "--method", "uce", "--json")
    code, out, _ = typed(*words, "--output", tmp_path / "out")
    assert code == 0
    [table] = json.loads(out)["tables"]
    assert table["presets"] == "timed.methods.yaml"
    uce = table["rows"][-1]
    assert uce["parameters"] == {"lambda": 2.0}
    assert set(uce["efficacy"]) == {"value", "low", "high", "n"}
    assert uce["harmonic"] == uce["geometric"] == 1.0
    assert uce["seconds"] >= 0
    _, out, _ = typed(*words, "--output", tmp_path / "out", "--published")
    assert json.loads(out)["tables"][0]["rows"][-1]["parameters"] == {}


def test_a_stop_says_where_the_finished_cells_are(
    timed: Path, tmp_path: Path, drawer: CountingDrawer, typed: Typed
) -> None:
    drawer.stop_after = 1
    words = (timed, "--kind", "timed", "--method", "uce", "--output", tmp_path / "out")
    code, _, err = typed(*words)
    assert code == 130
    assert f"every finished cell is kept in {tmp_path / 'out'}" in err
    assert "Run the same command again to go on." in err
    drawer.stop_after = None
    assert typed(*words)[0] == 0


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--method", "uce"), "--kind: expected one of timed"),
        (("--kind", "timed", "--method", "lora"), "--method: expected all, or some of"),
        (("--kind", "timed"), "Missing option '--method'"),
        (("--kind", "road", "--method", "uce"), "timed.csv:1: header: missing columns"),
        (("--kind", "timed", "--method", "uce", "--limit", "0"), "Invalid value"),
        (("--method", "uce", "--together", "1,x"), "--together: expected numbers"),
        (("--method", "uce", "--together", "9"), "expected at least 9 edits, found 2"),
    ],
)
def test_a_wrong_line_or_file_is_exit_two(
    timed: Path, typed: Typed, words: tuple[str, ...], told: str
) -> None:
    code, _, err = typed(timed, *words)
    assert code == 2
    assert told in err


def test_a_model_that_is_none_is_exit_seven(timed: Path, tmp_path: Path) -> None:
    words = ["evaluate", str(timed), "--kind", "timed", "--method", "uce"]
    assert run([*words, "--model", str(tmp_path), "--output", str(tmp_path / "o")]) == 7


def test_methods_and_counts_are_read_from_lists() -> None:
    assert methods_named("all") == ("time", "uce", "uce-2023", "refact", "emcid")
    assert methods_named("uce, time,uce") == ("uce", "time")
    assert counts_named("50,1, 5") == (1, 5, 50)
    with pytest.raises(UsageError, match="expected numbers"):
        counts_named("0")


def test_one_edit_of_the_miniature_is_measured_for_real(tmp_path: Path) -> None:
    """Draw about thirty pictures: the edit shows, and the unedited model fails."""
    [road] = [one for one in command.miniature_sets() if one.kind == "road"]
    where = command.Where(output=tmp_path, device="cpu")
    told: list[Progress] = []
    reports, documents = command.evaluate(
        [road], ["uce-2023"], where, told.append, limit=1
    )
    lines = {line.condition: line.scores for line in reports[0].lines}
    base, oracle, edited = lines["baseline"], lines["oracle"], lines["uce-2023"]
    for scores in (base, oracle, edited):
        assert scores.efficacy is not None
        assert scores.generality is not None
    assert base.efficacy.value == base.generality.value == 0.0  # type: ignore[union-attr]
    assert oracle.generality.value == 1.0  # type: ignore[union-attr]
    assert edited.efficacy.value == 1.0  # type: ignore[union-attr]
    assert edited.generality.value >= 0.5  # type: ignore[union-attr]
    images = list((tmp_path / "images").rglob("*.png"))
    assert len(images) >= 20
    before = {path: path.stat().st_mtime_ns for path in images}
    again, _ = command.evaluate([road], ["uce-2023"], where, told.append, limit=1)
    assert again == reports
    assert {
        p: p.stat().st_mtime_ns for p in (tmp_path / "images").rglob("*.png")
    } == before
    assert documents[0]["model"]
