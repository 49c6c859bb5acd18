"""Public keys as OpenSSH writes them."""

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass, field
from functools import lru_cache

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import load_ssh_public_key

from governance.errors import IntegrityError, UsageError
from governance.identity.wire import Reader

ED25519 = "ssh-ed25519"
RSA = "ssh-rsa"
SK_ED25519 = "sk-ssh-ed25519@openssh.com"
SK_ECDSA = "sk-ecdsa-sha2-nistp256@openssh.com"
CURVES: dict[str, ec.EllipticCurve] = {
    "nistp256": ec.SECP256R1(),
    "nistp384": ec.SECP384R1(),
    "nistp521": ec.SECP521R1(),
}
ECDSA = {f"ecdsa-sha2-{name}": curve for name, curve in CURVES.items()}
KEY_TYPES = frozenset({ED25519, RSA, SK_ED25519, SK_ECDSA, *ECDSA})
MIN_RSA_BITS = 2048
_MAX_TEXT = 16_384
_TYPE = re.compile(r"(?:ssh|sk-ssh|ecdsa|sk-ecdsa)-[a-z0-9@.-]{1,40}")

VerifyingKey = ed25519.Ed25519PublicKey | ec.EllipticCurvePublicKey | rsa.RSAPublicKey


@dataclass(frozen=True, slots=True)
class PublicKey:
    """An OpenSSH public key.

    Args:
        type: Its type, such as ``ssh-ed25519``.
        blob: Its wire encoding.
        comment: What its owner calls it; free text that proves nothing.
    """

    type: str
    blob: bytes
    comment: str = field(default="", compare=False)

    @property
    def text(self) -> str:
        """The key as ``type base64``, the form a roster holds."""
        return f"{self.type} {base64.b64encode(self.blob).decode('ascii')}"

    @property
    def fingerprint(self) -> str:
        """The fingerprint that ``ssh-keygen -l`` prints."""
        digest = hashlib.sha256(self.blob).digest()
        return f"SHA256:{base64.b64encode(digest).decode('ascii').rstrip('=')}"


@lru_cache(maxsize=256)
def parse_public_key(text: str) -> PublicKey:
    """Read one public key line.

    Args:
        text: ``type base64 [comment]``.

    Raises:
        UsageError: If it is no such line, or of a type or size not accepted.
    """
    parts = text.strip().split(maxsplit=2)
    if len(text) > _MAX_TEXT or "\n" in text.strip() or len(parts) < 2:
        message = "no public key: expected one line of type, base64 and a comment"
        raise UsageError(message, "Give the .pub file that ssh-keygen wrote.")
    kind, encoded, *comment = parts
    if kind not in KEY_TYPES:
        # Only what is a key type is shown: the file may be a secret of another kind.
        shown = f" {kind!r}" if _TYPE.fullmatch(kind) else ""
        message = (
            f"unsupported key type{shown}: expected one of "
            f"{', '.join(sorted(KEY_TYPES))}"
        )
        raise UsageError(message, "Make a key with `ssh-keygen -t ed25519`.")
    try:
        blob = base64.b64decode(encoded, validate=True)
    except binascii.Error as error:
        message = f"the {kind} key is no base64"
        raise UsageError(message) from error
    if base64.b64encode(blob).decode("ascii") != encoded:
        message = f"the {kind} key's base64 is not in its one canonical form"
        raise UsageError(message)
    key = PublicKey(kind, blob, " ".join(comment))
    verifying_key(key)
    return key


@lru_cache(maxsize=256)
def key_of_blob(blob: bytes) -> PublicKey:
    """Return the key of a wire encoding, such as a signature names.

    Raises:
        UsageError: If it is of a type or size not accepted.
        IntegrityError: If it is cut off.
    """
    kind = Reader(blob, "public key").string().decode("ascii", "replace")
    encoded = base64.b64encode(blob).decode("ascii")
    return parse_public_key(f"{kind} {encoded}" if kind else encoded)


@lru_cache(maxsize=256)
def verifying_key(key: PublicKey) -> VerifyingKey:
    """Return the key in the form that verifies.

    Raises:
        UsageError: If the encoding is malformed or the key too weak.
    """
    try:
        found = _security_key(key) if key.type in (SK_ED25519, SK_ECDSA) else _key(key)
    except (ValueError, UnsupportedAlgorithm, IntegrityError) as error:
        message = f"malformed {key.type} key"
        raise UsageError(
            message, "Give the .pub file that ssh-keygen wrote."
        ) from error
    if isinstance(found, rsa.RSAPublicKey) and found.key_size < MIN_RSA_BITS:
        message = (
            f"the RSA key is too short: expected {MIN_RSA_BITS} bits or more, "
            f"found {found.key_size}"
        )
        raise UsageError(message, "Make a key with `ssh-keygen -t ed25519`.")
    return found


def application(key: PublicKey) -> bytes:
    """Return the application a security key is bound to, usually ``ssh:``."""
    reader = Reader(key.blob, "public key")
    for _ in range(2 if key.type == SK_ED25519 else 3):
        reader.string()
    return reader.string()


def _key(key: PublicKey) -> VerifyingKey:
    """Load an ordinary key."""
    found = load_ssh_public_key(key.text.encode("ascii"))
    if isinstance(
        found, ed25519.Ed25519PublicKey | ec.EllipticCurvePublicKey | rsa.RSAPublicKey
    ):
        return found
    message = "not a key that signs"
    raise ValueError(message)


def _security_key(key: PublicKey) -> VerifyingKey:
    """Load the key inside a FIDO key's encoding (OpenSSH PROTOCOL.u2f)."""
    reader = Reader(key.blob, "public key")
    if reader.string() != key.type.encode("ascii"):
        message = "the type inside differs"
        raise ValueError(message)
    found: VerifyingKey
    if key.type == SK_ED25519:
        found = ed25519.Ed25519PublicKey.from_public_bytes(reader.string())
    else:
        curve = CURVES[reader.string().decode("ascii", "replace")]
        point = reader.string()
        found = ec.EllipticCurvePublicKey.from_encoded_point(curve, point)
    reader.string()
    reader.end()
    return found
