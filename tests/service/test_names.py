"""Nobody on the roster has the name of whoever acts without a key of it."""

from pathlib import Path

import pytest

from governance.errors import UsageError
from governance.identity.keys import generate_key
from governance.service import opening
from governance.service.ports import Parts
from governance.settings import Settings
from tests.service.house import House

NAMES = ("local:root", "LOCAL:root", "\uff4cocal:root")


@pytest.mark.parametrize("name", NAMES)
def test_no_reviewer_joins_as_somebody_unsigned(house: House, name: str) -> None:
    key = house.keys["mallory"].with_suffix(".pub")
    size = house.size()
    with pytest.raises(UsageError, match="without a key of the roster"):
        house.as_("ana").propose_reviewer(name, key, ("reviewer",))
    assert house.size() == size


@pytest.mark.parametrize("name", NAMES)
def test_no_workspace_begins_with_one(tmp_path: Path, parts: Parts, name: str) -> None:
    generate_key(tmp_path / "key", comment="key")
    settings = Settings(workspace=tmp_path / "workspace")
    people = [(name, tmp_path / "key.pub", ("reviewer",))]
    with pytest.raises(UsageError, match="without a key of the roster"):
        opening.create(settings, parts, "single-user", people)
    assert not (tmp_path / "workspace").exists()
