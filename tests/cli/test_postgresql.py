"""A workspace whose ledger a PostgreSQL server keeps, typed from start to end.

Each person has a database account with no more rights than their part needs.
"""

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from governance.cli.run import run
from governance.domain.signoff import Decision
from governance.identity.keys import generate_key
from governance.ledger.log import Ledger
from governance.service.ports import Parts
from governance.settings import Settings
from tests.cli.conftest import Said
from tests.ledger.postgres_server import programs, server
from tests.service.fakes import FakeClock
from tests.service.house import House

PEOPLE = ("ana", "ben", "cleo")


@pytest.fixture(scope="module")
def socket() -> Iterator[Path]:
    with server() as home:
        yield home


def address(socket: Path, user: str, database: str = "record") -> str:
    return f"postgresql+psycopg://{user}@/{database}?host={socket}"


@pytest.fixture(scope="module")
def database(socket: Path) -> Path:
    """A database, and an account for somebody who reviews and one who audits."""
    engine = create_engine(
        address(socket, "owner", "postgres"), isolation_level="AUTOCOMMIT"
    )
    with engine.connect() as connection:
        for statement in (
            "CREATE DATABASE record",
            "CREATE ROLE governance_writer NOLOGIN",
            "CREATE ROLE governance_auditor NOLOGIN",
            "CREATE ROLE anna LOGIN IN ROLE governance_writer",
            "CREATE ROLE otto LOGIN IN ROLE governance_auditor",
        ):
            connection.execute(text(statement))
    engine.dispose()
    return socket


@dataclass
class Desk:
    """Where commands are typed, each as a person and as a database account."""

    house: House
    socket: Path
    capture: pytest.CaptureFixture[str]

    def __call__(self, *words: object, who: str = "ana", user: str = "anna") -> Said:
        code = run(
            [
                *("--workspace", str(self.house.settings.workspace)),
                *("--database-url", address(self.socket, user)),
                *("--as", who, "--key", str(self.house.keys[who])),
                *(str(word) for word in words),
            ]
        )
        said = self.capture.readouterr()
        return Said(code, said.out, said.err)


@pytest.fixture
def desk(
    database: Path,
    tmp_path: Path,
    parts: Parts,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Desk:
    monkeypatch.setattr("governance.wiring.real_parts", lambda: parts)
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    keys = {}
    for name in (*PEOPLE, "dora"):
        generate_key(tmp_path / name, comment=name)
        keys[name] = tmp_path / name
    settings = Settings(workspace=tmp_path / "workspace")
    house = House(tmp_path, settings, parts, FakeClock(), keys)
    return Desk(house, database, capsys)


def done(said: Said) -> Said:
    assert said.code == 0, said.err
    return said


def begin(desk: Desk) -> None:
    """Make the workspace as the database's owner, and register a model."""
    people = [
        word
        for name in PEOPLE
        for word in ("--reviewer", f"{name}={desk.house.keys[name]}.pub:reviewer")
    ]
    done(desk("init", *people, user="owner"))
    folder = desk.house.root / "model"
    folder.mkdir()
    (folder / "model_index.json").write_text("{}", encoding="utf-8")
    (folder / "weights.bin").write_bytes(b"weights")
    done(desk("model", "add", "mini", folder))


def bring_to_life(desk: Desk) -> str:
    """Propose, apply, check and approve an edit."""
    request = desk.house.request()
    edit = str(done(desk("edit", "propose", request, "--json")).json[0]["id"])
    candidate = done(desk("edit", "apply", edit, "--json")).json["candidate"]
    evidence = done(desk("edit", "check", edit, "--json")).json["evidence"]
    signed = desk(
        *("edit", "sign", edit, "--decision", "approve", "--comment", "seen"),
        *("--candidate", candidate, "--evidence", evidence, "--json"),
        who="ben",
    )
    assert done(signed).json["live"] == candidate
    return edit


def change_policy_and_roster(desk: Desk) -> None:
    from tests.service.test_changes import newer

    approve = ("--decision", Decision.APPROVE.value)
    done(desk("policy", "activate", newer(desk.house, 2)))
    done(desk("change", "sign", "C-0001", *approve, who="ben"))
    public = f"{desk.house.keys['dora']}.pub"
    done(desk("reviewer", "add", "dora", "--public-key", public, "--role", "reviewer"))
    done(desk("change", "sign", "C-0002", *approve, who="ben"))
    done(desk("reviewer", "revoke", "dora", "--reason", "left"))
    done(desk("change", "sign", "C-0003", *approve, who="cleo"))
    assert desk("policy", "show", "--json").json["version"] == 2
    rows = desk("reviewer", "list", "--json").json
    assert [row["until"] is None for row in rows if row["principal"] == "dora"] == [
        False
    ]


def test_a_workspace_lives_on_a_server_from_init_to_verify(desk: Desk) -> None:
    begin(desk)
    base = desk("snapshot", "show", "live", "--json").json["digest"]
    kept = desk.house.root / "kept"
    kept.write_text(done(desk("ledger", "checkpoint")).out, encoding="utf-8")
    edit = bring_to_life(desk)
    done(
        desk(
            *("snapshot", "export", "live", "--format", "diffusers"),
            *("--output", desk.house.root / "export"),
        )
    )
    reverted = done(desk("edit", "revert", edit, "--reason", "settled", "--json"))
    assert reverted.json["live"] == base
    change_policy_and_roster(desk)

    verdict = done(desk("ledger", "verify", "--against", kept, "--json")).json
    assert verdict["ok"] is True
    assert verdict["against"]["size"] == 2
    then = done(desk("ledger", "state", "--at", "2999-01-01", "--json")).json
    assert then["live"] == {"mini": base}
    assert then["policy"]["version"] == 2

    audit = ("ledger", "verify", "--readonly", "--json")
    assert done(desk(*audit, user="otto")).json == {
        **verdict,
        "against": None,
    }
    for refused in (
        desk("edit", "propose", desk.house.request("lume"), user="otto"),
        desk("--readonly", "edit", "propose", desk.house.request("lume")),
    ):
        assert refused.code in {2, 9}
    assert desk("ledger", "verify", "--json").json["entries"] == verdict["entries"]

    backup = desk("ledger", "backup", desk.house.root / "copy")
    assert backup.code == 9
    assert "pg_dump" in backup.err
    assert not (desk.house.root / "copy").exists()

    restored(desk.socket)
    copied = address(desk.socket, "otto", "restored")
    with Ledger.open(copied, readonly=True) as ledger:
        assert ledger.verify().head.document() == verdict["head"]


def restored(socket: Path) -> None:
    """Copy the database as its administrator would, triggers and all."""
    folder = (programs() / "initdb").resolve().parent

    def call(program: str, *words: str, given: bytes = b"") -> bytes:
        return subprocess.run(  # noqa: S603 - the server's own programs
            [folder / program, "-h", socket, "-U", "owner", *words],
            input=given,
            check=True,
            stdout=subprocess.PIPE,
        ).stdout

    dump = call("pg_dump", "record")
    call("createdb", "restored")
    call("psql", "-q", "-v", "ON_ERROR_STOP=1", "-d", "restored", given=dump)
