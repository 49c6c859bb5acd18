"""The key files beside the ledger are those its first entry names."""

import shutil
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from governance.errors import (
    IntegrityError,
    NotFoundError,
    UsageError,
    WrongStateError,
)
from governance.ledger.notary import Notary
from governance.service import opening
from governance.service.application import Application
from governance.service.model_key import signing_key
from governance.wiring import verify_ledger
from tests.service.house import House


def other(folder: Path, origin: str) -> Path:
    """Make another ledger's key files."""
    made = folder / "other"
    made.mkdir()
    Notary.create(made, origin)
    return made


def contents(root: Path) -> dict[str, bytes]:
    """Return every file's bytes, and every folder; of the database what it holds."""
    found = {
        str(path.relative_to(root)): b"" if path.is_dir() else path.read_bytes()
        for path in root.rglob("*")
        if not path.name.startswith("ledger.db")
    }
    if (root / "ledger.db").exists():
        with closing(sqlite3.connect(root / "ledger.db")) as connection:
            found["ledger.db"] = "\n".join(connection.iterdump()).encode()
    return found


def own_origin(house: House) -> str:
    return Notary.open(house.settings.workspace).origin


def readonly(house: House) -> Application:
    settings = replace(house.settings, readonly=True)
    return Application(opening.open_existing(settings, house.parts, house.clock))


def test_another_public_key_is_named(house: House) -> None:
    made = other(house.root, own_origin(house))
    shutil.copy(made / "ledger.pub", house.settings.workspace / "ledger.pub")
    verdict = house.as_("ana").verify()
    assert not verdict.ok
    assert "ledger.pub is not the ledger key that entry 1 names" in verdict.message


@pytest.mark.parametrize("content", [b"", b"nonsense", b"\xff" * 9000])
def test_a_damaged_public_key_is_named(house: House, content: bytes) -> None:
    (house.settings.workspace / "ledger.pub").write_bytes(content)
    verdict = house.as_("ana").verify()
    assert not verdict.ok
    assert "ledger.pub is not" in verdict.message


def test_a_public_key_that_is_gone_is_named_and_written_anew_by_the_next_writer(
    house: House,
) -> None:
    path = house.settings.workspace / "ledger.pub"
    before = path.read_bytes()
    path.unlink()
    assert "ledger.pub is not there" in readonly(house).verify().message
    assert not path.exists(), "whoever reads writes nothing"
    assert house.as_("ana").verify().ok
    assert path.read_bytes() == before


@pytest.mark.parametrize("signed", [True, False])
def test_another_private_key_of_the_same_name_is_named(
    house: House, *, signed: bool
) -> None:
    made, root = other(house.root, own_origin(house)), house.settings.workspace
    expected = Notary.open(root).public.text
    found = Notary.open(made).public.text
    if not signed:
        (root / "checkpoint").unlink()
    shutil.copy(made / "ledger.key", root / "ledger.key")
    named = f"entry 1 names: expected {expected}, found {found}"
    verdict = readonly(house).verify()
    assert (verdict.ok, verdict.first_bad) == (False, None)
    assert named in verdict.message
    verdict = verify_ledger(house.settings)
    assert (verdict.ok, verdict.first_bad) == (False, None)
    assert named in verdict.message


@pytest.mark.parametrize("signed", [True, False])
def test_nothing_is_appended_with_another_ledgers_key(
    house: House, *, signed: bool
) -> None:
    """The next checkpoint would be signed with a key that nobody ever named."""
    made, root = other(house.root, own_origin(house)), house.settings.workspace
    mine = (root / "ledger.key").read_bytes()
    if not signed:
        (root / "checkpoint").unlink()
    shutil.copy(made / "ledger.key", root / "ledger.key")
    before = contents(root)
    with pytest.raises(IntegrityError, match="that entry 1 names: expected") as error:
        house.propose("ana")
    assert "Put back the ledger.key of this ledger" in error.value.hint
    assert contents(root) == before
    (root / "ledger.key").write_bytes(mine)
    assert house.propose("ana") == "E-0001"
    assert house.as_("ana").verify().ok


def test_a_lost_key_is_not_replaced_by_the_hint_to_make_a_workspace(
    house: House,
) -> None:
    (house.settings.workspace / "ledger.key").unlink()
    with pytest.raises(NotFoundError, match="there is no ledger key") as error:
        house.as_("ana")
    assert "Put it back from where you keep it" in error.value.hint
    assert "--readonly" in error.value.hint
    assert "init" not in error.value.hint
    assert readonly(house).verify().ok


def test_verify_names_all_that_is_missing_at_once(house: House) -> None:
    root = house.settings.workspace
    for name in ("ledger.key", "ledger.pub", "allowed_signers"):
        (root / name).unlink()
    verdict = verify_ledger(house.settings)
    assert not verdict.ok
    for name in ("ledger.key", "ledger.pub", "allowed_signers"):
        assert f"{root / name} is not there" in verdict.message
    verdict = verify_ledger(replace(house.settings, readonly=True))
    assert "ledger.key" not in verdict.message
    assert f"{root / 'allowed_signers'} is not there" in verdict.message


def test_verify_names_the_objects_and_the_keys_of_a_bare_ledger(house: House) -> None:
    signing_key(opening.open_existing(house.settings, house.parts, house.clock))
    root = house.root / "restored"
    root.mkdir()
    house.as_("ana").backup(root / "ledger.db")
    verdict = verify_ledger(replace(house.settings, workspace=root))
    assert verdict.first_bad == 1
    assert f"objects, ledger.key are not in {root}" in verdict.message
    (root / "objects").mkdir()
    verdict = verify_ledger(replace(house.settings, workspace=root, readonly=True))
    assert "is not in the store" in verdict.message
    assert "are not in" not in verdict.message


def test_a_lost_model_signing_key_is_a_note(house: House) -> None:
    signing_key(opening.open_existing(house.settings, house.parts, house.clock))
    (house.settings.workspace / "model-signing.key").unlink()
    verdict = house.as_("ana").verify()
    assert verdict.ok
    assert any("model-signing.key is not there" in note for note in verdict.notes)
    assert not any("model-signing" in note for note in readonly(house).verify().notes)


def test_the_roster_s_copy_is_written_anew_where_it_is_not_there(house: House) -> None:
    path = house.settings.workspace / "allowed_signers"
    before = path.read_bytes()
    path.unlink()
    assert not readonly(house).verify().ok
    assert not path.exists()
    assert house.as_("ana").verify().ok
    assert path.read_bytes() == before


def again(house: House) -> None:
    people = [("ana", house.root / "people" / "ana.pub", ("reviewer",))]
    opening.create(house.settings, house.parts, "default", people)


@pytest.mark.parametrize(
    "gone",
    [
        (),
        ("ledger.key",),
        ("ledger.key", "ledger.pub"),
        ("ledger.key", "ledger.pub", "checkpoint", "objects", "images", "jobs"),
        ("ledger.key", "ledger.db", "checkpoint"),
        ("ledger.db", "ledger.key", "ledger.pub"),
        ("ledger.db",),
    ],
)
def test_init_writes_nothing_where_a_ledger_lies_or_lay(
    house: House, gone: tuple[str, ...]
) -> None:
    """A new key beside an old ledger would be taken for the ledger's own."""
    root = house.settings.workspace
    for name in gone:
        if (root / name).is_dir():
            shutil.rmtree(root / name)
        else:
            (root / name).unlink()
    before = contents(root)
    with pytest.raises(WrongStateError) as error:
        again(house)
    assert "Give another folder" in error.value.hint
    assert contents(root) == before


def test_init_goes_on_where_another_was_killed_before_its_entry(house: House) -> None:
    root = house.settings.workspace
    for name in ("ledger.db", "checkpoint", "allowed_signers"):
        (root / name).unlink()
    key = (root / "ledger.key").read_bytes()
    again(house)
    assert (root / "ledger.key").read_bytes() == key
    assert house.as_("ana").verify().ok


def test_an_auditor_needs_no_private_key(house: House) -> None:
    (house.settings.workspace / "ledger.key").unlink()
    assert readonly(house).verify().ok


def test_a_key_others_can_read_is_refused_by_writers_and_named_to_readers(
    house: House,
) -> None:
    key = house.settings.workspace / "ledger.key"
    key.chmod(0o644)
    with pytest.raises(UsageError, match="can be read by others") as error:
        house.as_("ana")
    assert f"chmod 600 {key}" in error.value.hint
    verdict = readonly(house).verify()
    assert not verdict.ok
    assert "can be read by others: expected mode 0600, found 0644" in verdict.message
