"""The model signing key of a workspace: recorded before it signs, and kept private."""

from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from governance.errors import IntegrityError, NotFoundError, UsageError
from governance.identity.model_key import PRIVATE, PUBLIC, ModelKey
from governance.service import opening
from governance.service.application import Application
from governance.service.model_key import signing_key
from governance.service.workspace import Workspace
from tests.service.house import House


def workspace(house: House, *, readonly: bool = False) -> Workspace:
    settings = replace(house.settings, readonly=readonly)
    return opening.open_existing(settings, house.parts)


def test_the_first_export_makes_and_records_a_key_and_the_next_uses_it(
    house: House,
) -> None:
    first = signing_key(workspace(house))
    row = house.as_("ana").log()[-1]
    assert row.event == "SigningKeyRecorded"
    assert signing_key(workspace(house)).public.pem == first.public.pem
    assert signing_key(workspace(house, readonly=True)).public.pem == first.public.pem
    assert house.as_("ana").log()[-1] == row
    root = house.settings.workspace
    assert (root / PRIVATE).stat().st_mode & 0o777 == 0o600
    assert (root / PUBLIC).read_bytes() == first.public.pem
    assert house.as_("ana").verify().ok


def test_a_workspace_for_reading_only_signs_with_no_unrecorded_key(
    house: House,
) -> None:
    with pytest.raises(UsageError, match="does not name yet"):
        signing_key(workspace(house, readonly=True))
    assert not (house.settings.workspace / PRIVATE).exists()


def test_a_lost_key_is_named_and_another_put_there_is_recorded(house: House) -> None:
    old = signing_key(workspace(house))
    place = house.settings.workspace / PRIVATE
    place.unlink()
    with pytest.raises(NotFoundError, match="although the ledger names one"):
        signing_key(workspace(house))
    new = ModelKey.create(house.settings.workspace)
    assert signing_key(workspace(house)).public.pem == new.public.pem != old.public.pem
    assert house.as_("ana").log()[-1].payload["data"] == {
        "key": new.public.pem.decode()
    }


def test_a_public_key_no_entry_names_is_a_finding_that_names_the_file(
    house: House,
) -> None:
    signing_key(workspace(house))
    path = house.settings.workspace / PUBLIC
    number = house.as_("ana").log()[-1].sequence
    for content in (ModelKey.generate().public.pem, b"", path.read_bytes() * 2):
        path.write_bytes(content)
        verdict = house.as_("ana").verify()
        assert not verdict.ok
        assert str(path) in verdict.message
        assert f"entry {number}" in verdict.message
        assert path.read_bytes() == content, "nobody hides what somebody did"


def test_a_public_key_beside_a_swapped_private_one_is_a_finding(house: House) -> None:
    signing_key(workspace(house))
    other = ModelKey.create(house.settings.workspace)
    other.keep_public(house.settings.workspace)
    verdict = house.as_("ana").verify()
    assert not verdict.ok
    assert str(house.settings.workspace / PUBLIC) in verdict.message


def test_a_public_key_that_cannot_be_read_is_a_finding(house: House) -> None:
    signing_key(workspace(house))
    path = house.settings.workspace / PUBLIC
    path.unlink()
    path.mkdir()
    verdict = house.as_("ana").verify()
    assert not verdict.ok
    assert str(path) in verdict.message


def test_a_public_key_that_an_interrupted_export_did_not_write_is_written(
    house: House,
) -> None:
    first = signing_key(workspace(house))
    path = house.settings.workspace / PUBLIC
    second = ModelKey.create(house.settings.workspace)
    signing_key(workspace(house))
    for left in (None, first.public.pem):
        path.unlink()
        if left is not None:
            path.write_bytes(left)
        auditor = opening.open_existing(
            replace(house.settings, readonly=True), house.parts
        )
        assert Application(auditor).verify().ok
        assert path.exists() == (left is not None)
        assert house.as_("ana").verify().ok
        assert path.read_bytes() == second.public.pem


def test_a_workspace_that_never_exported_has_no_public_key_to_compare(
    house: House,
) -> None:
    assert house.as_("ana").verify().ok
    assert not (house.settings.workspace / PUBLIC).exists()


def test_a_key_others_can_read_is_refused(house: House) -> None:
    signing_key(workspace(house))
    (house.settings.workspace / PRIVATE).chmod(0o644)
    with pytest.raises(UsageError, match="can be read by others"):
        signing_key(workspace(house))


@pytest.mark.parametrize(
    "other",
    [
        ec.generate_private_key(ec.SECP384R1()),
        ed25519.Ed25519PrivateKey.generate(),
    ],
    ids=["P-384", "Ed25519"],
)
def test_a_key_of_another_kind_is_refused_and_not_recorded(
    house: House, other: ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey
) -> None:
    before = house.as_("ana").head()
    place = house.settings.workspace / PRIVATE
    place.touch(0o600)
    place.write_bytes(
        other.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    )
    with pytest.raises(UsageError, match="expected P-256"):
        signing_key(workspace(house))
    assert house.as_("ana").head() == before


def test_a_damaged_key_is_named(house: House) -> None:
    signing_key(workspace(house))
    (house.settings.workspace / PRIVATE).write_bytes(b"-----BEGIN")
    with pytest.raises(IntegrityError, match="is damaged"):
        signing_key(workspace(house))
