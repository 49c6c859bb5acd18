"""Who may sign, with which key, in which roles."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Reviewer:
    """One person and the one key that speaks for them.

    Args:
        principal: Name the person signs as.
        key: OpenSSH public key, ``type base64`` without comment.
        roles: Roles under the policy.
        since: Ledger sequence from which the key counts.
        until: Sequence from which it no longer counts, or ``None``.
    """

    principal: str
    key: str
    roles: tuple[str, ...]
    since: int
    until: int | None = None

    def active_at(self, sequence: int) -> bool:
        """Say whether the key counts at a ledger sequence."""
        return self.since <= sequence and (self.until is None or sequence < self.until)


@dataclass(frozen=True, slots=True)
class Roster:
    """All reviewers ever named."""

    reviewers: tuple[Reviewer, ...] = ()

    def find(self, principal: str, at: int) -> Reviewer | None:
        """Return the reviewer whose key counts at ``at``, or ``None``."""
        for reviewer in self.reviewers:
            if reviewer.principal == principal and reviewer.active_at(at):
                return reviewer
        return None

    def owner(self, key: str, at: int) -> Reviewer | None:
        """Return who owns a public key at ``at``, or ``None``."""
        for reviewer in self.reviewers:
            if reviewer.key == key and reviewer.active_at(at):
                return reviewer
        return None
