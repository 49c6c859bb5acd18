"""The roster as ``allowed_signers``, the form ssh-keygen reads."""

from governance.domain.roster import Reviewer, Roster
from governance.domain.signoff import (
    PROPOSAL_NAMESPACE,
    ROLLBACK_NAMESPACE,
    SIGNOFF_NAMESPACE,
)
from governance.identity.allowed_signers import AllowedSigner, format_allowed_signers
from governance.identity.public import parse_public_key

NAMESPACES = (PROPOSAL_NAMESPACE, SIGNOFF_NAMESPACE, ROLLBACK_NAMESPACE)


def allowed_signers_text(roster: Roster) -> str:
    """Return the roster as ``ssh-keygen -Y verify`` reads it."""
    return format_allowed_signers(
        _line(item)
        for item in roster.reviewers
        # ssh-keygen refuses a window without a moment in it; the ledger's sequence
        # still says which signatures such a key gave.
        if item.added is None or item.revoked is None or item.added < item.revoked
    )


def _line(reviewer: Reviewer) -> AllowedSigner:
    key = parse_public_key(reviewer.key)
    return AllowedSigner(
        reviewer.principal, key, NAMESPACES, reviewer.added, reviewer.revoked
    )
