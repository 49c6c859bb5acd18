"""Whoever signs sees what is signed and with which key, before and after."""

import io
import sys
from collections.abc import Callable

import pytest

from governance.identity.keys import generate_key, read_public_key
from tests.cli.conftest import Line
from tests.service.house import House
from tests.service.test_changes import newer

Type = Callable[[str], None]


class Keyboard(io.StringIO):
    """Somebody sits there and types."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Type:
    """Type this at the next question."""

    def types(text: str) -> None:
        monkeypatch.setattr(sys, "stdin", Keyboard(text + "\n"))
        monkeypatch.setattr(sys.stderr, "isatty", lambda: True)

    return types


def fingerprint(house: House, who: str) -> str:
    return read_public_key(house.keys[who]).fingerprint


def joining(line: Line, house: House, name: str, file: str) -> str:
    """Propose that somebody joins with a new key; return its fingerprint."""
    path = house.root / "people" / file
    generate_key(path, comment=name)
    public = path.with_suffix(".pub")
    made = line("reviewer", "add", name, "--public-key", public, "--role", "reviewer")
    assert made.code == 0
    return read_public_key(path).fingerprint


def test_a_change_shows_whose_key_joins_and_in_which_roles(
    line: Line, house: House
) -> None:
    mark = joining(line, house, "dora", "dora")
    shown = line("change", "show", "C-0001").out.splitlines()
    key = read_public_key(house.root / "people" / "dora").text
    assert [f"key       {mark}", f"          {key}"] == shown[-2:]
    assert "roles     reviewer" in shown
    detail = line("change", "show", "C-0001", "--json").json
    assert (detail["fingerprint"], detail["roles"]) == (mark, ["reviewer"])
    line("reviewer", "revoke", "cleo", "--reason", "left")
    gone = line("change", "show", "C-0002").out
    assert f"key       {fingerprint(house, 'cleo')}\n" in gone
    assert "roles     reviewer\n" in gone


def test_two_proposals_of_one_name_are_told_apart_by_their_keys(
    line: Line, house: House
) -> None:
    marks = [joining(line, house, "dora", file) for file in ("one", "two")]
    newest, first = line("change", "list").out.splitlines()[1:]
    assert marks[0][:17] in first
    assert marks[1][:17] in newest
    assert marks[0][:17] != marks[1][:17]


def test_a_policy_change_shows_name_version_and_digest(
    line: Line, house: House
) -> None:
    made = line("policy", "activate", newer(house, expires_days=3), "--json").json
    shown = line("change", "show", made["id"]).out
    subject = made["subject"]
    assert f"policy    {subject['name']}  version 2\n" in shown
    assert f"          {subject['digest']}\n" in shown
    assert "+  expires_days: 3" in shown


def test_signing_a_change_on_a_terminal_shows_the_key_and_asks(
    line: Line, house: House, terminal: Type
) -> None:
    mark = joining(line, house, "dora", "dora")
    digest = line("change", "show", "C-0001", "--json").json["digest"]
    sign = ("change", "sign", "C-0001", "--decision", "approve")
    terminal("nope")
    refused = line(*sign, who="ben")
    assert refused.code == 4
    assert f"key       {mark}" in refused.err
    assert digest in refused.err
    assert f"signs      ben  {fingerprint(house, 'ben')}" in refused.err
    assert line("change", "show", "C-0001", "--json").json["signoffs"] == []
    terminal(digest[-4:])
    signed = line(*sign, who="ben")
    assert signed.code == 0
    assert signed.out.endswith(f"  signed by ben  {fingerprint(house, 'ben')}\n")
    again = line(*sign, who="ben")
    assert again.code == 4
    assert "last 4 characters" not in again.err


def test_signing_an_edit_on_a_terminal_shows_the_key_and_names_it_after(
    line: Line, house: House, terminal: Type
) -> None:
    edit = house.ready("ana")
    candidate = house.as_("ana").edit(edit).candidate or ""
    terminal(candidate[-4:])
    sign = ("edit", "sign", edit, "--decision", "approve", "--comment", "seen")
    signed = line(*sign, who="ben")
    assert signed.code == 0
    mark = fingerprint(house, "ben")
    assert f"signs      ben  {mark}" in signed.err
    assert "last 4 characters of the candidate:" in signed.err
    assert f"  signed by ben  {mark}\n" in signed.out


def test_a_revert_on_a_terminal_shows_what_goes_out_and_asks(
    line: Line, house: House, terminal: Type
) -> None:
    edit = house.live()
    base = line("snapshot", "show", "base", "--json").json["digest"]
    size = house.size()
    revert = ("edit", "revert", edit, "--reason", "harm")
    terminal("nope")
    refused = line(*revert, who="cleo")
    assert (refused.code, house.size()) == (4, size)
    assert f"goes out   {edit}" in refused.err
    assert f"goes live  {base}" in refused.err
    assert "last 4 characters of what goes live:" in refused.err
    assert f"signs      cleo  {fingerprint(house, 'cleo')}" in refused.err
    terminal(base[-4:])
    done = line(*revert, who="cleo")
    assert done.code == 0
    assert done.out.startswith(f"{edit}  REVERTED  live {base}\n")
    assert f"  signed by cleo  {fingerprint(house, 'cleo')}\n" in done.out


def test_a_return_on_a_terminal_shows_what_goes_out_and_asks(
    line: Line, house: House, terminal: Type
) -> None:
    edit = house.live()
    base = line("snapshot", "show", "base", "--json").json["digest"]
    size = house.size()
    activate = ("snapshot", "activate", "base", "--reason", "harm")
    terminal("nope")
    refused = line(*activate, who="cleo")
    assert (refused.code, house.size()) == (4, size)
    assert f"goes out   {edit}" in refused.err
    assert f"goes live  {base}" in refused.err
    assert "last 4 characters of what goes live:" in refused.err
    terminal(base[-4:])
    done = line(*activate, who="cleo")
    assert done.code == 0
    assert f"  signed by cleo  {fingerprint(house, 'cleo')}\n" in done.out


def test_without_a_terminal_nobody_is_asked_and_the_document_names_the_key(
    line: Line, house: House
) -> None:
    edit = house.live()
    key = read_public_key(house.keys["cleo"])
    said = line("edit", "revert", edit, "--reason", "harm", "--json", who="cleo")
    assert said.json["signed"] == {
        "principal": "cleo",
        "key": key.text,
        "fingerprint": key.fingerprint,
    }
    assert said.json["snapshot"] == said.json["live"]
    again = house.live("mondo")
    said = line("snapshot", "activate", "base", "--reason", "no", "--json", who="cleo")
    assert (said.code, said.json["signed"]["fingerprint"]) == (0, key.fingerprint)
    assert house.as_("ana").edit(again).state == "REVERTED"
