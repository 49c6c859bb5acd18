"""The P-256 key that signs exported folders, as OpenSSF model signing wants it."""

import hashlib
import os
import stat
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from governance.errors import IntegrityError, LedgerError, NotFoundError, UsageError

PRIVATE, PUBLIC = "model-signing.key", "model-signing.pub"
_OTHERS = 0o077
_MAX_BYTES = 65_536
_MAKE = "openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256"


@dataclass(frozen=True, slots=True)
class PublicModelKey:
    """Checks what a model signing key signed.

    Args:
        key: The public key, P-256.
    """

    key: ec.EllipticCurvePublicKey

    @classmethod
    def parse(cls, pem: bytes) -> Self:
        """Read a PEM file.

        Raises:
            IntegrityError: It is not exactly the PEM of a P-256 public key.
        """
        try:
            key = load_pem_public_key(pem)
        except (ValueError, UnsupportedAlgorithm) as error:
            raise IntegrityError("it is no public key") from error
        if not isinstance(key, ec.EllipticCurvePublicKey) or not _is_p256(key.curve):
            raise IntegrityError("expected a P-256 public key, found another kind")
        found = cls(key)
        if found.pem != pem:
            raise IntegrityError("it holds more than one P-256 public key")
        return found

    @property
    def pem(self) -> bytes:
        """The key as openssl and stock tools read it."""
        return self.key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)

    @property
    def hint(self) -> str:
        """What a bundle calls the key: the SHA-256 of its PEM."""
        return hashlib.sha256(self.pem).hexdigest()

    def signed(self, signature: bytes, message: bytes) -> bool:
        """Say whether the key signed a message."""
        try:
            self.key.verify(signature, message, ec.ECDSA(SHA256()))
        except InvalidSignature:
            return False
        return True


@dataclass(frozen=True, slots=True)
class ModelKey:
    """Signs exported folders.

    Args:
        key: The private key, P-256.
    """

    key: ec.EllipticCurvePrivateKey = field(repr=False)

    @classmethod
    def generate(cls) -> Self:
        """Make a key that lies nowhere yet."""
        return cls(ec.generate_private_key(ec.SECP256R1()))

    @classmethod
    def create(cls, folder: Path) -> Self:
        """Make a key and keep it: whole, or not at all.

        Args:
            folder: Where it goes: ``model-signing.key``, readable by its owner only.

        Raises:
            LedgerError: It cannot be written.
        """
        made = cls.generate()
        secret = made.key.private_bytes(
            Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
        )
        _put(folder / PRIVATE, secret, 0o600)
        return made

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Read the key.

        Args:
            folder: Where :meth:`create` wrote it.

        Raises:
            NotFoundError: There is none.
            UsageError: Others can read it, or it is of another kind.
            IntegrityError: It is damaged.
        """
        path = folder / PRIVATE
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
            with os.fdopen(descriptor, "rb") as file:
                mode = os.fstat(file.fileno()).st_mode
                secret = file.read(_MAX_BYTES)
        except FileNotFoundError as error:
            raise NotFoundError(f"there is no model signing key {path}") from error
        except OSError as error:
            message = f"the model signing key {path}: {error.strerror}"
            raise UsageError(message) from error
        if mode & _OTHERS:
            message = (
                f"the model signing key {path} can be read by others: expected mode "
                f"0600, found {stat.S_IMODE(mode):04o}"
            )
            raise UsageError(message, f"Run: chmod 600 {path}")
        return cls(_private(secret, path))

    @property
    def public(self) -> PublicModelKey:
        """The key that checks what this one signed."""
        return PublicModelKey(self.key.public_key())

    def keep_public(self, folder: Path) -> None:
        """Write ``model-signing.pub`` beside the key, for other people's tools.

        Raises:
            LedgerError: It cannot be written.
        """
        keep_public(folder, self.public.pem)

    def sign(self, message: bytes) -> bytes:
        """Return a DER signature; the same for the same message where possible."""
        try:
            return self.key.sign(
                message, ec.ECDSA(SHA256(), deterministic_signing=True)
            )
        except UnsupportedAlgorithm:
            # OpenSSL before 3.2 has no RFC 6979; a random nonce is as good a signature.
            return self.key.sign(message, ec.ECDSA(SHA256()))


def keep_public(folder: Path, pem: bytes) -> None:
    """Write ``model-signing.pub``: whole, or not at all.

    Args:
        folder: Where it goes.
        pem: The public key.

    Raises:
        LedgerError: It cannot be written.
    """
    _put(folder / PUBLIC, pem, 0o644)


def _private(secret: bytes, path: Path) -> ec.EllipticCurvePrivateKey:
    try:
        key = load_pem_private_key(secret, None)
    except TypeError as error:
        message = f"the model signing key {path} has a passphrase"
        raise UsageError(message, "Keep it without one, mode 0600.") from error
    except (ValueError, UnsupportedAlgorithm) as error:
        message = f"the model signing key {path} is damaged"
        raise IntegrityError(message, "Restore it from a backup.") from error
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not _is_p256(key.curve):
        message = f"the model signing key {path}: expected P-256, found another kind"
        raise UsageError(message, f"Make one with: {_MAKE}")
    return key


def _is_p256(curve: ec.EllipticCurve) -> bool:
    return isinstance(curve, ec.SECP256R1)


def _put(path: Path, content: bytes, mode: int) -> None:
    # One name, for one writer at a time: what a killed one left of a key goes first.
    temporary = path.with_name(f".{path.name}-new")
    try:
        temporary.unlink(missing_ok=True)
        descriptor = os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, mode)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as error:
        with suppress(OSError):
            temporary.unlink()
        message = f"the model signing key {path} cannot be written: {error.strerror}"
        raise LedgerError(message, "Make room, and try again.") from error
