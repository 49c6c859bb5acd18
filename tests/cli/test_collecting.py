"""gc, typed."""

from typing import Any

import pytest

from governance.service.application import Application
from tests.cli.conftest import Line
from tests.cli.test_story import to_check
from tests.service.house import House


def test_gc_prints_what_it_gave_back(line: Line, house: House) -> None:
    edit, candidate, _ = to_check(line, house)
    line("edit", "withdraw", edit, "--reason", "not needed")
    said = line("snapshot", "gc", "--dry-run")
    assert (said.code, "would give back" in said.out) == (0, True)
    document = line("snapshot", "gc", "--json").json
    assert document["candidates"] == [candidate]
    assert document["freed"] > 0
    assert len(document["objects"]) == 2
    assert len(document["kept"]) == 1
    assert document["dry_run"] is False
    assert "gave back 0 objects, 0 bytes" in line("snapshot", "gc").out


def test_lists_mark_what_gave_its_tensors_back(line: Line, house: House) -> None:
    edit, candidate, _ = to_check(line, house)
    house.live("mondo")
    marked = "tensors given back"
    assert marked not in line("snapshot", "list").out
    line("edit", "withdraw", edit, "--reason", "not needed")
    line("snapshot", "gc")
    rows = line("snapshot", "list").out.splitlines()
    found = {row.split()[0]: marked in row for row in rows[1:]}
    assert found.pop(candidate[:12])
    assert len(found) == 2
    assert not any(found.values())
    shown = line("snapshot", "show", candidate).out.splitlines()
    assert shown[0] == f"{candidate}  {marked}"
    assert line("snapshot", "show", candidate, "--json").json["released"] is True
    assert marked not in line("snapshot", "show", "live").out


def test_gc_refuses_to_write_where_nothing_may_be_written(
    line: Line, house: House
) -> None:
    edit, _, _ = to_check(line, house)
    line("edit", "withdraw", edit, "--reason", "not needed")
    assert line("--readonly", "snapshot", "gc").code == 2
    assert line("--readonly", "snapshot", "gc", "--dry-run").code == 0


def test_an_object_that_gc_did_not_give_back_is_exit_10(
    line: Line, house: House
) -> None:
    edit, candidate, _ = to_check(line, house)
    line("edit", "withdraw", edit, "--reason", "not needed")
    tensors = line("snapshot", "show", candidate, "--json").json["tensors"]
    lost = next(iter(tensors.values()))
    content = house.store.get(lost)
    house.store.remove(lost)
    assert line("ledger", "verify").code == 10
    house.store.put_bytes(content)
    line("snapshot", "gc")
    assert not house.store.has(lost)
    assert line("ledger", "verify").code == 0


def test_what_an_interrupted_apply_left_is_told_apart(line: Line, house: House) -> None:
    left = house.store.put_bytes(b"a tensor")
    with house.as_("ben").holding():
        said = line("snapshot", "gc")
        assert "another action is at work" in said.out
        assert line("snapshot", "gc", "--json").json["held"] is True
    said = line("snapshot", "gc", "--dry-run")
    assert (
        "would remove 1 objects, 8 bytes, left by an interrupted or refused action"
        in said.out
    )
    document = line("snapshot", "gc", "--json").json
    assert (document["left"], document["left_freed"]) == ([left], 8)
    assert (document["objects"], document["freed"], document["held"]) == ([], 0, False)
    assert not house.store.has(left)


def test_what_a_command_solved_is_held_until_it_is_recorded(
    line: Line, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A gc typed elsewhere between the two halves of an apply."""
    (edit,) = (
        row["id"] for row in line("edit", "propose", house.request(), "--json").json
    )
    held, finish = [], Application.finish

    def beside(application: Application, *rest: Any, **named: Any) -> object:
        found = house.as_("cleo").collect()
        held.append((found.held, found.left))
        return finish(application, *rest, **named)

    monkeypatch.setattr(Application, "finish", beside)
    assert line("edit", "apply", edit).code == 0
    assert held == [(True, ())]
    assert line("ledger", "verify").code == 0
