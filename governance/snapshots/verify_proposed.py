"""Does every cited proposal hold: its request, its digest, and whose hand signed it.

Only the digest is signed. What policy is applied to, and whom approvals are compared
with, is read from the entry beside it.
"""

from collections.abc import Iterator

from governance.domain.events import EditProposed, ModelRegistered
from governance.domain.signoff import PROPOSAL_NAMESPACE
from governance.errors import GovernanceError, IntegrityError
from governance.identity.public import parse_public_key
from governance.identity.sshsig import verify
from governance.ledger.entry import Entry
from governance.snapshots.findings import ExportFinding, finding
from governance.snapshots.proofs import PROOFS
from governance.snapshots.reading import digest_or_none
from governance.snapshots.verify_log import Told
from governance.text import safe


def verify_proposed(told: Told) -> Iterator[ExportFinding]:
    """Check every cited proposal, and that its model stands before it, once.

    Args:
        told: What the ledger says.

    Yields:
        A request that is not the one signed, a proposer the roster did not know, an
        edit or a model that was entered a second time.
    """
    edits: set[str] = set()
    models: set[str] = set()
    used: set[str] = set()
    for entry, event in told.events:
        place = f"entry {entry.sequence}"
        match event:
            case ModelRegistered(model=name):
                if name in models | used:
                    message = f"{place} registers {safe(name, 80)} again, or too late"
                    yield finding(PROOFS, "proof", message)
                models.add(name)
            case EditProposed(edit=name, model=model):
                if name in edits:
                    message = f"{place} proposes {safe(name, 40)} again"
                    yield finding(PROOFS, "proof", message)
                edits.add(name)
                used.add(model)
                yield from _verify_one(told, entry, event)
            case _:
                continue


def _verify_one(
    told: Told, entry: Entry, event: EditProposed
) -> Iterator[ExportFinding]:
    place = f"entry {entry.sequence}"
    if digest_or_none(event.request) != event.digest:
        message = f"{place}: the request it holds is not the one that was signed"
        yield finding(PROOFS, "proof", message)
    if event.key is None and event.signature is None:
        return  # Where the policy wants it signed, it was reported as unsigned.
    if event.key is None or event.signature is None:
        # Approvals are compared with the key: it would stand for who never signed.
        message = f"{place}: expected a key and its signature, found one of the two"
        yield finding(PROOFS, "signature", message)
        return
    try:
        _check_hand(told, entry, event.key)
        key = parse_public_key(event.key)
        verify(event.signature, event.digest.encode(), PROPOSAL_NAMESPACE, key)
    except GovernanceError as error:
        yield finding(PROOFS, "signature", f"{place}: {error.message}")


def _check_hand(told: Told, entry: Entry, key: str) -> None:
    """Refuse a proposer who was nobody: approvals would be distinct from anybody.

    Raises:
        IntegrityError: The roster of that day gave them no such key.
    """
    owner = told.before(entry.sequence).roster.find(entry.actor, entry.sequence)
    if owner is None or owner.key != key:
        raise IntegrityError(
            f"the roster gave its proposer, {safe(entry.actor, 80)}, no such key"
        )
