"""Policies on the command line, without a workspace."""

import json
from pathlib import Path

import pytest

from governance.cli.run import run
from governance.policy.files import find_policy, shipped_cases

Capture = pytest.CaptureFixture[str]


def test_policy_test_prints_a_table_of_the_shipped_cases(capsys: Capture) -> None:
    assert run(["policy", "test"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["CASE", "POLICY", "FILE", "RESULT"]
    count = len(lines) - 2
    assert lines[-1] == f"{count} of {count} cases hold"
    assert any(line.startswith("full-width letters  ") for line in lines)


def test_a_case_that_fails_is_exit_1_and_says_which_rule(
    tmp_path: Path, capsys: Capture
) -> None:
    source = next(path for path in shipped_cases() if path.stem == "audit-only")
    own = tmp_path / "own.yaml"
    text = source.read_text(encoding="utf-8")
    own.write_text(text.replace("policy: audit-only", "policy: default"), "utf-8")
    assert run(["policy", "test", str(own)]) == 1
    said = capsys.readouterr().out
    assert "FAIL  a protected word is recorded, not refused: live: expected yes" in said
    assert run(["policy", "test", str(own), "--json"]) == 1
    document = json.loads(capsys.readouterr().out)
    assert document["ok"] is False
    first = document["cases"][0]
    assert first["ok"] is False
    assert {"rule": "live", "expected": "yes", "found": "no", "message": ""} in first[
        "rules"
    ]


@pytest.mark.parametrize("name", ["strict", "audit-only"])
def test_every_shipped_policy_loads(name: str, capsys: Capture) -> None:
    assert run(["policy", "check", str(find_policy(name)), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["name"] == name


def test_a_shipped_policy_is_copied_with_its_suite_to_be_edited(
    tmp_path: Path, capsys: Capture
) -> None:
    own = tmp_path / "own"
    assert run(["policy", "show", "strict", "--output", str(own)]) == 0
    assert capsys.readouterr().out == f"policy  {own / 'strict.yaml'}\n"
    shipped = find_policy("strict")
    assert (own / "strict.yaml").read_bytes() == shipped.read_bytes()
    digests = []
    for file in (shipped, own / "strict.yaml"):
        assert run(["policy", "check", str(file), "--json"]) == 0
        digests.append(json.loads(capsys.readouterr().out)["digest"])
    assert digests[0] == digests[1]
    suite = own / "suites" / "quick.yaml"
    suite.write_text(suite.read_text().replace("steps: 20", "steps: 12"))
    assert run(["policy", "check", str(own / "strict.yaml"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["digest"] != digests[0]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["own"]


def test_a_copy_overwrites_nothing(tmp_path: Path, capsys: Capture) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "default.yaml").write_text("mine")
    for place, code in (("there", 2), ("no/where", 2)):
        words = ["policy", "show", "default", "--output", str(tmp_path / place)]
        assert run(words) == code
    assert "expected the name of a new folder" in capsys.readouterr().err
    assert (tmp_path / "there" / "default.yaml").read_text() == "mine"
    assert run(["policy", "show", "nosuch", "--output", str(tmp_path / "x")]) == 3
    assert "audit-only, default, single-user, strict" in capsys.readouterr().err
    assert run(["policy", "show", "--output", str(tmp_path / "x")]) == 2
    assert sorted(path.name for path in tmp_path.iterdir()) == ["there"]


def test_a_shipped_policy_is_shown_without_a_workspace(capsys: Capture) -> None:
    assert run(["policy", "show", "strict", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert (shown["name"], shown["spec"]["required_approvals"]) == ("strict", 3)


def test_a_policy_copied_without_its_suite_says_which_and_how(
    tmp_path: Path, capsys: Capture
) -> None:
    lone = tmp_path / "lone.yaml"
    lone.write_bytes(find_policy("default").read_bytes())
    assert run(["policy", "check", str(lone)]) == 3
    said = capsys.readouterr().err
    assert "lone.yaml: spec.suite names 'suites/quick.yaml'" in said
    assert f"expected a suite file at {tmp_path / 'suites' / 'quick.yaml'}" in said
    assert "or one of quick" in said
    assert "governance policy show NAME --output DIR" in said
    text = lone.read_text().replace("suite: suites/quick.yaml", "suite: quick")
    lone.write_text(text)
    assert run(["policy", "check", str(lone)]) == 0
