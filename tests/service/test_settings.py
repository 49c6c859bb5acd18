"""Where a workspace lies and who acts in it."""

from pathlib import Path

import pytest

from governance.errors import UsageError
from governance.settings import Settings


def test_what_is_given_comes_before_the_environment(tmp_path: Path) -> None:
    environment = {
        "GOVERNANCE_WORKSPACE": str(tmp_path / "from-environment"),
        "GOVERNANCE_PRINCIPAL": "ana",
        "GOVERNANCE_KEY": str(tmp_path / "ana"),
        "GOVERNANCE_DATABASE_URL": "postgresql+psycopg://ana@db/record",
    }
    given = Settings.load(
        workspace=tmp_path / "given",
        database_url="sqlite:///x.db",
        principal="ben",
        environment=environment,
    )
    assert (given.workspace, given.principal) == (tmp_path / "given", "ben")
    assert given.database == "sqlite:///x.db"
    taken = Settings.load(environment=environment)
    assert taken.workspace == tmp_path / "from-environment"
    assert (taken.principal, taken.key) == ("ana", tmp_path / "ana")
    assert taken.database == "postgresql+psycopg://ana@db/record"


def test_without_anything_a_workspace_lies_with_the_users_data() -> None:
    found = Settings.load(environment={})
    assert found.workspace.is_absolute()
    assert found.workspace.name == "governance"
    assert (found.principal, found.key, found.readonly) == (None, None, False)
    assert found.database is None


def test_a_relative_folder_becomes_absolute(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    found = Settings.load(workspace=Path("here"), key=Path("key"), environment={})
    assert (found.workspace, found.key) == (tmp_path / "here", tmp_path / "key")


@pytest.mark.parametrize("device", ["gpu", "cuda:", "cuda:x", "CPU", "cpu\n", "cuda:²"])
def test_a_device_that_does_not_exist_is_refused(device: str) -> None:
    with pytest.raises(UsageError, match="--device: expected auto, cpu"):
        Settings.load(device=device, environment={})


@pytest.mark.parametrize("device", ["auto", "cpu", "cuda", "cuda:1", "mps"])
def test_settings_survive_the_way_to_a_child_process(
    device: str, tmp_path: Path
) -> None:
    settings = Settings(
        tmp_path,
        f"sqlite:///{tmp_path}/x.db",
        device,
        "ana",
        tmp_path / "k",
        readonly=True,
    )
    assert Settings.from_document(settings.document()) == settings
    bare = Settings(tmp_path)
    assert Settings.from_document(bare.document()) == bare
