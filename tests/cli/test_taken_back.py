"""What became of every signature on taking an edit out stays in sight."""

import subprocess
from pathlib import Path

import pytest

from governance.canonical import JSON
from governance.service.facade import JobKind
from governance.service.ports import Parts
from governance.tui.signatures import signatures_content
from tests.cli.conftest import Line
from tests.service.house import House, build
from tests.service.test_changes import leave


@pytest.fixture
def house(tmp_path: Path, parts: Parts, monkeypatch: pytest.MonkeyPatch) -> House:
    def two(spec: dict[str, JSON]) -> None:
        spec["rollback"] = {"required_approvals": 2}

    monkeypatch.setattr("governance.wiring.real_parts", lambda: parts)
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    return build(tmp_path, parts, change=two)


def told(line: Line, edit: str) -> list[tuple[str, str, str]]:
    """Return who signed, for what, and what came of it."""
    found = line("edit", "show", edit, "--json").json["taking_back"]
    return [
        (row["signoff"]["principal"], row["signoff"]["decision"], row["fate"])
        for row in found
    ]


def _pasted(command: str) -> tuple[int, bytes]:
    done = subprocess.run(  # noqa: S602 - as a reader would paste it
        command, shell=True, capture_output=True, check=False
    )
    return done.returncode, done.stdout[:4]


def test_a_revert_that_was_done_still_names_who_signed_and_why(
    line: Line, house: House
) -> None:
    edit = house.live()
    line("edit", "revert", edit, "--reason", "it harms", who="ben")
    line("edit", "revert", edit, "--reason", "I agree", who="cleo")
    assert told(line, edit) == [
        ("ben", "revert", "helped to take it out"),
        ("cleo", "revert", "took it out"),
    ]
    shown = line("edit", "show", edit).out
    assert "reason: it harms  (helped to take it out)" in shown
    assert "reason: I agree  (took it out)" in shown
    screen = signatures_content(house.as_("ana").edit(edit)).plain
    assert "Taking it back (2)" in screen
    assert "it harms" in screen
    pasted = [row for row in shown.splitlines() if "-n rollback@governance" in row]
    assert len(pasted) == 2
    assert [_pasted(command) for command in pasted] == [(0, b"Good")] * 2


def test_a_signature_verifies_after_its_key_was_revoked(
    line: Line, house: House
) -> None:
    edit = house.live()
    for who in ("cleo", "ben"):
        house.job(who, JobKind.REVERT, edit=edit, reason="harm")
    leave(house, "cleo")
    rows = line("edit", "show", edit, "--json").json["verify_lines"]
    (command,) = [row for row in rows if "-I cleo -n rollback@governance" in row]
    assert "-O verify-time=" in command
    assert _pasted(command) == (0, b"Good")


def test_one_that_was_ended_names_who_ended_it(line: Line, house: House) -> None:
    edit = house.live()
    line("edit", "revert", edit, "--reason", "harm", who="ben")
    line("edit", "revert", edit, "--withdraw", "--reason", "wrong one", who="cleo")
    first, second = told(line, edit)
    assert first[2].startswith("ended by cleo at entry ")
    assert second == ("cleo", "withdraw revert", "ended what waited")
    assert "reason: wrong one  (ended what waited)" in line("edit", "show", edit).out


def test_one_that_was_overtaken_says_so(line: Line, house: House) -> None:
    edit = house.live()
    line("snapshot", "activate", "base", "--reason", "harm", who="ben")
    house.live("mondo")
    ((who, action, fate),) = told(line, edit)
    assert (who, action) == ("ben", "activate")
    assert fate.startswith("overtaken by what went live at entry ")


def test_what_waits_is_marked_wherever_the_edit_or_the_snapshot_is(
    line: Line, house: House
) -> None:
    edit = house.live()
    assert "waits" not in line("edit", "list").out
    line("snapshot", "activate", "base", "--reason", "harm", who="ben")
    assert told(line, edit) == [("ben", "activate", "waits")]
    assert "(activate waits, signed by ben)" in line("edit", "list").out
    row = line("edit", "list", "--json").json[0]
    assert row["rollback"] == "activate waits, signed by ben"
    rows = line("snapshot", "list").out.splitlines()
    (base,) = [row for row in rows if row.endswith("  base")]
    assert "activate waits" in base
    shown = line("snapshot", "show", "base").out
    assert "signed by ben\n  still missing: 1 more signature\n" in shown


def test_the_state_at_a_time_lists_what_waited_and_who_took_it_out(
    line: Line, house: House
) -> None:
    edit = house.live()
    house.job("ben", JobKind.REVERT, edit=edit, reason="harm")
    waited = house.as_("ana").log()[-1].time
    house.job("cleo", JobKind.REVERT, edit=edit, reason="harm")
    after = house.as_("ana").log()[-1].time
    then = line("ledger", "state", "--at", waited)
    assert f"waiting   revert of {edit} to " in then.out
    assert "revert by ben" in then.out
    (item,) = line("ledger", "state", "--at", waited, "--json").json["rollbacks"]
    assert (item["action"], item["edits"]) == ("revert", [edit])
    assert [hand["principal"] for hand in item["signatures"]] == ["ben"]
    now = line("ledger", "state", "--at", after)
    assert "waiting " not in now.out
    (row,) = [one for one in now.out.splitlines() if one.startswith("edit ")]
    assert row.endswith("revert by ben, revert by cleo")
