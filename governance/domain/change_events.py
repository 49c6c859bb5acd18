"""What can happen to policy and roster, in the past tense."""

from dataclasses import dataclass
from typing import ClassVar

from governance.domain.event import Document, Event


@dataclass(frozen=True, slots=True)
class ChangeProposed(Event):
    """A change of policy or roster was proposed and signed.

    Args:
        change: Change id, ``C-0001``.
        kind: ``policy``, ``reviewer-add`` or ``reviewer-revoke``.
        subject: What would be in force, by kind: ``{name, version, digest, suite}``,
            ``{principal, key, roles}`` or ``{principal, key, reason}``.
        digest: Change digest.
        key: Proposer's public key.
        signature: SSHSIG over the digest's 64 hex digits.
    """

    name: ClassVar[str] = "ChangeProposed"
    change: str
    kind: str
    subject: Document
    digest: str
    key: str
    signature: str


@dataclass(frozen=True, slots=True)
class ChangeSigned(Event):
    """A reviewer approved or rejected exactly one change.

    Args:
        change: Change id.
        decision: ``approve`` or ``reject``.
        key: Public key.
        statement: Signed statement.
        signature: SSHSIG over its canonical bytes.
    """

    name: ClassVar[str] = "ChangeSigned"
    change: str
    decision: str
    key: str
    statement: Document
    signature: str


@dataclass(frozen=True, slots=True)
class ChangeActivated(Event):
    """A change took effect with its last sign-off.

    Args:
        change: Change id.
        kind: Its kind.
        digest: Change digest.
        allowed_signers: SHA-256 of the roster's copy for ssh-keygen from here on.
    """

    name: ClassVar[str] = "ChangeActivated"
    change: str
    kind: str
    digest: str
    allowed_signers: str
