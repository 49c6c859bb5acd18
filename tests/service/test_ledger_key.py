"""The key files beside the ledger are those its first entry names."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from governance.errors import UsageError
from governance.ledger.notary import Notary
from governance.service import opening
from governance.service.application import Application
from tests.service.house import House


def other(folder: Path, origin: str) -> Path:
    """Make another ledger's key files."""
    made = folder / "other"
    made.mkdir()
    Notary.create(made, origin)
    return made


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


def test_a_public_key_that_is_gone_is_named(house: House) -> None:
    (house.settings.workspace / "ledger.pub").unlink()
    assert "ledger.pub cannot be read" in house.as_("ana").verify().message


@pytest.mark.parametrize("way", [readonly, lambda house: house.as_("ana")])
def test_another_private_key_of_the_same_name_is_named(
    house: House, way: Callable[[House], Application]
) -> None:
    made = other(house.root, own_origin(house))
    (house.settings.workspace / "checkpoint").unlink()
    shutil.copy(made / "ledger.key", house.settings.workspace / "ledger.key")
    verdict = way(house).verify()
    assert not verdict.ok
    assert "not" in verdict.message


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
