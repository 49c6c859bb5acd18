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
