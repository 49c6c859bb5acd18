"""On every kind of key, and on every way to be wrong, both verifiers say the same."""

import base64
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from governance.errors import IntegrityError
from governance.identity.allowed_signers import (
    AllowedSigner,
    format_allowed_signers,
    verify_principal,
)
from governance.identity.keys import PublicKey, parse_public_key
from governance.identity.sshsig import SigningKey, sign_with_key
from tests.identity.conftest import KINDS, MESSAGE, NAMESPACE, run

SPRING, SUMMER, AUTUMN = (
    "2026-03-01T12:00:00Z",
    "2026-07-01T12:00:00Z",
    "2026-10-01T12:00:00Z",
)


def public(key: SigningKey) -> PublicKey:
    raw = key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
    return parse_public_key(raw.decode())


@dataclass(frozen=True)
class Asked:
    """What both verifiers are asked."""

    signers: tuple[AllowedSigner, ...]
    principal: str
    signature: str
    message: bytes = MESSAGE
    namespace: str = NAMESPACE
    time: str = SUMMER

    def ours(self) -> bool:
        try:
            verify_principal(
                self.signers,
                self.principal,
                self.signature,
                self.message,
                self.namespace,
                self.time,
            )
        except IntegrityError:
            return False
        return True

    def theirs(self, ssh_keygen: str, folder: Path) -> bool:
        allowed, file = folder / "allowed_signers", folder / "message.sig"
        allowed.write_text(format_allowed_signers(self.signers))
        file.write_text(self.signature)
        stamp = "".join(char for char in self.time if char.isalnum()).replace("T", "")
        done = run(
            *(ssh_keygen, "-Y", "verify", "-I", self.principal, "-n", self.namespace),
            *("-f", allowed, "-s", file, f"-Overify-time={stamp}"),
            message=self.message,
        )
        return done.returncode == 0


def flipped(signature: str, at: int) -> str:
    """Flip one bit of the signature's bytes, keeping its armor."""
    head, *body, foot = signature.strip().splitlines()
    raw = bytearray(base64.b64decode("".join(body)))
    raw[at] ^= 1
    text = base64.b64encode(bytes(raw)).decode()
    lines = [text[start : start + 70] for start in range(0, len(text), 70)]
    return "\n".join([head, *lines, foot, ""])


Bend = Callable[[Asked, PublicKey, SigningKey], Asked]


def lines(asked: Asked, **changes: object) -> Asked:
    """Change ada's line of the file."""
    ada, *rest = asked.signers
    return replace(asked, signers=(replace(ada, **changes), *rest))  # type: ignore[arg-type]


WRONG: dict[str, Bend] = {
    "another purpose than was signed": lambda a, _, __: replace(
        a, namespace="proposal@governance"
    ),
    "a key that is not for this purpose": lambda a, _, __: lines(
        a, namespaces=("git",)
    ),
    "another person": lambda a, _, __: replace(a, principal="bo"),
    "nobody on the file": lambda a, _, __: replace(a, principal="eve"),
    "a name that only begins alike": lambda a, _, __: replace(a, principal="ad"),
    "a name in capitals": lambda a, _, __: replace(a, principal="ADA"),
    "before the key counted": lambda a, _, __: lines(a, valid_after=AUTUMN),
    "after the key was revoked": lambda a, _, __: lines(a, valid_before=SPRING),
    "outside the window": lambda a, _, __: replace(
        lines(a, valid_after=SPRING, valid_before=SUMMER), time=AUTUMN
    ),
    "the line of another key": lambda a, other, _: lines(a, key=other),
    "signed with another key": lambda a, _, key: replace(
        a, signature=sign_with_key(key, MESSAGE, NAMESPACE)
    ),
    "another text": lambda a, _, __: replace(a, message=MESSAGE + b" "),
    "no text": lambda a, _, __: replace(a, message=b""),
    "a flipped bit at the end": lambda a, _, __: replace(
        a, signature=flipped(a.signature, -1)
    ),
    "a flipped bit in the middle": lambda a, _, __: replace(
        a, signature=flipped(a.signature, -20)
    ),
    "a flipped bit in the key": lambda a, _, __: replace(
        a, signature=flipped(a.signature, 40)
    ),
    "a flipped bit in the magic": lambda a, _, __: replace(
        a, signature=flipped(a.signature, 0)
    ),
    "nothing on the file": lambda a, _, __: replace(a, signers=()),
}

RIGHT: dict[str, Bend] = {
    "as signed": lambda a, _, __: a,
    "within the window": lambda a, _, __: lines(
        a, valid_after=SPRING, valid_before=AUTUMN
    ),
    "any purpose": lambda a, _, __: lines(a, namespaces=()),
    "one of several purposes": lambda a, _, __: lines(a, namespaces=("git", NAMESPACE)),
    "another line of the same name first": lambda a, other, _: replace(
        a, signers=(AllowedSigner("ada", other, ("git",)), *a.signers)
    ),
}


@pytest.mark.parametrize("private_key", KINDS, indirect=True)
@pytest.mark.parametrize(
    ("bend", "good"),
    [
        *[pytest.param(bend, True, id=name) for name, bend in RIGHT.items()],
        *[pytest.param(bend, False, id=name) for name, bend in WRONG.items()],
    ],
)
def test_both_verifiers_say_the_same(
    private_key: SigningKey,
    private_keys: dict[str, SigningKey],
    bend: Bend,
    ssh_keygen: str,
    tmp_path: Path,
    *,
    good: bool,
) -> None:
    others = [key for key in private_keys.values() if key is not private_key]
    own, other = public(private_key), public(others[0])
    asked = Asked(
        signers=(
            AllowedSigner("ada", own, (NAMESPACE,)),
            AllowedSigner("bo", other, (NAMESPACE,)),
        ),
        principal="ada",
        signature=sign_with_key(private_key, MESSAGE, NAMESPACE),
    )
    asked = bend(asked, other, others[0])
    assert asked.ours() is asked.theirs(ssh_keygen, tmp_path) is good
