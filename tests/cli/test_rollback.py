"""A rollback that takes two people, typed."""

import subprocess
from pathlib import Path

import pytest

from governance.canonical import JSON
from governance.service.ports import Parts
from tests.cli.conftest import Line
from tests.service.house import House, build


@pytest.fixture
def house(tmp_path: Path, parts: Parts, monkeypatch: pytest.MonkeyPatch) -> House:
    def two(spec: dict[str, JSON]) -> None:
        spec["rollback"] = {"required_approvals": 2}

    monkeypatch.setattr("governance.wiring.real_parts", lambda: parts)
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    return build(tmp_path, parts, change=two)


def test_two_people_type_the_same_revert(line: Line, house: House) -> None:
    edit = house.live()
    live = house.as_("ana").model("mini").live
    first = line("edit", "revert", edit, "--reason", "harm", who="ben")
    assert first.code == 0
    assert first.out.startswith(f"{edit}  LIVE  live {live}\n")
    assert first.out.endswith("  still missing: 1 more signature\n")
    shown = line("edit", "show", edit, "--text").out
    assert "  signed by ben\n  still missing: 1 more signature\n" in shown
    again = line("edit", "revert", edit, "--reason", "harm", "--json", who="ben")
    assert (again.code, "signed for it already" in again.out) == (4, True)
    second = line("edit", "revert", edit, "--reason", "yes", "--json", who="cleo")
    assert second.code == 0
    assert set(second.json) >= {"edits", "state", "live"}
    assert (second.json["state"], second.json["missing"]) == ("REVERTED", [])
    assert second.json["live"] != live
    assert line("edit", "show", edit, "--json").json["rollbacks"] == []
    assert line("ledger", "verify").code == 0


def test_two_people_type_the_same_return(line: Line, house: House) -> None:
    edit = house.live()
    first = line("snapshot", "activate", "base", "--reason", "harm", who="ben")
    assert first.code == 0
    live, base = (
        line("snapshot", "show", name, "--json").json["digest"]
        for name in ("live", "base")
    )
    assert f"live  {live}  not yet {base}\n" in first.out
    assert "still missing: 1 more signature" in first.out
    shown = line("edit", "show", edit, "--json").json["rollbacks"]
    (waiting,) = shown
    assert (waiting["action"], waiting["edits"]) == ("activate", [edit])
    command = ("snapshot", "activate", "base", "--reason", "yes", "--json")
    second = line(*command, who="cleo")
    assert second.json["missing"] == []
    assert line("snapshot", "show", "live", "--json").json["edits"] == []


def test_the_printed_line_verifies_a_signature_that_waits(
    line: Line, house: House
) -> None:
    edit = house.live()
    line("edit", "revert", edit, "--reason", "harm", who="ben")
    found = line("edit", "show", edit, "--text").out.splitlines()
    pasted = [row for row in found if "-n rollback@governance" in row]
    assert len(pasted) == 1
    done = subprocess.run(  # noqa: S602 - as a reader would paste it
        pasted[0], shell=True, capture_output=True, check=False
    )
    assert (done.returncode, done.stdout[:4]) == (0, b"Good")


def test_a_revert_that_waits_is_withdrawn_by_typing_so(
    line: Line, house: House
) -> None:
    edit = house.live()
    live = house.as_("ana").model("mini").live
    line("edit", "revert", edit, "--reason", "harm", who="ben")
    ending = ("edit", "revert", edit, "--withdraw", "--reason", "wrong edit")
    ended = line(*ending, who="cleo")
    assert ended.code == 0
    assert ended.out.startswith(f"withdrawn  the revert of {edit} to ")
    assert f"\n  {edit} stays LIVE  live {live}\n" in ended.out
    assert "  signed by cleo  SHA256:" in ended.out
    assert line("edit", "show", edit, "--json").json["rollbacks"] == []
    again = line(*ending, "--json", who="cleo")
    assert again.code == 4
    assert "none waits for signatures" in again.json["error"]["message"]
    assert line("ledger", "verify").code == 0


def test_a_return_that_waits_is_withdrawn_by_typing_so(
    line: Line, house: House
) -> None:
    edit = house.live()
    line("snapshot", "activate", "base", "--reason", "harm", who="ben")
    ending = ("snapshot", "activate", "base", "--withdraw", "--reason", "no", "--json")
    ended = line(*ending, who="cleo")
    assert (ended.code, ended.json["edits"], ended.json["state"]) == (0, [edit], "LIVE")
    assert line("edit", "show", edit, "--json").json["rollbacks"] == []
