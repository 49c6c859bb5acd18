"""Changes of policy and roster, typed."""

import json
from pathlib import Path

import pytest

from governance.identity.keys import generate_key
from tests.cli.conftest import Line
from tests.service.house import House, changed_policy
from tests.service.test_changes import newer


@pytest.fixture
def dora(house: House) -> Path:
    path = house.root / "people" / "dora"
    generate_key(path, comment="dora")
    house.keys = {**house.keys, "dora": path}
    return path.with_suffix(".pub")


def test_a_reviewer_joins_and_leaves_from_the_command_line(
    line: Line, dora: Path
) -> None:
    made = line(
        *("reviewer", "add", "dora", "--public-key", dora),
        *("--role", "reviewer", "--role", "lawyer", "--new-role", "--json"),
    )
    assert (made.code, made.json["id"], made.json["state"]) == (0, "C-0001", "PROPOSED")
    assert line("change", "list", "--json").json[0]["missing"] == [
        *("1 more approval", "1 approval as reviewer")
    ]
    signed = line("change", "sign", "C-0001", "--decision", "approve", who="ben")
    assert signed.code == 0
    assert signed.out.startswith("C-0001  ACTIVE  add dora as reviewer, lawyer\n")
    assert "dora" in line("reviewer", "list").out

    gone = line("reviewer", "revoke", "dora", "--reason", "left", "--json")
    assert gone.json["kind"] == "reviewer-revoke"
    line("change", "sign", "2", "--decision", "approve", who="ben")
    rows = line("reviewer", "list", "--json").json
    (row,) = [row for row in rows if row["principal"] == "dora"]
    assert set(row) >= {"principal", "key", "roles", "since", "until"}
    assert row["since"] < row["until"]
    assert line("ledger", "verify").code == 0


def test_a_role_nobody_knows_is_refused(line: Line, dora: Path) -> None:
    typed = ("reviewer", "add", "dora", "--public-key", dora, "--role", "nosuchrole")
    refused = line(*typed, "--json")
    assert refused.code == 2
    assert "reviewer" in refused.json["error"]["message"]
    assert line("change", "list", "--json").json == []


def test_a_policy_comes_into_force_from_the_command_line(
    line: Line, house: House
) -> None:
    made = line("policy", "activate", newer(house, expires_days=3), "--json").json
    assert set(made) >= {"id", "kind", "state", "missing"}
    shown = line("change", "show", made["id"]).out
    assert "-  expires_days: 30" in shown
    assert "+  expires_days: 3" in shown
    signed = line(
        *("change", "sign", made["id"], "--decision", "approve", "--comment", "read"),
        *("--digest", made["digest"], "--json"),
        who="ben",
    )
    assert signed.json["state"] == "ACTIVE"
    assert signed.json["signoffs"][0]["statement"]["comment"] == "read"
    assert line("policy", "show", "--json").json["version"] == 2


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("change", "show", "C-0009"), 3),
        (("change", "sign", "C-0009", "--decision", "approve"), 3),
        (("change", "sign", "C-0001", "--decision", "maybe"), 2),
        (("change", "sign", "C-0001"), 2),
        (("change", "sign", "C-0001", "--decision", "approve"), 5),
        (
            ("change", "sign", "C-0001", "--decision", "approve", "--digest", "0" * 64),
            4,
        ),
        (("policy", "activate", "default"), 5),
        (("policy", "activate", "nowhere.yaml"), 3),
        (("reviewer", "revoke", "nobody", "--reason", "left"), 3),
        (("reviewer", "revoke", "cleo"), 2),
        (("reviewer", "revoke", "cleo", "--reason", " "), 2),
        (("reviewer", "add", "ben", "--role", "reviewer"), 2),
    ],
)
def test_what_goes_wrong_has_its_exit_code(
    line: Line, house: House, words: tuple[str, ...], code: int
) -> None:
    line("reviewer", "revoke", "cleo", "--reason", "left")
    size = house.size()
    said = line(*words, "--json")
    assert (said.code, said.json["error"]["exit_code"]) == (code, code)
    assert house.size() == size


def test_a_hostile_comment_reaches_no_terminal(line: Line) -> None:
    line("reviewer", "revoke", "cleo", "--reason", "\x1b]0;gone\x07")
    line(
        *("change", "sign", "C-0001", "--decision", "approve"),
        *("--comment", "\x1b[2Jyes"),
        who="ben",
    )
    for words in (("change", "list"), ("change", "show", "C-0001")):
        said = line(*words).out
        assert "\x1b" not in said
        assert "\\x1b]0;gone" in said


def test_init_warns_of_a_roster_that_could_approve_nothing(
    house: House, capsys: pytest.CaptureFixture[str]
) -> None:
    from governance.cli.run import run

    public = house.root / "people" / "ana.pub"
    words = ("init", "--reviewer", f"ana={public}:reviewer")
    assert run(["--workspace", str(house.root / "alone"), *words]) == 0
    said = capsys.readouterr().err
    assert "nothing can be approved here: it takes 2 people" in said
    assert "missing: one more person, to propose. Nor can anybody be added" in said
    assert "--reviewer PRINCIPAL=PUBLIC_KEY_FILE:ROLE" in said
    mine = (*words, "--policy", "single-user")
    assert run(["--workspace", str(house.root / "mine"), *mine]) == 0
    assert capsys.readouterr().err == ""


def test_init_names_the_roles_a_policy_lacks(
    house: House, capsys: pytest.CaptureFixture[str]
) -> None:
    from governance.cli.run import run

    people = house.root / "people"
    words = [
        *("--reviewer", f"ana={people / 'ana.pub'}:engineering"),
        *("--reviewer", f"ben={people / 'ben.pub'}:jurist"),
        *("--policy", "strict", "--json"),
    ]
    assert run(["--workspace", str(house.root / "two"), "init", *words]) == 0
    said = capsys.readouterr()
    first, *others = json.loads(said.out)["warnings"]
    assert "it takes 4 people" in first
    assert "missing: one more as legal, one more as safety. Nor can anybody" in first
    assert not any("reviewer add" in warning for warning in (first, *others))
    assert others[-1] == (
        "ben has no say as jurist: policy strict asks for engineering, legal, safety"
    )
    assert f"warning: {first}." in said.err


def test_init_warns_where_only_taking_back_lacks_people(
    house: House, capsys: pytest.CaptureFixture[str]
) -> None:
    """People can still be added then, and it says so."""
    from governance.cli.run import run

    policy = changed_policy(
        house.root, lambda spec: spec.update(rollback={"required_approvals": 3})
    )
    people = house.root / "people"
    words = [
        *("--reviewer", f"ana={people / 'ana.pub'}:reviewer"),
        *("--reviewer", f"ben={people / 'ben.pub'}:reviewer"),
        *("--policy", policy, "--json"),
    ]
    place = str(house.root / "two")
    assert run(["--workspace", place, "init", *map(str, words)]) == 0
    (said,) = json.loads(capsys.readouterr().out)["warnings"]
    assert "nothing can be taken back here: a rollback takes 3 people" in said
    assert "governance reviewer add" in said


def test_init_refuses_two_names_that_read_the_same(
    house: House, capsys: pytest.CaptureFixture[str]
) -> None:
    from governance.cli.run import run

    people = house.root / "people"
    words = [
        *("--reviewer", f"ana={people / 'ana.pub'}:reviewer"),
        *("--reviewer", f"\u0430na={people / 'ben.pub'}:reviewer"),
    ]
    assert run(["--workspace", str(house.root / "two"), "init", *words]) == 2
    assert "read the same" in capsys.readouterr().err
