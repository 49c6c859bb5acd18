"""The main job, typed."""

from pathlib import Path
from typing import Any

import pytest

from governance.identity.keys import read_public_key
from tests.cli.conftest import Line
from tests.service.house import House

EDIT_KEYS = {
    *("id", "state", "evidence", "request", "digest", "candidate", "certificate"),
    *("sites", "verdict", "signoffs"),
}


def to_check(line: Line, house: House, name: str = "kora") -> tuple[str, str, str]:
    edit = line("edit", "propose", house.request(name), "--json").json[0]["id"]
    candidate = line("edit", "apply", edit, "--json").json["candidate"]
    evidence = line("edit", "check", edit, "--json").json["evidence"]
    return edit, candidate, evidence


def approve(line: Line, edit: str, candidate: str, evidence: str) -> dict[str, Any]:
    signed: dict[str, Any] = line(
        *("edit", "sign", edit, "--decision", "approve", "--comment", "seen"),
        *("--candidate", candidate, "--evidence", evidence, "--json"),
        who="ben",
    ).json
    return signed


def test_an_edit_goes_live_and_is_reverted_from_the_command_line(
    line: Line, house: House
) -> None:
    before = line("snapshot", "show", "live", "--json").json["digest"]
    edit, candidate, evidence = to_check(line, house)
    signed = approve(line, edit, candidate, evidence)
    key = read_public_key(house.keys["ben"])
    assert signed.pop("signed") == {
        "principal": "ben",
        "key": key.text,
        "fingerprint": key.fingerprint,
    }
    assert signed == {
        "edits": [edit],
        "state": "LIVE",
        "live": candidate,
        "missing": [],
        "snapshot": None,
    }
    reverted = line("edit", "revert", edit, "--reason", "settled", "--json")
    assert reverted.code == 0
    assert reverted.json["state"] == "REVERTED"
    assert reverted.json["live"] == before
    assert line("ledger", "verify", "--json").json["ok"] is True


def test_edit_show_has_every_key_of_the_contract(line: Line, house: House) -> None:
    edit, _, _ = to_check(line, house)
    shown = line("edit", "show", edit, "--json").json
    assert set(shown) >= EDIT_KEYS
    assert shown["evidence"] == "PASS"
    assert set(shown["verdict"]["rules"][0]) >= {
        *("rule", "outcome", "value", "limit", "bound", "n"),
    }


@pytest.mark.parametrize(
    ("words", "keys"),
    [
        (("model", "show", "mini"), {"name", "path", "digest", "family", "files"}),
        (("policy", "show"), {"name", "version", "digest", "spec"}),
        (("ledger", "verify"), {"ok", "entries", "head", "first_bad"}),
        (
            ("snapshot", "show", "base"),
            {"digest", "created", "edits", "live", "tensors"},
        ),
        (("snapshot", "diff", "base", "live"), {"edits", "tensors"}),
    ],
)
def test_documents_have_the_keys_of_the_contract(
    line: Line, words: tuple[str, ...], keys: set[str]
) -> None:
    said = line(*words, "--json")
    assert said.code == 0
    assert set(said.json) >= keys


@pytest.mark.parametrize(
    ("words", "keys"),
    [
        (("model", "list"), {"name", "digest"}),
        (("snapshot", "list"), {"digest", "created", "edits", "live"}),
        (
            ("ledger", "log"),
            {"sequence", "time", "event", "actor", "digest", "payload"},
        ),
        (
            ("reviewer", "list"),
            {"principal", "key", "roles", "since", "until"},
        ),
    ],
)
def test_lists_have_the_keys_of_the_contract(
    line: Line, words: tuple[str, ...], keys: set[str]
) -> None:
    rows = line(*words, "--json").json
    assert set(rows[0]) >= keys


def test_edit_list_has_the_keys_of_the_contract(line: Line, house: House) -> None:
    line("edit", "propose", house.request())
    rows = line("edit", "list", "--json").json
    assert set(rows[0]) >= {
        *("id", "title", "action", "method", "model", "state", "evidence"),
        *("proposer", "time"),
    }
    assert line("edit", "list", "--state", "live", "--json").json == []


def test_every_table_prints_for_people_too(line: Line, house: House) -> None:
    edit, candidate, evidence = to_check(line, house)
    approve(line, edit, candidate, evidence)
    for words in (
        ("model", "list"),
        ("model", "show", "mini"),
        ("model", "verify", "mini"),
        ("edit", "list"),
        ("edit", "show", edit),
        ("snapshot", "list"),
        ("snapshot", "show", "live"),
        ("snapshot", "diff", "base", "live"),
        ("ledger", "log"),
        ("ledger", "verify"),
        ("policy", "show"),
        ("reviewer", "list"),
    ):
        said = line(*words)
        assert said.code == 0, words
        assert said.out.strip(), words


def test_options_stand_before_or_after_the_command(
    house: House, capsys: pytest.CaptureFixture[str]
) -> None:
    from governance.cli.run import run

    workspace = str(house.settings.workspace)
    after = ["ledger", "log", "--json", "--workspace", workspace]
    between = ["ledger", "--workspace", workspace, "log", "--json"]
    before = ["--json", "--workspace", workspace, "ledger", "log"]
    outputs = set()
    for words in (after, between, before):
        assert run(words) == 0
        outputs.add(capsys.readouterr().out)
    assert len(outputs) == 1


def test_a_changed_model_file_is_exit_10_and_named(line: Line, house: House) -> None:
    (house.root / "model" / "weights.bin").write_bytes(b"other")
    said = line("model", "verify", "mini")
    assert said.code == 10
    assert "changed  weights.bin" in said.out


def test_a_failing_check_is_exit_1_and_prints_its_document(
    line: Line, house: House
) -> None:
    request = house.request(title="A careless edit")
    edit = line("edit", "propose", request, "--json").json[0]["id"]
    line("edit", "apply", edit)
    said = line("edit", "check", edit, "--json")
    assert said.code == 1
    assert said.json["outcome"] == "FAIL"


def test_the_paths_of_a_workspace_are_absolute(line: Line) -> None:
    shown = line("model", "show", "mini", "--json").json
    assert Path(shown["path"]).is_absolute()
