"""Signatures as ``ssh-keygen -Y sign`` makes them (OpenSSH PROTOCOL.sshsig).

The namespace is signed along, so that a signature given for one purpose is none for
another.
"""

import base64
import binascii
import hashlib
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import (
    decode_dss_signature,
    encode_dss_signature,
)
from cryptography.hazmat.primitives.hashes import SHA256, SHA384, SHA512, HashAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from governance.errors import IntegrityError, UsageError
from governance.identity.public import (
    RSA,
    SK_ECDSA,
    SK_ED25519,
    PublicKey,
    application,
    key_of_blob,
    parse_public_key,
    verifying_key,
)
from governance.identity.wire import Reader, pack_string

_MAGIC = b"SSHSIG"
_BEGIN = "-----BEGIN SSH SIGNATURE-----"
_END = "-----END SSH SIGNATURE-----"
_WIDTH = 70
_MAX_ARMORED = 65_536
_HASHES = {"sha256": hashlib.sha256, "sha512": hashlib.sha512}
_RSA_HASHES: dict[str, HashAlgorithm] = {
    "rsa-sha2-256": SHA256(),
    "rsa-sha2-512": SHA512(),
}
_TOUCHED = 0x01

SigningKey = ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


@dataclass(frozen=True, slots=True)
class Signature:
    """An SSHSIG taken apart.

    Args:
        key: Who made it; trusted only once compared with a key known otherwise.
        namespace: What for.
        hash: Name of the hash of the message.
        blob: The raw signature with its format.
    """

    key: PublicKey
    namespace: str
    hash: str
    blob: bytes


def signed_data(message: bytes, namespace: str, hash_name: str) -> bytes:
    """Return the bytes the key really signs.

    Args:
        message: What is signed.
        namespace: What for; not empty.
        hash_name: ``sha256`` or ``sha512``.
    """
    parts = (
        namespace.encode(),
        b"",
        hash_name.encode(),
        _HASHES[hash_name](message).digest(),
    )
    return _MAGIC + b"".join(pack_string(part) for part in parts)


def armor(key: PublicKey, namespace: str, hash_name: str, blob: bytes) -> str:
    """Return a signature as text.

    Args:
        key: Key that signed.
        namespace: What for.
        hash_name: Hash of the message.
        blob: Raw signature with its format.
    """
    parts = (key.blob, namespace.encode(), b"", hash_name.encode(), blob)
    body = _MAGIC + (1).to_bytes(4, "big") + b"".join(pack_string(p) for p in parts)
    text = base64.b64encode(body).decode("ascii")
    lines = [text[at : at + _WIDTH] for at in range(0, len(text), _WIDTH)]
    return "\n".join([_BEGIN, *lines, _END]) + "\n"


def parse(text: str) -> Signature:
    """Take an armored signature apart.

    Args:
        text: What ``ssh-keygen -Y sign`` printed.

    Raises:
        IntegrityError: If it is malformed or uses what is not accepted.
    """
    lines = text.strip().splitlines()
    if len(text) > _MAX_ARMORED or lines[:1] != [_BEGIN] or lines[-1:] != [_END]:
        message = "no SSH signature: expected the text that ssh-keygen -Y sign prints"
        raise IntegrityError(message)
    try:
        body = base64.b64decode("".join(lines[1:-1]), validate=True)
    except (binascii.Error, ValueError) as error:
        message = "the signature is no base64"
        raise IntegrityError(message) from error
    reader = Reader(body, "signature")
    if reader.take(len(_MAGIC)) != _MAGIC or reader.number() != 1:
        message = "the signature is no SSHSIG of version 1"
        raise IntegrityError(message)
    key, namespace, _, hash_name, blob = (reader.string() for _ in range(5))
    reader.end()
    name = hash_name.decode("ascii", "replace")
    if name not in _HASHES:
        message = f"the signature uses an unsupported hash {name[:32]!r}"
        raise IntegrityError(message)
    try:
        public = key_of_blob(key)
    except UsageError as error:
        message = f"the signature's key is not accepted: {error.message}"
        raise IntegrityError(message) from error
    return Signature(public, namespace.decode("utf-8", "replace"), name, blob)


def sign_with_key(key: SigningKey, message: bytes, namespace: str) -> str:
    """Sign with a private key in memory.

    Args:
        key: The private key.
        message: What to sign.
        namespace: What for.

    Returns:
        The armored signature.
    """
    line = key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
    public = parse_public_key(line.decode("ascii"))
    data = signed_data(message, namespace, "sha512")
    if isinstance(key, ed25519.Ed25519PrivateKey):
        form, raw = public.type, key.sign(data)
    elif isinstance(key, rsa.RSAPrivateKey):
        form, raw = "rsa-sha2-512", key.sign(data, padding.PKCS1v15(), SHA512())
    else:
        form = public.type
        r, s = decode_dss_signature(key.sign(data, ec.ECDSA(_curve_hash(key.curve))))
        raw = _pack_positive(r) + _pack_positive(s)
    blob = pack_string(form.encode("ascii")) + pack_string(raw)
    return armor(public, namespace, "sha512", blob)


def verify(
    text: str, message: bytes, namespace: str, key: PublicKey | None = None
) -> PublicKey:
    """Check a signature.

    Args:
        text: The armored signature.
        message: What should have been signed.
        namespace: What for.
        key: Who should have signed; without it the signature only proves that *some*
            key signed, and the caller compares the returned one.

    Returns:
        The key that signed.

    Raises:
        IntegrityError: If it is malformed, for another purpose, by another key or of
            another message.
    """
    found = parse(text)
    if found.namespace != namespace:
        problem = (
            f"the signature is for another purpose: expected {namespace!r}, "
            f"found {found.namespace[:64]!r}"
        )
        raise IntegrityError(problem)
    if key is not None and key != found.key:
        problem = (
            f"the signature is by another key: expected {key.fingerprint}, "
            f"found {found.key.fingerprint}"
        )
        raise IntegrityError(problem)
    data = signed_data(message, namespace, found.hash)
    try:
        _verify_blob(found.key, found.blob, data)
    except InvalidSignature as error:
        problem = (
            f"the signature by {found.key.fingerprint} does not verify: "
            "the signed text is another"
        )
        raise IntegrityError(problem) from error
    return found.key


def _verify_blob(key: PublicKey, blob: bytes, data: bytes) -> None:
    """Check a raw signature over the data the key saw.

    Raises:
        InvalidSignature: If it does not verify.
        IntegrityError: If it is malformed.
    """
    reader = Reader(blob, "signature")
    form, raw = reader.string().decode("ascii", "replace"), reader.string()
    if key.type in (SK_ED25519, SK_ECDSA):
        data = _touched_data(key, reader, data)
    reader.end()
    known = _RSA_HASHES if key.type == RSA else {key.type}
    if form not in known:
        message = f"a {key.type} key cannot have made a {form[:64]!r} signature"
        raise IntegrityError(message)
    public = verifying_key(key)
    if isinstance(public, ed25519.Ed25519PublicKey):
        public.verify(raw, data)
    elif isinstance(public, rsa.RSAPublicKey):
        padded = raw.rjust((public.key_size + 7) // 8, b"\0")
        public.verify(padded, data, padding.PKCS1v15(), _RSA_HASHES[form])
    else:
        numbers = Reader(raw, "signature")
        r, s = numbers.positive(), numbers.positive()
        numbers.end()
        algorithm = ec.ECDSA(_curve_hash(public.curve))
        public.verify(encode_dss_signature(r, s), data, algorithm)


def _touched_data(key: PublicKey, reader: Reader, data: bytes) -> bytes:
    """Return what a FIDO key signs: the data, and that somebody touched the key."""
    flags, counter = reader.take(1), reader.take(4)
    if not flags[0] & _TOUCHED:
        message = "the security key signed without a touch"
        raise IntegrityError(message)
    return (
        hashlib.sha256(application(key)).digest()
        + flags
        + counter
        + hashlib.sha256(data).digest()
    )


def _curve_hash(curve: ec.EllipticCurve) -> HashAlgorithm:
    """Return the hash RFC 5656 pairs with a curve."""
    by_size: dict[int, HashAlgorithm] = {256: SHA256(), 384: SHA384(), 521: SHA512()}
    return by_size[curve.key_size]


def _pack_positive(value: int) -> bytes:
    """Return a positive integer as an SSH multiple-precision integer."""
    return pack_string(value.to_bytes(value.bit_length() // 8 + 1, "big"))
