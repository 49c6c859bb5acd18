"""Keys of every kind, made once."""

import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from hypothesis import settings

from governance.identity.sshsig import SigningKey

# How long an example takes says more about the machine than about the code.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")

KINDS = ("ed25519", "ecdsa-256", "ecdsa-384", "ecdsa-521", "rsa")
NAMESPACE = "signoff@governance"
MESSAGE = b'{"decision":"approve"}'


def make_key(kind: str) -> SigningKey:
    """Make a private key of a kind."""
    if kind == "ed25519":
        return ed25519.Ed25519PrivateKey.generate()
    if kind == "rsa":
        return rsa.generate_private_key(public_exponent=65537, key_size=2048)
    curves = {"256": ec.SECP256R1(), "384": ec.SECP384R1(), "521": ec.SECP521R1()}
    return ec.generate_private_key(curves[kind.removeprefix("ecdsa-")])


def write_key(key: SigningKey, path: Path) -> Path:
    """Write a private key as OpenSSH does."""
    path.write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())
    )
    path.chmod(0o600)
    return path


@pytest.fixture(scope="session")
def private_keys() -> dict[str, SigningKey]:
    return {kind: make_key(kind) for kind in KINDS}


@pytest.fixture
def private_key(
    request: pytest.FixtureRequest, private_keys: dict[str, SigningKey]
) -> SigningKey:
    """The key of the parametrized kind."""
    return private_keys[request.param]


@pytest.fixture(scope="session")
def ssh_keygen() -> str:
    found = shutil.which("ssh-keygen")
    if found is None:
        pytest.skip("ssh-keygen is not installed")
    return found


def run(
    *command: str | Path,
    message: bytes = b"",
    environment: Mapping[str, str] | None = None,
) -> subprocess.CompletedProcess[bytes]:
    """Run a stock tool, with nothing of this user's surroundings."""
    return subprocess.run(  # noqa: S603 - stock tools on files of our own
        [str(part) for part in command],
        input=message,
        capture_output=True,
        check=False,
        env={"PATH": "/usr/bin:/bin:/usr/local/bin", **(environment or {})},
        start_new_session=True,
    )
