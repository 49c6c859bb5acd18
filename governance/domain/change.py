"""A change of policy or roster, from proposal to wherever it stands."""

from dataclasses import dataclass
from enum import StrEnum

from governance.canonical import digest_of
from governance.domain.event import Document
from governance.domain.signoff import Signed

CHANGE_FORMAT = "governance/change/v1"


class ChangeKind(StrEnum):
    """What a change changes."""

    POLICY = "policy"
    REVIEWER_ADD = "reviewer-add"
    REVIEWER_REVOKE = "reviewer-revoke"


class ChangeState(StrEnum):
    """Where a change stands."""

    PROPOSED = "PROPOSED"
    ACTIVE = "ACTIVE"
    REJECTED = "REJECTED"


@dataclass(frozen=True, slots=True)
class ChangeRecord:
    """One change; ``activated`` is the entry it took effect with."""

    id: str
    kind: ChangeKind
    subject: Document
    digest: str
    proposer: str
    key: str
    signature: str
    sequence: int
    time: str
    state: ChangeState = ChangeState.PROPOSED
    signoffs: tuple[Signed, ...] = ()
    activated: int | None = None

    def concerns(self, principal: str, key: str) -> bool:
        """Say whether it would revoke this very person, who then has no say in it."""
        if self.kind is not ChangeKind.REVIEWER_REVOKE:
            return False
        return principal == self.subject["principal"] or key == self.subject["key"]


def change_digest(origin: str, change: str, kind: str, subject: Document) -> str:
    """Return what a change's proposer signs, and every sign-off names.

    It holds the ledger's origin and the change's id: a signature on one change is of
    no use for another, however alike the two are.

    Args:
        origin: Ledger origin.
        change: Change id.
        kind: Its kind.
        subject: What it would put in force.
    """
    return digest_of(
        {
            "format": CHANGE_FORMAT,
            "origin": origin,
            "change": change,
            "kind": kind,
            "subject": subject,
        }
    )
