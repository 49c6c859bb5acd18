"""Are these signatures theirs, and is the log the one they saw?"""

from collections.abc import Callable, Iterable, Mapping
from itertools import chain
from typing import NamedTuple

from governance.canonical import canonical_bytes
from governance.domain.change import ChangeRecord
from governance.domain.event import Document
from governance.domain.roster import Roster
from governance.domain.signoff import PROPOSAL_NAMESPACE, Head, Signed
from governance.domain.state import EditRecord, WorkspaceState
from governance.errors import GovernanceError, IntegrityError
from governance.identity.keys import parse_public_key
from governance.identity.roster_copy import allowed_signers_text as allowed_signers_text
from governance.identity.sshsig import verify
from governance.ledger.log import Ledger
from governance.service.fields import text, whole


class Claim(NamedTuple):
    """A signature that somebody gave, and over what.

    Args:
        signature: As they gave it.
        said: The statement, signed as canonical JSON, or the digest that was signed.
        namespace: What for.
        key: Who should have signed.
        what: Which one, for messages.
    """

    signature: str
    said: Document | str
    namespace: str
    key: str
    what: str


def check_claim(claim: Claim) -> None:
    """Verify a signature.

    Raises:
        IntegrityError: It is not by this key over what was said.
    """
    said = claim.said
    message = said.encode("ascii") if isinstance(said, str) else canonical_bytes(said)
    try:
        verify(claim.signature, message, claim.namespace, parse_public_key(claim.key))
    except GovernanceError as error:
        raise IntegrityError(f"{claim.what}: {error.message}", error.hint) from error


Check = Callable[[Claim], None]


def verify_proposal(
    record: EditRecord | ChangeRecord, roster: Roster, check: Check = check_claim
) -> None:
    """Verify who proposed an edit or a change.

    Args:
        record: The edit or change.
        roster: The roster at its entry.
        check: Verifies the signature itself.

    Raises:
        IntegrityError: The signature is not the proposer's over its digest.
    """
    if record.key is None and record.signature is None:
        return
    if record.key is None or record.signature is None:
        raise IntegrityError(
            f"{record.id}: expected a key and its signature, found one of the two"
        )
    _check_owner(roster, record.proposer, record.key, record.sequence, record.id)
    what = f"{record.id}, proposed by {record.proposer!r}"
    check(Claim(record.signature, record.digest, PROPOSAL_NAMESPACE, record.key, what))


def verify_signed(
    signed: Signed, roster: Roster, namespace: str, check: Check = check_claim
) -> None:
    """Verify a signed statement.

    Args:
        signed: The statement, its signature and who gave it.
        roster: The roster at its entry.
        namespace: What it was signed for.
        check: Verifies the signature itself.

    Raises:
        IntegrityError: The signature is not this person's over this statement.
    """
    what = f"entry {signed.sequence}, signed by {signed.principal!r}"
    if signed.document.get("principal") != signed.principal:
        raise IntegrityError(f"{what}: the statement names another principal")
    _check_owner(roster, signed.principal, signed.key, signed.sequence, what)
    check(Claim(signed.signature, signed.document, namespace, signed.key, what))


def check_origin(signed: Signed, origin: str) -> None:
    """Refuse what was signed for another ledger, however genuine.

    Raises:
        IntegrityError: It was.
    """
    if signed.document.get("origin") != origin:
        raise IntegrityError(
            f"entry {signed.sequence}, signed by {signed.principal!r}: it was signed "
            "for another ledger",
            "Run `governance ledger verify`.",
        )


def heads_of(signatures: Iterable[Signed]) -> list[Head]:
    """Return the heads that signers saw."""
    found = []
    for signed in signatures:
        head = signed.document.get("head")
        if isinstance(head, Mapping):
            found.append(Head(whole(head, "size"), text(head, "root")))
    return found


def earlier_heads(state: WorkspaceState, principal: str) -> list[Head]:
    """Return every head somebody has signed: the log must still hold them."""
    of_candidates = [item.signoffs for item in state.candidates.values()]
    of_changes = [item.signoffs for item in state.changes.values()]
    of_rollbacks = [item.signatures for item in state.rollbacks.values()]
    given = (*of_candidates, *of_changes, *of_rollbacks)
    own = (item for item in chain.from_iterable(given) if item.principal == principal)
    return heads_of(own)


def check_heads(ledger: Ledger, heads: Iterable[Head]) -> None:
    """Check that the log still begins with every head somebody saw.

    Args:
        ledger: The ledger.
        heads: Heads as they were seen.

    Raises:
        IntegrityError: One is not on the way to the current head.
    """
    wanted: dict[int, set[str]] = {}
    for head in heads:
        wanted.setdefault(head.size, set()).add(head.root)
    for found in ledger.rehashed_heads(tuple(wanted)):
        for root in wanted.pop(found.size) - {found.root}:
            raise IntegrityError(
                f"the ledger's first {found.size} entries were rewritten: expected "
                f"root {root[:16]}, found {found.root[:16]}",
                "Restore a backup and run `governance ledger verify`.",
            )
    if wanted:
        raise IntegrityError(
            f"the ledger holds {ledger.head().size} entries, but a head of "
            f"{max(wanted)} was seen: entries are missing at its end",
            "Restore the newest backup and run `governance ledger verify`.",
        )


def _check_owner(
    roster: Roster, principal: str, key: str, sequence: int, what: str
) -> None:
    reviewer = roster.find(principal, sequence)
    if reviewer is None or reviewer.key != key:
        raise IntegrityError(
            f"{what}: the roster gave {principal!r} no such key at entry {sequence}",
            "Run `governance ledger verify`.",
        )
