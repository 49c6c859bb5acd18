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
