"""What others keep of the ledger, typed."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.cli.conftest import Line
from tests.cli.test_story import approve, to_check
from tests.service.house import House


@pytest.fixture
def kept(line: Line, house: House) -> Path:
    path = house.root / "kept"
    path.write_text(line("ledger", "checkpoint").out, encoding="utf-8")
    return path


def test_a_printed_checkpoint_is_the_note_and_nothing_else(line: Line) -> None:
    said = line("ledger", "checkpoint")
    document = line("ledger", "checkpoint", "--json").json
    assert said.out == document["note"]
    assert said.out.startswith(f"{document['origin']}\n{document['size']}\n")


def test_a_kept_checkpoint_is_verified_against(
    line: Line, house: House, kept: Path
) -> None:
    line("edit", "propose", house.request())
    said = line("ledger", "verify", "--against", kept)
    assert said.code == 0
    assert "continues the kept head 2 " in said.out
    document = line("ledger", "verify", "--against", kept, "--json").json
    assert document["ok"] is True
    assert document["against"]["size"] == 2


def test_a_checkpoint_that_does_not_fit_is_exit_10(line: Line, kept: Path) -> None:
    note = kept.read_text(encoding="utf-8")
    kept.write_text(note.replace("\n2\n", "\n9\n", 1), encoding="utf-8")
    said = line("ledger", "verify", "--against", kept, "--json")
    assert said.code == 10
    assert said.json["error"]["exit_code"] == 10


def test_what_could_not_be_compared_is_printed_and_in_the_json(
    line: Line, house: House
) -> None:
    assert line("ledger", "verify", "--json").json["notes"] == []
    (house.settings.workspace / "checkpoint").unlink()
    said = line("ledger", "verify")
    assert said.code == 0
    assert said.out.splitlines()[-1].startswith("note  ")
    (note,) = line("ledger", "verify", "--json").json["notes"]
    assert "nothing shows whether the log was cut" in note


def test_state_has_every_key_of_the_contract(line: Line, house: House) -> None:
    edit, candidate, evidence = to_check(line, house)
    approve(line, edit, candidate, evidence)
    document = line("ledger", "state", "--at", "2030-01-01T00:00:00Z", "--json").json
    assert set(document) >= {"time", "live", "edits", "policy", "reviewers"}
    assert document["live"] == {"mini": candidate}
    said = line("ledger", "state", "--at", "2030-01-01T00:00:00Z").out
    assert f"edit      {edit}  LIVE" in said
    assert "approve by ben as reviewer" in said


def test_state_is_that_of_now_without_a_time_and_refuses_what_is_none(
    line: Line,
) -> None:
    now = line("ledger", "state", "--json").json
    assert (now["sequence"], now["ahead"]) == (2, False)
    assert line("ledger", "state", "--at", "soon").code == 2
    assert line("ledger", "state", "--at", "1999-01-01").code == 3


def test_a_backup_is_made_once(line: Line, house: House) -> None:
    target = house.root / "copy.db"
    document = line("ledger", "backup", target, "--json").json
    assert document["entries"] == 2
    assert document["path"] == str(target)
    copy = ("--readonly", "--database-url", f"sqlite:///{target}")
    assert line(*copy, "ledger", "verify").code == 0
    assert line("ledger", "backup", target).code == 2


def test_a_schema_of_a_later_program_is_exit_9_with_the_reason(
    line: Line, house: House
) -> None:
    path = house.settings.workspace / "ledger.db"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '0999'")
    for words in (("ledger", "log"), ("--readonly", "ledger", "verify")):
        said = line(*words, "--json")
        assert said.code == 9
        assert "schema is newer than this program" in said.json["error"]["message"]
        assert "found '0999'" in said.json["error"]["message"]


def test_a_changed_payload_is_named_in_verifys_own_document(
    line: Line, house: House
) -> None:
    house.propose("ana")
    (database,) = house.root.rglob("ledger.db")
    with sqlite3.connect(database) as raw:
        names = "SELECT name FROM sqlite_master WHERE type = 'trigger'"
        triggers = [name for (name,) in raw.execute(names)]
        made = "SELECT sql FROM sqlite_master WHERE type = 'trigger'"
        texts = [text for (text,) in raw.execute(made)]
        for name in triggers:
            raw.execute(f"DROP TRIGGER {name}")
        newest = "SELECT max(sequence) FROM entries"
        (last,) = raw.execute(newest).fetchone()
        raw.execute(
            "UPDATE entries SET payload = CAST(replace(CAST(payload AS TEXT), 'ana', "
            "'eve') AS BLOB) "
            "WHERE sequence = ?",
            (last,),
        )
        for text in texts:
            raw.execute(text)
    for words in (("--json",), ("--json", "--readonly")):
        said = line("ledger", "verify", *words)
        assert said.code == 10
        assert said.json["ok"] is False
        assert said.json["first_bad"] == last
