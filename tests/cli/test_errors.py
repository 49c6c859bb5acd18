"""What goes wrong on the command line says so, with the contract's exit codes."""

import pytest

from governance.cli.run import run
from tests.cli.conftest import Line
from tests.cli.test_story import approve, to_check
from tests.service.fakes import FakeSolver
from tests.service.house import House


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("edit", "show", "E-0099"), 3),
        (("edit", "apply", "E-0099"), 3),
        (("model", "show", "nothing"), 3),
        (("snapshot", "show", "0123abcd"), 3),
        (("edit", "frobnicate"), 2),
        (("snapshot", "export", "live"), 2),
        (("--device", "tpu", "edit", "list"), 2),
        (("policy", "check", "no-such-file.yaml"), 3),
        (("snapshot", "verify", "no-such-folder"), 3),
    ],
)
def test_an_error_is_one_json_document_with_its_exit_code(
    line: Line, words: tuple[str, ...], code: int
) -> None:
    said = line(*words, "--json")
    assert said.code == code
    assert set(said.json["error"]) == {"type", "message", "hint", "exit_code"}
    assert said.json["error"]["exit_code"] == code


def test_without_json_stdout_stays_empty_on_an_error(line: Line) -> None:
    said = line("edit", "show", "E-0099")
    assert said.out == ""
    assert said.err.startswith("error: ")


def test_signing_without_a_terminal_needs_both_digests(
    line: Line, house: House
) -> None:
    edit, candidate, _ = to_check(line, house)
    said = line(
        *("edit", "sign", edit, "--decision", "approve", "--comment", "seen"),
        *("--candidate", candidate),
        who="ben",
    )
    assert said.code == 2
    assert "both --candidate and --evidence are required" in said.err


def test_signing_another_digest_is_exit_4_and_signs_nothing(
    line: Line, house: House
) -> None:
    edit, candidate, evidence = to_check(line, house)
    size = house.size()
    wrong = "0" * 64
    for pair in ((wrong, evidence), (candidate, wrong)):
        answer = approve(line, edit, *pair)
        assert answer["error"]["exit_code"] == 4
    assert house.size() == size


def test_the_proposer_cannot_approve_from_the_command_line(
    line: Line, house: House
) -> None:
    edit, candidate, evidence = to_check(line, house)
    said = line(
        *("edit", "sign", edit, "--decision", "approve", "--comment", "mine"),
        *("--candidate", candidate, "--evidence", evidence),
        who="ana",
    )
    assert said.code == 5


def test_a_policy_refusal_is_exit_5_and_appends_nothing(
    line: Line, house: House
) -> None:
    size = house.size()
    said = line("edit", "propose", house.request("child", source="a child"))
    assert said.code == 5
    assert house.size() == size


def test_exporting_what_never_was_live_is_exit_6(line: Line, house: House) -> None:
    _, candidate, _ = to_check(line, house)
    target = house.root / "out"
    said = line("snapshot", "export", candidate, "--output", target)
    assert said.code == 6
    assert not target.exists()


def test_ctrl_c_in_the_middle_of_apply_is_exit_130_and_records_nothing(
    line: Line, house: House, solver: FakeSolver
) -> None:
    edit = line("edit", "propose", house.request(), "--json").json[0]["id"]
    size = house.size()
    solver.interrupt_after = 0
    said = line("edit", "apply", edit)
    assert said.code == 130
    assert house.size() == size
    assert line("edit", "show", edit, "--json").json["state"] == "PROPOSED"


def test_readonly_refuses_every_write(line: Line, house: House) -> None:
    size = house.size()
    said = line("--readonly", "edit", "propose", house.request())
    assert said.code == 2
    assert house.size() == size


def test_a_workspace_that_is_not_there_is_exit_3(
    tmp_path: object, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["--workspace", f"{tmp_path}/nowhere", "edit", "list"]) == 3
    assert "governance init" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["\x1b]52;c;aGk=\x07", "\x9b31m", "\x1b[?1049l"])
def test_no_control_byte_of_an_argument_reaches_the_terminal(
    line: Line, text: str
) -> None:
    said = line("edit", "show", text)
    assert said.code == 3
    assert not [c for c in said.err if ord(c) < 32 and c != "\n"]
    assert "\x9b" not in said.err


def test_a_bug_is_exit_70_and_one_line(
    monkeypatch: pytest.MonkeyPatch, line: Line
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("division by zero")

    monkeypatch.setattr("governance.cli.ledgers.opened", broken)
    said = line("ledger", "log")
    assert said.code == 70
    assert "Traceback" not in said.err


def test_help_names_every_command(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(["--help"]) == 0
    text = capsys.readouterr().out
    for present in (
        *("init", "demo", "tui", "model", "edit", "snapshot", "ledger", "policy"),
        *("reviewer", "change", "statistics", "solve", "benchmark", "evaluate"),
    ):
        assert f"  {present} " in text
