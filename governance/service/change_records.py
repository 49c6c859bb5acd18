"""What the faces give and get of changes of policy and roster."""

from collections.abc import Mapping
from dataclasses import dataclass

from governance.canonical import JSON
from governance.domain.change import ChangeKind, ChangeState
from governance.domain.signoff import Decision, Head
from governance.service.views import SignOffView


@dataclass(frozen=True, slots=True)
class ChangeWish:
    """What somebody wants to sign.

    Args:
        decision: Approve or reject.
        comment: Their reason; may be empty.
        role: Role they sign in, where they named one.
        digest: Change digest they looked at, where they named one.
        seen: Ledger head they looked at, where it is known.
    """

    decision: Decision
    comment: str = ""
    role: str | None = None
    digest: str | None = None
    seen: Head | None = None


@dataclass(frozen=True, slots=True)
class ChangeSummary:
    """One line of the list of changes."""

    id: str
    kind: ChangeKind
    state: ChangeState
    missing: tuple[str, ...]
    """In words: what is still missing before it takes effect."""
    summary: str
    proposer: str
    time: str
    fingerprint: str = ""
    """``SHA256:...`` of the key that joins or leaves; empty for a policy."""


@dataclass(frozen=True, slots=True)
class ChangeDetail:
    """Everything a reviewer looks at before deciding on a change.

    ``document`` is the whole proposed policy; ``in_force`` the one it would replace.
    ``fingerprint`` and ``roles`` are those of whoever joins or leaves.
    """

    id: str
    kind: ChangeKind
    state: ChangeState
    missing: tuple[str, ...]
    summary: str
    proposer: str
    time: str
    digest: str
    subject: Mapping[str, JSON]
    document: Mapping[str, JSON] | None
    in_force: Mapping[str, JSON] | None
    signoffs: tuple[SignOffView, ...]
    verify_lines: tuple[str, ...]
    fingerprint: str = ""
    roles: tuple[str, ...] = ()
