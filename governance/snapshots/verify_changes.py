"""Did policy and roster only change as those then in force allowed."""

from collections.abc import Iterator, Mapping

from governance.canonical import canonical_bytes, sha256_hex
from governance.domain.change import ChangeRecord, change_digest
from governance.domain.change_events import ChangeActivated
from governance.domain.roster import Roster
from governance.domain.signoff import PROPOSAL_NAMESPACE, SIGNOFF_NAMESPACE
from governance.domain.state import WorkspaceState
from governance.errors import GovernanceError, IntegrityError
from governance.identity.public import parse_public_key
from governance.identity.roster_copy import allowed_signers_text
from governance.identity.sshsig import verify
from governance.ledger.entry import Entry
from governance.policy.model import Policy
from governance.policy.signoffs import Approval, Proposal, judge_change
from governance.snapshots.findings import ExportFinding, finding
from governance.snapshots.proofs import PROOFS
from governance.snapshots.verify_log import Told
from governance.text import safe


def verify_changes(
    told: Told, policies: Mapping[str, Policy]
) -> Iterator[ExportFinding]:
    """Judge every change by the policy and roster it found, not by what it brought.

    Args:
        told: What the ledger says.
        policies: Digest to policy.

    Yields:
        Each change that was not approved as it should have been.
    """
    for entry, event in told.events:
        if isinstance(event, ChangeActivated):
            try:
                _check_change(told, policies, entry, event)
            except GovernanceError as error:
                message = f"{safe(event.change, 40)}: {error.message}"
                yield finding(PROOFS, "signature", message)


def policy_of(policies: Mapping[str, Policy], state: WorkspaceState) -> Policy:
    """Return the policy in force.

    Args:
        policies: Digest to policy.
        state: As of when.

    Raises:
        IntegrityError: If the export does not hold it.
    """
    digest = str(state.policy.get("digest"))
    policy = policies.get(digest)
    if policy is None:
        raise IntegrityError(
            f"the policy in force, {safe(digest, 64)}, is not in the export"
        )
    return policy


def in_words(approval: Approval) -> str:
    """Say what an approval lacks, and why what is there does not count."""
    why = [f"{safe(who.principal, 80)}: {said}" for who, said in approval.dismissed]
    return "; ".join((f"missing {', '.join(approval.missing)}", *why))


def _check_change(
    told: Told, policies: Mapping[str, Policy], entry: Entry, event: ChangeActivated
) -> None:
    before, after = told.before(entry.sequence), told.before(entry.sequence + 1)
    record = before.changes[event.change]
    digest = change_digest(before.origin, record.id, record.kind, record.subject)
    if digest != record.digest:
        raise IntegrityError("its digest is not that of what it changes")
    _verify_hands(record, before.roster)
    approval = judge_change(
        policy_of(policies, before),
        record.id,
        record.digest,
        [s for s in record.signoffs if not record.concerns(s.principal, s.key)],
        Proposal(record.proposer, record.key),
        before.roster,
        at=entry.sequence,
        now=entry.time,
    )
    if approval.missing:
        raise IntegrityError(f"it took effect, {in_words(approval)}")
    copy = sha256_hex(allowed_signers_text(after.roster).encode())
    if copy != event.allowed_signers:
        raise IntegrityError("the roster after it is another: a change is not cited")


def _verify_hands(record: ChangeRecord, roster: Roster) -> None:
    """Verify every signature a change rests on.

    Raises:
        GovernanceError: If one is not that of who it names.
    """
    owner = roster.find(record.proposer, record.sequence)
    if owner is None or owner.key != record.key:
        raise IntegrityError("who proposed it was not on the roster with that key")
    key = parse_public_key(record.key)
    verify(record.signature, record.digest.encode(), PROPOSAL_NAMESPACE, key)
    for signed in record.signoffs:
        message = canonical_bytes(signed.document)
        key = parse_public_key(signed.key)
        verify(signed.signature, message, SIGNOFF_NAMESPACE, key)
