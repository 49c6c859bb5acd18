"""Our signatures are ssh-keygen's, and both verifiers say the same."""

import base64
import hashlib
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from governance.errors import IntegrityError
from governance.identity.keys import PublicKey, parse_public_key
from governance.identity.sshsig import (
    SigningKey,
    armor,
    parse,
    sign_with_key,
    signed_data,
    verify,
)
from governance.identity.wire import pack_string
from tests.identity.conftest import KINDS, MESSAGE, NAMESPACE, make_key, run, write_key

each_kind = pytest.mark.parametrize("private_key", KINDS, indirect=True)


def public(key: SigningKey) -> PublicKey:
    raw = key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
    return parse_public_key(raw.decode())


def ssh_verifies(
    ssh_keygen: str,
    folder: Path,
    key: PublicKey,
    signature: str,
    message: bytes = MESSAGE,
    namespace: str = NAMESPACE,
) -> bool:
    """Ask stock ssh-keygen."""
    allowed, file = folder / "allowed_signers", folder / "message.sig"
    allowed.write_text(f"ada@example.org {key.text}\n")
    file.write_text(signature)
    command = [ssh_keygen, "-Y", "verify", "-I", "ada@example.org", "-n", namespace]
    done = run(*command, "-f", allowed, "-s", file, message=message)
    return done.returncode == 0


@each_kind
def test_what_we_sign_verifies_here_and_with_ssh_keygen(
    private_key: SigningKey, ssh_keygen: str, tmp_path: Path
) -> None:
    signature = sign_with_key(private_key, MESSAGE, NAMESPACE)
    key = public(private_key)
    assert verify(signature, MESSAGE, NAMESPACE, key) == key
    assert verify(signature, MESSAGE, NAMESPACE) == key
    assert ssh_verifies(ssh_keygen, tmp_path, key, signature)


@each_kind
def test_what_ssh_keygen_signs_verifies_here(
    private_key: SigningKey, ssh_keygen: str, tmp_path: Path
) -> None:
    path = write_key(private_key, tmp_path / "key")
    done = run(ssh_keygen, "-Y", "sign", "-n", NAMESPACE, "-f", path, message=MESSAGE)
    signature = done.stdout.decode()
    key = public(private_key)
    assert verify(signature, MESSAGE, NAMESPACE, key) == key
    with pytest.raises(IntegrityError, match="the signed text is another"):
        verify(signature, MESSAGE + b" ", NAMESPACE, key)


@each_kind
def test_an_altered_message_is_refused_by_both(
    private_key: SigningKey, ssh_keygen: str, tmp_path: Path
) -> None:
    signature, key = sign_with_key(private_key, MESSAGE, NAMESPACE), public(private_key)
    other = MESSAGE.replace(b"approve", b"reject!")
    with pytest.raises(IntegrityError, match="the signed text is another"):
        verify(signature, other, NAMESPACE, key)
    assert not ssh_verifies(ssh_keygen, tmp_path, key, signature, message=other)


def test_a_signature_for_one_purpose_is_none_for_another(
    private_keys: dict[str, SigningKey], ssh_keygen: str, tmp_path: Path
) -> None:
    private = private_keys["ed25519"]
    signature = sign_with_key(private, MESSAGE, "proposal@governance")
    with pytest.raises(
        IntegrityError,
        match="expected 'signoff@governance', found 'proposal@governance'",
    ):
        verify(signature, MESSAGE, NAMESPACE, public(private))
    assert not ssh_verifies(ssh_keygen, tmp_path, public(private), signature)


def test_relabelling_the_purpose_breaks_the_signature(
    private_keys: dict[str, SigningKey],
) -> None:
    private = private_keys["ed25519"]
    found = parse(sign_with_key(private, MESSAGE, "proposal@governance"))
    relabelled = armor(found.key, NAMESPACE, found.hash, found.blob)
    with pytest.raises(IntegrityError, match="the signed text is another"):
        verify(relabelled, MESSAGE, NAMESPACE)


def test_another_persons_signature_is_refused(
    private_keys: dict[str, SigningKey], ssh_keygen: str, tmp_path: Path
) -> None:
    signature = sign_with_key(private_keys["ed25519"], MESSAGE, NAMESPACE)
    other = public(make_key("ed25519"))
    with pytest.raises(IntegrityError, match="is by another key"):
        verify(signature, MESSAGE, NAMESPACE, other)
    assert not ssh_verifies(ssh_keygen, tmp_path, other, signature)


def test_claiming_another_key_breaks_the_signature(
    private_keys: dict[str, SigningKey],
) -> None:
    found = parse(sign_with_key(private_keys["ed25519"], MESSAGE, NAMESPACE))
    other = public(make_key("ed25519"))
    claimed = armor(other, NAMESPACE, found.hash, found.blob)
    with pytest.raises(IntegrityError, match="the signed text is another"):
        verify(claimed, MESSAGE, NAMESPACE, other)


@given(st.integers(0, 10_000), st.integers(1, 255))
@settings(max_examples=150)
def test_no_changed_byte_survives(position: int, change: int) -> None:
    text = sign_with_key(FIXED, MESSAGE, NAMESPACE)
    body = bytearray(base64.b64decode("".join(text.splitlines()[1:-1])))
    # The reserved field is empty; nothing in the rest may change unnoticed.
    body[position % len(body)] ^= change
    encoded = base64.b64encode(bytes(body)).decode()
    bent = f"{text.splitlines()[0]}\n{encoded}\n{text.splitlines()[-1]}\n"
    with pytest.raises(IntegrityError):
        verify(bent, MESSAGE, NAMESPACE, public(FIXED))


FIXED = ed25519.Ed25519PrivateKey.from_private_bytes(bytes(range(32)))


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "no SSH signature"),
        ("hello", "no SSH signature"),
        ("-----BEGIN SSH SIGNATURE-----\n????\n-----END SSH SIGNATURE-----", "base64"),
        (
            "-----BEGIN SSH SIGNATURE-----\nAAAAAAAAAAAA\n-----END SSH SIGNATURE-----",
            "no SSHSIG of version 1",
        ),
        (
            "-----BEGIN SSH SIGNATURE-----\nU1NI\n-----END SSH SIGNATURE-----",
            "cut off",
        ),
        (
            "-----BEGIN SSH SIGNATURE-----\n" + "A" * 100_000 + "\n"
            "-----END SSH SIGNATURE-----",
            "no SSH signature",
        ),
    ],
)
def test_what_is_no_signature_is_refused(text: str, problem: str) -> None:
    with pytest.raises(IntegrityError, match=problem):
        verify(text, MESSAGE, NAMESPACE)


def test_a_weak_hash_is_refused() -> None:
    blob = parse(sign_with_key(FIXED, MESSAGE, NAMESPACE)).blob
    with pytest.raises(IntegrityError, match="unsupported hash 'sha1'"):
        parse(armor(public(FIXED), NAMESPACE, "sha1", blob))


def test_an_rsa_signature_with_sha1_is_refused(
    private_keys: dict[str, SigningKey],
) -> None:
    key = private_keys["rsa"]
    raw = parse(sign_with_key(key, MESSAGE, NAMESPACE)).blob
    old = raw.replace(pack_string(b"rsa-sha2-512"), pack_string(b"ssh-rsa"))
    with pytest.raises(IntegrityError, match="cannot have made a 'ssh-rsa'"):
        verify(armor(public(key), NAMESPACE, "sha512", old), MESSAGE, NAMESPACE)


def security_key(kind: str, flags: int) -> tuple[PublicKey, str]:
    """Sign as a FIDO device does, with a key in memory (OpenSSH PROTOCOL.u2f)."""
    application, counter = b"ssh:", (7).to_bytes(4, "big")
    data = signed_data(MESSAGE, NAMESPACE, "sha512")
    seen = hashlib.sha256(application).digest() + bytes([flags]) + counter
    seen += hashlib.sha256(data).digest()
    if kind == "ed25519":
        name = b"sk-ssh-ed25519@openssh.com"
        secret = FIXED.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        blob = pack_string(name) + pack_string(secret) + pack_string(application)
        raw = FIXED.sign(seen)
    else:
        name = b"sk-ecdsa-sha2-nistp256@openssh.com"
        key = ec.derive_private_key(12345, ec.SECP256R1())
        point = key.public_key().public_bytes(
            Encoding.X962, PublicFormat.UncompressedPoint
        )
        fields = (name, b"nistp256", point, application)
        blob = b"".join(pack_string(field) for field in fields)
        numbers = decode_dss_signature(key.sign(seen, ec.ECDSA(SHA256())))
        raw = b"".join(
            pack_string(n.to_bytes(n.bit_length() // 8 + 1, "big")) for n in numbers
        )
    encoded = base64.b64encode(blob).decode()
    public_key = parse_public_key(f"{name.decode()} {encoded}")
    signature = pack_string(name) + pack_string(raw) + bytes([flags]) + counter
    return public_key, armor(public_key, NAMESPACE, "sha512", signature)


@pytest.mark.parametrize("kind", ["ed25519", "ecdsa"])
def test_a_security_keys_signature_verifies_here_and_with_ssh_keygen(
    kind: str, ssh_keygen: str, tmp_path: Path
) -> None:
    key, signature = security_key(kind, flags=1)
    assert verify(signature, MESSAGE, NAMESPACE, key) == key
    assert ssh_verifies(ssh_keygen, tmp_path, key, signature)
    with pytest.raises(IntegrityError, match="the signed text is another"):
        verify(signature, b"other", NAMESPACE, key)


def test_a_security_key_that_nobody_touched_has_not_signed() -> None:
    key, signature = security_key("ed25519", flags=0)
    with pytest.raises(IntegrityError, match="without a touch"):
        verify(signature, MESSAGE, NAMESPACE, key)
