"""Who may sign, with which key, in which roles."""

from dataclasses import dataclass, replace

OUTSIDE = "local:"
"""Begins the name of whoever acts unsigned and is nobody of the roster."""


@dataclass(frozen=True, slots=True)
class Reviewer:
    """One person and the one key that speaks for them.

    Args:
        principal: Name the person signs as.
        key: OpenSSH public key, ``type base64`` without comment.
        roles: Roles under the policy.
        since: Ledger sequence from which the key counts.
        until: Sequence from which it no longer counts, or ``None``.
        added: When it was added; ``None`` for the first roster.
        revoked: When it was revoked, or ``None``.
    """

    principal: str
    key: str
    roles: tuple[str, ...]
    since: int
    until: int | None = None
    added: str | None = None
    revoked: str | None = None

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

    def taken(self, principal: str, key: str, at: int) -> str | None:
        """Say why a person cannot join with a key, if they cannot.

        Args:
            principal: Their name.
            key: Their key; one key belongs to one person, and never comes back.
            at: Ledger sequence they would join at.
        """
        for reviewer in self.reviewers:
            if reviewer.key == key:
                return f"this key is, or was, that of {reviewer.principal!r}"
        if self.find(principal, at) is not None:
            return f"{principal!r} is on the roster already, with another key"
        return None

    def plus(self, reviewer: Reviewer) -> "Roster":
        """Return the roster with one more person."""
        return Roster((*self.reviewers, reviewer))

    def without(self, reviewer: Reviewer, at: int, time: str) -> "Roster":
        """Return the roster in which a person's key no longer counts.

        Args:
            reviewer: The person; stays on it, for what was signed before.
            at: Ledger sequence from which the key does not count.
            time: Time of that entry.
        """
        ended = replace(reviewer, until=at, revoked=time)
        return Roster(
            tuple(ended if item == reviewer else item for item in self.reviewers)
        )

    def as_of(self, sequence: int) -> "Roster":
        """Return the roster as it was after an entry."""
        return Roster(
            tuple(
                item
                if item.until is None or item.until <= sequence
                else replace(item, until=None, revoked=None)
                for item in self.reviewers
                if item.since <= sequence
            )
        )
