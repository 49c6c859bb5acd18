"""Whatever a reviewer signs with, the workspace and stock ssh-keygen accept it."""

import shlex
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from governance.domain.signoff import Decision
from governance.errors import PolicyRefusedError, SignOffMissingError
from governance.identity.keys import generate_key
from governance.service import opening
from governance.service.application import Application
from governance.service.facade import JobKind
from governance.service.ports import Parts
from tests.identity.conftest import KINDS, make_key, run, write_key
from tests.identity.test_signers import agent as agent  # a fixture
from tests.service.house import MODEL, House, build
from tests.service.test_changes import APPROVE

pytestmark = pytest.mark.skipif(
    shutil.which("ssh-keygen") is None, reason="ssh-keygen is not installed"
)


def public_file(key: Path) -> Path:
    """Write the public half beside a key."""
    done = run("ssh-keygen", "-y", "-f", key)
    assert done.returncode == 0, done.stderr
    path = key.with_suffix(".pub")
    path.write_bytes(done.stdout)
    return path


def joined(house: House, name: str, key: Path) -> None:
    """Let somebody join with a key."""
    house.keys = {**house.keys, name: key}
    public = key.with_suffix(".pub")
    change = house.as_("ana").propose_reviewer(name, public, ["reviewer"])
    house.as_("ben").sign_change(change.id, APPROVE)


def pasted(line: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a printed line as somebody who pastes it into a shell."""
    return subprocess.run(  # noqa: S603 - the line a person is told to run
        ["/bin/sh", "-c", line],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
    )


@pytest.mark.parametrize("kind", KINDS)
def test_a_key_of_every_kind_approves(house: House, tmp_path: Path, kind: str) -> None:
    key = write_key(make_key(kind), tmp_path / "key")
    public_file(key)
    joined(house, "dora", key)
    edit = house.ready("ana")
    assert house.approve("dora", edit).state == "LIVE"
    (line,) = house.as_("ana").edit(edit).verify_lines
    assert "Good" in pasted(line, tmp_path).stdout
    assert house.as_("ana").verify().ok


def test_the_agent_signs_a_proposal_an_approval_and_a_rollback(
    house: House, tmp_path: Path, agent: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The private key file is gone: only the agent holds the key."""
    key = tmp_path / "agents"
    generate_key(key, comment="dora")
    joined(house, "dora", key)
    added = run("ssh-add", "-q", key, environment={"SSH_AUTH_SOCK": str(agent)})
    assert added.returncode == 0, added.stderr
    key.unlink()
    monkeypatch.setenv("SSH_AUTH_SOCK", str(agent))
    house.keys = {**house.keys, "dora": key.with_suffix(".pub")}
    edit = house.ready("dora")
    assert house.approve("ben", edit).state == "LIVE"
    other = house.ready("ana", "mondo")
    assert house.approve("dora", other).state == "LIVE"
    done = house.job("dora", JobKind.REVERT, edit=edit, reason="harm")
    assert done["state"] == "REVERTED"
    (given,) = house.as_("ana").edit(other).signoffs
    assert given.principal == "dora"
    assert house.as_("ana").verify().ok


def test_ssh_keygen_asks_for_the_passphrase_and_signs(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = tmp_path / "locked"
    generate_key(key, comment="dora")
    locked = run("ssh-keygen", "-q", "-p", "-P", "", "-N", "secret word", "-f", key)
    assert locked.returncode == 0, locked.stderr
    joined(house, "dora", key)
    ask = tmp_path / "ask"
    ask.write_text("#!/bin/sh\necho secret word\n")
    ask.chmod(0o700)
    monkeypatch.setenv("SSH_ASKPASS", str(ask))
    monkeypatch.setenv("SSH_ASKPASS_REQUIRE", "force")
    edit = house.ready("ana")
    ask.write_text("#!/bin/sh\necho wrong\n")
    size = house.size()
    with pytest.raises(SignOffMissingError, match="ssh-keygen did not sign"):
        house.approve("dora", edit)
    assert house.size() == size
    ask.write_text("#!/bin/sh\necho secret word\n")
    assert house.approve("dora", edit).state == "LIVE"
    assert house.as_("ana").verify().ok


def test_principal_and_key_are_both_compared(house: House) -> None:
    """Ben's key under cleo's name, and cleo's name with ben's key: neither signs."""
    edit = house.ready("ana")
    for who, key in (("cleo", "ben"), ("ben", "cleo"), ("ben", "mallory")):
        with pytest.raises(PolicyRefusedError, match="the key SHA256:"):
            house.approve(who, edit, key=key)
    assert house.as_("ana").edit(edit).signoffs == ()


def test_every_sign_off_carries_the_head_its_reviewer_saw(house: House) -> None:
    edit = house.ready("ana")
    seen = house.as_("ben").head()
    house.approve("ben", edit)
    (given,) = house.as_("ana").edit(edit).signoffs
    assert given.statement["head"] == {"size": seen.size, "root": seen.root}
    later = house.as_("ben").head()
    house.job("ben", JobKind.REVERT, edit=edit, reason="harm")
    row = house.as_("ana").log()[-1]
    data = row.payload["data"]
    assert isinstance(data, dict)
    said = data["statement"]
    assert isinstance(said, dict)
    assert said["head"] == {"size": later.size, "root": later.root}


# -- the line that edit show prints, pasted --------------------------------------

HOSTILE_NAMES = ("-f", "~root", "é/h%h")
HOSTILE_FOLDERS = ("it's $(touch pwned)", '"; touch pwned;', "`touch pwned` \\ *", "-n")


def moved(root: Path, parts: Parts, folder: str, name: str) -> tuple[House, str]:
    """Make a workspace in a folder of that name, with a reviewer of that name."""
    house = build(root, parts)
    key = root / "key"
    generate_key(key, comment="x")
    place = root / folder / "workspace"
    house = replace(house, settings=replace(house.settings, workspace=place))
    people = [("ana", root / "people" / "ana.pub", ("reviewer",))]
    people += [("ben", root / "people" / "ben.pub", ("reviewer",))]
    people += [(name, key.with_suffix(".pub"), ("reviewer",))]
    opening.create(
        house.settings, parts, "default", people, clock=house.clock
    ).ledger.close()
    house.as_("ana").add_model(MODEL, str(root / "model"))
    house.keys = {**house.keys, name: key}
    edit = house.ready("ana")
    application: Application = house.as_(name)
    detail = application.edit(edit)
    application.sign(
        edit,
        Decision.APPROVE,
        "fine",
        candidate=detail.candidate,
        evidence=detail.evidence_digest,
    )
    return house, edit


@pytest.mark.parametrize("name", HOSTILE_NAMES)
def test_the_printed_line_works_for_a_name_a_shell_would_read_otherwise(
    tmp_path: Path, parts: Parts, name: str
) -> None:
    house, edit = moved(tmp_path, parts, "plain", name)
    (line,) = house.as_("ana").edit(edit).verify_lines
    done = pasted(line, tmp_path)
    assert (done.returncode, "Good" in done.stdout) == (0, True), done.stderr
    words = shlex.split(line)
    assert words[words.index("-I") + 1] == name


@pytest.mark.parametrize("folder", HOSTILE_FOLDERS)
def test_the_printed_line_works_in_a_folder_a_shell_would_run(
    tmp_path: Path, parts: Parts, folder: str
) -> None:
    house, edit = moved(tmp_path, parts, folder, "dora")
    (line,) = house.as_("ana").edit(edit).verify_lines
    done = pasted(line, tmp_path)
    assert (done.returncode, "Good" in done.stdout) == (0, True), done.stderr
    assert not list(tmp_path.rglob("pwned"))
