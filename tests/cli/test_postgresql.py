"""A workspace whose ledger a PostgreSQL server keeps, typed from start to end.

Each person has a database account with no more rights than their part needs.
"""

import itertools
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from sqlalchemy import Connection, create_engine, text

from governance.cli.run import run
from governance.domain.signoff import Decision
from governance.identity.keys import generate_key
from governance.ledger.log import Ledger
from governance.ledger.postgresql import WRITER_LOCK
from governance.service import opening
from governance.service.application import Application
from governance.service.ports import Parts
from governance.service.records import CollectView
from governance.service.stored import stored_snapshot
from governance.settings import Settings
from tests.cli.conftest import Said
from tests.ledger.postgres_server import programs, server
from tests.service.fakes import FakeClock
from tests.service.house import House

PEOPLE = ("ana", "ben", "cleo")
_numbers = itertools.count()


def address(socket: Path, user: str, database: str) -> str:
    return f"postgresql+psycopg://{user}@/{database}?host={socket}"


def administer(socket: Path, *statements: str) -> None:
    engine = create_engine(
        address(socket, "owner", "postgres"), isolation_level="AUTOCOMMIT"
    )
    with engine.connect() as connection:
        for statement in statements:
            connection.execute(text(statement))
    engine.dispose()


@pytest.fixture(scope="module")
def socket() -> Iterator[Path]:
    """A server with an account for somebody who reviews and one who audits."""
    with server() as home:
        administer(
            home,
            "CREATE ROLE governance_writer NOLOGIN",
            "CREATE ROLE governance_auditor NOLOGIN",
            "CREATE ROLE anna LOGIN IN ROLE governance_writer",
            "CREATE ROLE otto LOGIN IN ROLE governance_auditor",
        )
        yield home


@pytest.fixture
def database(socket: Path) -> str:
    """A fresh, empty database."""
    name = f"record{next(_numbers)}"
    administer(socket, f"CREATE DATABASE {name}")
    return name


@dataclass
class Desk:
    """Where commands are typed, each as a person and as a database account."""

    house: House
    socket: Path
    database: str
    capture: pytest.CaptureFixture[str]

    def address(self, user: str) -> str:
        return address(self.socket, user, self.database)

    def __call__(self, *words: object, who: str = "ana", user: str = "anna") -> Said:
        code = run(
            [
                *("--workspace", str(self.house.settings.workspace)),
                *("--database-url", self.address(user)),
                *("--as", who, "--key", str(self.house.keys[who])),
                *(str(word) for word in words),
            ]
        )
        said = self.capture.readouterr()
        return Said(code, said.out, said.err)


@pytest.fixture
def desk(
    socket: Path,
    database: str,
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
    return Desk(house, socket, database, capsys)


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

    restored(desk.socket, desk.database)
    copied = address(desk.socket, "otto", "restored")
    with Ledger.open(copied, readonly=True) as ledger:
        assert ledger.verify().head.document() == verdict["head"]


def restored(socket: Path, database: str) -> None:
    """Copy the database as its administrator would, triggers and all."""
    folder = (programs() / "initdb").resolve().parent

    def call(program: str, *words: str, given: bytes = b"") -> bytes:
        return subprocess.run(  # noqa: S603 - the server's own programs
            [folder / program, "-h", socket, "-U", "owner", *words],
            input=given,
            check=True,
            stdout=subprocess.PIPE,
        ).stdout

    dump = call("pg_dump", database)
    call("createdb", "restored")
    call("psql", "-q", "-v", "ON_ERROR_STOP=1", "-d", "restored", given=dump)


def withdrawn_candidate(desk: Desk) -> tuple[str, str]:
    """Begin, and solve an edit that is then taken back."""
    begin(desk)
    edit = str(
        done(desk("edit", "propose", desk.house.request(), "--json")).json[0]["id"]
    )
    candidate = done(desk("edit", "apply", edit, "--json")).json["candidate"]
    done(desk("edit", "withdraw", edit, "--reason", "not needed"))
    return edit, candidate


def test_gc_on_a_server_takes_tensors_and_leaves_every_entry(desk: Desk) -> None:
    _, candidate = withdrawn_candidate(desk)
    store = desk.house.store
    tensors = set(stored_snapshot(store, candidate).tensors.values())
    before = set(store.digests())
    said = done(desk("snapshot", "gc", "--json")).json
    assert said["candidates"] == [candidate]
    assert before - set(store.digests()) == tensors == set(said["objects"])
    events = [row["event"] for row in desk("ledger", "log", "--json").json]
    assert events.count("TensorsReleased") == 1
    assert {"EditProposed", "EditsApplied", "EditWithdrawn"} <= set(events)
    assert done(desk("ledger", "verify", "--json")).json["ok"] is True

    again = str(
        done(desk("edit", "propose", desk.house.request(), "--json")).json[0]["id"]
    )
    rebuilt = done(desk("edit", "apply", again, "--json")).json["candidate"]
    assert rebuilt == candidate
    assert set(store.digests()) >= tensors
    assert done(desk("ledger", "verify", "--json")).json["ok"] is True


def test_gc_is_refused_to_an_account_that_may_only_read(desk: Desk) -> None:
    """Files are no matter of the server's, so it is asked before any is removed."""
    withdrawn_candidate(desk)
    before = set(desk.house.store.digests())
    for _ in range(2):
        refused = desk("snapshot", "gc", user="otto")
        assert refused.code == 9
        assert "lets this database user read only" in refused.err
        assert "governance_writer" in refused.err
        assert set(desk.house.store.digests()) == before
    assert done(desk("snapshot", "gc", "--dry-run", "--json", user="otto")).json[
        "candidates"
    ]
    done(desk("snapshot", "gc"))
    assert set(desk.house.store.digests()) < before
    assert desk("snapshot", "gc", user="otto").code == 9, "even where nothing is left"


def waiting(connection: Connection) -> int:
    """Count sessions that wait for the writer's lock."""
    found = connection.execute(
        text(
            "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
        )
    )
    return int(found.scalar_one())


def test_two_gcs_at_once_give_a_candidate_back_once(desk: Desk) -> None:
    """Both wait for the writer's lock, held here until they do."""
    _, candidate = withdrawn_candidate(desk)
    house = desk.house

    def collect(who: str) -> CollectView:
        settings = replace(
            house.settings,
            database=desk.address("anna"),
            principal=who,
            key=house.keys[who],
        )
        workspace = opening.open_existing(settings, house.parts, house.clock)
        application = Application(workspace)
        try:
            return application.collect()
        finally:
            application.close()

    engine = create_engine(desk.address("owner"))
    with ThreadPoolExecutor(2) as pool, engine.connect() as holder:
        holder.execute(text(f"SELECT pg_advisory_lock({WRITER_LOCK})"))
        both = [pool.submit(collect, who) for who in ("ana", "ben")]
        while waiting(holder) < len(both) and not any(one.done() for one in both):
            holder.rollback()
        assert waiting(holder) == len(both), [one.exception() for one in both]
        holder.execute(text(f"SELECT pg_advisory_unlock({WRITER_LOCK})"))
        holder.commit()
        found = [one.result() for one in both]
    engine.dispose()
    assert sorted(view.candidates for view in found) == [(), (candidate,)]
    events = [row["event"] for row in desk("ledger", "log", "--json").json]
    assert events.count("TensorsReleased") == 1
    assert done(desk("ledger", "verify", "--json")).json["ok"] is True
