"""Whatever can sign with a reviewer's key is found, in the promised order."""

import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
)

from governance.errors import NotFoundError, SignOffMissingError, UsageError
from governance.identity.agent import AgentSigner
from governance.identity.keys import generate_key, read_public_key
from governance.identity.signers import find_signer
from governance.identity.sshsig import SigningKey, verify
from tests.identity.conftest import KINDS, MESSAGE, NAMESPACE, make_key, run, write_key


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[Path]:
    """A fresh ssh-agent's socket."""
    program = shutil.which("ssh-agent")
    if program is None:
        pytest.skip("ssh-agent is not installed")
    path = tmp_path / "agent"
    command = [program, "-D", "-a", str(path)]
    running = subprocess.Popen(  # noqa: S603 - the stock agent
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    assert running.stdout is not None
    running.stdout.readline()  # it listens by the time it prints its socket
    yield path
    running.terminate()
    running.communicate()


@pytest.mark.parametrize("private_key", KINDS, indirect=True)
def test_a_key_in_the_agent_signs_without_its_file(
    private_key: SigningKey, agent: Path, tmp_path: Path
) -> None:
    path = write_key(private_key, tmp_path / "key")
    environment = {"SSH_AUTH_SOCK": str(agent)}
    key = read_public_key(path)
    added = run("ssh-add", "-q", path, environment=environment)
    assert added.returncode == 0, added.stderr
    path.unlink()
    signer = find_signer(None, public_key=key, environment=environment)
    assert signer.describe == "ssh-agent"
    assert verify(signer.sign(MESSAGE, NAMESPACE), MESSAGE, NAMESPACE, key) == key


def test_the_agent_comes_before_the_file(agent: Path, tmp_path: Path) -> None:
    path = tmp_path / "key"
    key = generate_key(path, "ada")
    environment = {"SSH_AUTH_SOCK": str(agent)}
    before = find_signer(path, environment=environment)
    assert before.describe == f"key file {path}"
    run("ssh-add", "-q", path, environment=environment)
    after = find_signer(path, environment=environment)
    assert after.describe == "ssh-agent"
    public_only = find_signer(tmp_path / "key.pub", environment=environment)
    for signer in (before, after, public_only):
        assert verify(signer.sign(MESSAGE, NAMESPACE), MESSAGE, NAMESPACE) == key


def test_an_agent_that_forgot_the_key_refuses(agent: Path, tmp_path: Path) -> None:
    key = generate_key(tmp_path / "key", "ada")
    with pytest.raises(SignOffMissingError, match="refused to sign"):
        AgentSigner(agent, key).sign(MESSAGE, NAMESPACE)


def test_a_public_key_file_finds_the_private_one_beside_it(tmp_path: Path) -> None:
    key = generate_key(tmp_path / "key", "ada")
    signer = find_signer(tmp_path / "key.pub", environment={})
    assert verify(signer.sign(MESSAGE, NAMESPACE), MESSAGE, NAMESPACE) == key


@pytest.fixture
def locked(tmp_path: Path) -> Path:
    """A key file with the passphrase ``secret``."""
    path = tmp_path / "locked"
    lock = BestAvailableEncryption(b"secret")
    key = make_key("ed25519")
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, lock))
    path.chmod(0o600)
    return path


def test_a_locked_key_opens_for_a_caller_that_can_ask(locked: Path) -> None:
    signer = find_signer(locked, environment={}, passphrase=lambda: "secret")
    key = read_public_key(locked)
    assert verify(signer.sign(MESSAGE, NAMESPACE), MESSAGE, NAMESPACE, key) == key
    wrong = find_signer(locked, environment={}, passphrase=lambda: "wrong")
    with pytest.raises(UsageError, match="wrong passphrase"):
        wrong.sign(MESSAGE, NAMESPACE)


def test_ssh_keygen_opens_a_locked_key(
    locked: Path, tmp_path: Path, ssh_keygen: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask = tmp_path / "ask"
    ask.write_text("#!/bin/sh\necho secret\n")
    ask.chmod(0o700)
    monkeypatch.setenv("SSH_ASKPASS", str(ask))
    monkeypatch.setenv("SSH_ASKPASS_REQUIRE", "force")
    folder = str(Path(ssh_keygen).parent)
    signer = find_signer(locked, environment={"PATH": folder})
    assert signer.describe == "ssh-keygen"
    key = read_public_key(locked)
    assert verify(signer.sign(MESSAGE, NAMESPACE), MESSAGE, NAMESPACE, key) == key
    ask.write_text("#!/bin/sh\necho wrong\n")
    with pytest.raises(SignOffMissingError, match="ssh-keygen did not sign") as refused:
        signer.sign(MESSAGE, NAMESPACE)
    assert "incorrect passphrase" in refused.value.message
    assert refused.value.message.isprintable()


def test_without_any_helper_a_locked_key_says_what_is_missing(locked: Path) -> None:
    with pytest.raises(SignOffMissingError) as refused:
        find_signer(locked, environment={"PATH": ""})
    assert "no ssh-agent is running" in refused.value.message
    assert "ssh-keygen is not installed" in refused.value.message
    assert "ssh-add" in refused.value.hint


def test_no_key_at_all_is_a_missing_sign_off() -> None:
    with pytest.raises(SignOffMissingError, match="no key to sign with was named"):
        find_signer(None, environment={})


def test_a_key_that_is_not_the_reviewers_is_refused(tmp_path: Path) -> None:
    mine = generate_key(tmp_path / "mine", "")
    other = generate_key(tmp_path / "other", "")
    with pytest.raises(SignOffMissingError, match="is another key") as refused:
        find_signer(tmp_path / "other", public_key=mine, environment={})
    assert mine.fingerprint in refused.value.message
    assert other.fingerprint in refused.value.message


def test_an_exposed_key_is_refused_even_through_its_public_file(
    tmp_path: Path,
) -> None:
    generate_key(tmp_path / "key", "ada")
    (tmp_path / "key").chmod(0o644)
    with pytest.raises(UsageError, match="can be read by others"):
        find_signer(tmp_path / "key", environment={})
    with pytest.raises(UsageError, match="can be read by others"):
        find_signer(tmp_path / "key.pub", environment={})


def test_a_missing_key_file_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="there is no key"):
        find_signer(tmp_path / "absent", environment={})


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"\x00\x00",
        b"\x00\x00\x00\x00",
        b"\xff\xff\xff\xff",
        b"\x00\x00\x00\x01\x0c",
    ],
)
def test_an_agent_that_talks_nonsense_is_passed_over(
    tmp_path: Path, answer: bytes
) -> None:
    key = generate_key(tmp_path / "key", "ada")
    path = tmp_path / "agent"
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    listener.listen()

    def talk() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(1024)
            connection.sendall(answer)

    talking = threading.Thread(target=talk)
    talking.start()
    environment = {"SSH_AUTH_SOCK": str(path)}
    with pytest.raises(SignOffMissingError, match="the ssh-agent cannot be used"):
        find_signer(None, public_key=key, environment=environment)
    talking.join()
    listener.close()
    found = find_signer(tmp_path / "key", environment=environment)
    assert found.describe.startswith("key file")
