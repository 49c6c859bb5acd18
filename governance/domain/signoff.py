"""What exactly a person signs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from governance.canonical import JSON, canonical_bytes
from governance.domain.event import Document, RecordedEvent

PROPOSAL_NAMESPACE = "proposal@governance"
SIGNOFF_NAMESPACE = "signoff@governance"
ROLLBACK_NAMESPACE = "rollback@governance"


class Decision(StrEnum):
    """What a reviewer decided."""

    APPROVE = "approve"
    REJECT = "reject"


@dataclass(frozen=True, slots=True)
class Head:
    """The ledger as somebody saw it.

    Args:
        size: Number of entries.
        root: RFC 6962 root hash over them, hex.
    """

    size: int
    root: str

    def document(self) -> dict[str, JSON]:
        """Return the head as JSON."""
        return {"size": self.size, "root": self.root}


@dataclass(frozen=True, slots=True)
class Statement:
    """A sign-off statement.

    Args:
        origin: Ledger origin.
        head: Ledger head its reviewer saw.
        edits: Request digests of every edit in the candidate that is new.
        candidate: Snapshot digest.
        evidence: Evidence digest.
        policy: Policy digest.
        decision: Approve or reject.
        role: Role it is given in.
        comment: Free text, may be hostile.
        principal: Who signs.
        time: RFC 3339 UTC.
    """

    origin: str
    head: Head
    edits: Sequence[str]
    candidate: str
    evidence: str
    policy: str
    decision: Decision
    role: str
    comment: str
    principal: str
    time: str

    def document(self) -> dict[str, JSON]:
        """Return the statement as JSON, in the contract's names."""
        return {
            "origin": self.origin,
            "head": self.head.document(),
            "edits": list(self.edits),
            "candidate": self.candidate,
            "evidence": self.evidence,
            "policy": self.policy,
            "decision": self.decision.value,
            "role": self.role,
            "comment": self.comment,
            "principal": self.principal,
            "time": self.time,
        }

    def message(self) -> bytes:
        """Return the bytes that are signed."""
        return canonical_bytes(self.document())


@dataclass(frozen=True, slots=True)
class RollbackStatement:
    """What is signed to revert an edit or to activate an earlier snapshot.

    The same form is signed to end such a rollback while it waits for signatures.

    Args:
        origin: Ledger origin.
        head: Ledger head its signer saw.
        action: ``revert`` or ``activate``; ``withdraw revert`` or
            ``withdraw activate`` to end one that waits.
        edits: Request digests that leave or return.
        snapshot: Digest that goes live.
        policy: Policy digest.
        reason: Why; required.
        principal: Who signs.
        time: RFC 3339 UTC.
    """

    origin: str
    head: Head
    action: str
    edits: Sequence[str]
    snapshot: str
    policy: str
    reason: str
    principal: str
    time: str

    def document(self) -> dict[str, JSON]:
        """Return the statement as JSON."""
        return {
            "origin": self.origin,
            "head": self.head.document(),
            "action": self.action,
            "edits": list(self.edits),
            "snapshot": self.snapshot,
            "policy": self.policy,
            "reason": self.reason,
            "principal": self.principal,
            "time": self.time,
        }

    def message(self) -> bytes:
        """Return the bytes that are signed."""
        return canonical_bytes(self.document())


@dataclass(frozen=True, slots=True)
class ChangeStatement:
    """What is signed to approve or reject a change of policy or roster.

    Args:
        origin: Ledger origin.
        head: Ledger head its signer saw.
        change: Change id.
        digest: Change digest.
        policy: Digest of the policy in force.
        decision: Approve or reject.
        role: Role it is given in.
        comment: Free text, may be hostile.
        principal: Who signs.
        time: RFC 3339 UTC.
    """

    origin: str
    head: Head
    change: str
    digest: str
    policy: str
    decision: Decision
    role: str
    comment: str
    principal: str
    time: str

    def document(self) -> dict[str, JSON]:
        """Return the statement as JSON."""
        return {
            "origin": self.origin,
            "head": self.head.document(),
            "change": self.change,
            "digest": self.digest,
            "policy": self.policy,
            "decision": self.decision.value,
            "role": self.role,
            "comment": self.comment,
            "principal": self.principal,
            "time": self.time,
        }

    def message(self) -> bytes:
        """Return the bytes that are signed."""
        return canonical_bytes(self.document())


@dataclass(frozen=True, slots=True)
class Signed:
    """A statement's document with the signature over its canonical bytes.

    Args:
        principal: Who signed.
        key: OpenSSH public key, ``type base64``.
        document: The statement.
        signature: Armored SSHSIG.
        sequence: Ledger sequence it stands at.
        time: Time of that entry.
    """

    principal: str
    key: str
    document: Mapping[str, JSON]
    signature: str
    sequence: int
    time: str


class SignedEvent(Protocol):
    """An event that records a signed statement."""

    @property
    def key(self) -> str:
        """OpenSSH public key."""

    @property
    def statement(self) -> Document:
        """The statement."""

    @property
    def signature(self) -> str:
        """Armored SSHSIG over its canonical bytes."""


def signed_at(event: SignedEvent, entry: RecordedEvent) -> Signed:
    """Return the signed statement that an entry records.

    Args:
        event: What the entry says.
        entry: Where it stands.
    """
    return Signed(
        principal=entry.actor,
        key=event.key,
        document=event.statement,
        signature=event.signature,
        sequence=entry.sequence,
        time=entry.time,
    )
