"""Keys in files, and everything else most callers need of keys."""

import base64
import binascii
import os
import re
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_ssh_private_key,
)

from governance.errors import IntegrityError, NotFoundError, UsageError
from governance.identity.public import (
    SK_ECDSA,
    SK_ED25519,
    PublicKey,
    key_of_blob,
    parse_public_key,
)
from governance.identity.sshsig import SigningKey
from governance.identity.wire import Reader

__all__ = [
    "KeyFile",
    "PublicKey",
    "generate_key",
    "parse_public_key",
    "read_key_file",
    "read_public_key",
]

_OPENSSH = "-----BEGIN OPENSSH PRIVATE KEY-----"
_MAGIC = b"openssh-key-v1\0"
_MAX_BYTES = 65_536
_OTHERS = 0o077


@dataclass(frozen=True, slots=True)
class KeyFile:
    """A private key file and what can be known without its passphrase.

    Args:
        path: The file.
        public: Its public key.
        encrypted: Whether a passphrase is needed.
        content: Its bytes.
    """

    path: Path
    public: PublicKey
    encrypted: bool
    content: bytes

    @property
    def on_device(self) -> bool:
        """Whether the secret is in a FIDO device and the file only a handle."""
        return self.public.type in (SK_ED25519, SK_ECDSA)

    def load(self, passphrase: Callable[[], str] | None = None) -> SigningKey:
        """Return the private key.

        Args:
            passphrase: Asked when the file is encrypted.

        Raises:
            UsageError: If the passphrase is wrong or the key cannot be used.
        """
        secret = None
        if self.encrypted and passphrase is not None:
            secret = passphrase().encode()
        form = (
            load_ssh_private_key if _is_openssh(self.content) else load_pem_private_key
        )
        try:
            key = form(self.content, secret)
        except (ValueError, TypeError, UnsupportedAlgorithm) as error:
            message = (
                f"the key {self.path} cannot be opened: wrong passphrase or format"
            )
            raise UsageError(message, "Add it to ssh-agent with ssh-add.") from error
        if isinstance(
            key,
            ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey,
        ):
            return key
        message = f"the key {self.path} is of a kind that cannot sign here"
        raise UsageError(message, "Make a key with `ssh-keygen -t ed25519`.")


def _is_openssh(content: bytes) -> bool:
    """Say whether this is OpenSSH's own container."""
    return content.lstrip().startswith(_OPENSSH.encode("ascii"))


def _read(path: Path) -> tuple[bytes, int]:
    """Return a key file's bytes and permissions.

    Raises:
        NotFoundError: If there is no such file.
        UsageError: If it cannot be read or is no key file.
    """
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            content = file.read(_MAX_BYTES + 1)
    except FileNotFoundError as error:
        message = f"there is no key {path}"
        raise NotFoundError(message, "Give the path of an SSH key.") from error
    except OSError as error:
        message = f"the key {path} cannot be read: {error.strerror}"
        raise UsageError(message) from error
    if len(content) > _MAX_BYTES or not stat.S_ISREG(mode):
        message = f"{path} is no key file"
        raise UsageError(message, "Give the path of an SSH key.")
    return content, mode


def _is_private(content: bytes) -> bool:
    """Say whether a file holds a private key."""
    return b"PRIVATE KEY-----" in content


def read_public_key(path: Path) -> PublicKey:
    """Return the public key of a ``.pub`` file or a private key file.

    Args:
        path: Either of them.

    Raises:
        NotFoundError: If there is no such file.
        UsageError: If it holds no key, or a private key that others can read.
    """
    content, _ = _read(path)
    if _is_private(content):
        return read_key_file(path).public
    try:
        return parse_public_key(content.decode("utf-8"))
    except UnicodeDecodeError as error:
        message = f"{path} is no public key file"
        raise UsageError(
            message, "Give the .pub file that ssh-keygen wrote."
        ) from error
    except UsageError as error:
        message = f"{path}: {error.message}"
        raise UsageError(message, error.hint) from error


def read_key_file(path: Path) -> KeyFile:
    """Read a private key file without opening the key.

    Args:
        path: The file.

    Raises:
        NotFoundError: If there is no such file.
        UsageError: If others can read it or it holds no private key.
    """
    content, mode = _read(path)
    if not _is_private(content):
        message = f"{path} holds no private key"
        raise UsageError(message, "Give the path without .pub.")
    if mode & _OTHERS:
        message = (
            f"the key {path} can be read by others: expected mode 0600, "
            f"found {stat.S_IMODE(mode):04o}"
        )
        raise UsageError(message, f"Run: chmod 600 {path}")
    if _is_openssh(content):
        public, encrypted = _openssh_header(path, content)
    else:
        public, encrypted = _pem_header(path, content)
    return KeyFile(path, public, encrypted, content)


def _openssh_header(path: Path, content: bytes) -> tuple[PublicKey, bool]:
    """Return the public key in the open part of the container, and whether locked."""
    armored = re.sub(rb"-----[A-Z ]+-----", b"", content)
    try:
        body = base64.b64decode(b"".join(armored.split()), validate=True)
        reader = Reader(body, "key file")
        reader.expect(_MAGIC)
        cipher = reader.string()
        reader.string()
        reader.string()
        reader.number()
        return key_of_blob(reader.string()), cipher != b"none"
    except (binascii.Error, ValueError, IntegrityError) as error:
        message = f"the key {path} is damaged"
        raise UsageError(message, "Make a key with `ssh-keygen -t ed25519`.") from error


def _pem_header(path: Path, content: bytes) -> tuple[PublicKey, bool]:
    """Return the public key of a PEM file; a locked one needs its ``.pub``."""
    try:
        key = load_pem_private_key(content, None)
    except TypeError:
        return read_public_key(path.with_name(f"{path.name}.pub")), True
    except (ValueError, UnsupportedAlgorithm) as error:
        message = f"the key {path} is damaged or of an unsupported kind"
        raise UsageError(message, "Make a key with `ssh-keygen -t ed25519`.") from error
    try:
        line = key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
    except (ValueError, AttributeError) as error:
        message = f"the key {path} is of a kind SSH does not know"
        raise UsageError(message, "Make a key with `ssh-keygen -t ed25519`.") from error
    return parse_public_key(line.decode("ascii")), False


def generate_key(path: Path, comment: str) -> PublicKey:
    """Make an Ed25519 key without passphrase, for throw-away identities.

    Args:
        path: Where; the public key goes to ``path.pub``. Nothing is overwritten.
        comment: One line, written into the public key file.

    Returns:
        The public key.

    Raises:
        UsageError: If a file is already there or the comment has several lines.
    """
    if not comment.isprintable():
        message = "the key's comment holds characters that cannot be printed"
        raise UsageError(message)
    key = ed25519.Ed25519PrivateKey.generate()
    private = key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())
    line = key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
    text = f"{line.decode('ascii')} {comment}".rstrip() + "\n"
    for target, content, mode in (
        (path, private, 0o600),
        (path.with_name(f"{path.name}.pub"), text.encode(), 0o644),
    ):
        try:
            descriptor = os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, mode)
        except OSError as error:
            message = f"the key {target} cannot be written: {error.strerror}"
            raise UsageError(message, "Choose another path.") from error
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    return parse_public_key(text)
