"""Was every edit approved as the policy of its own day asked.

Each is judged by the policy and the roster that were in force at the very entry that
made it live: a policy that came later neither saves nor condemns it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from governance.canonical import canonical_bytes
from governance.domain.events import (
    EditProposed,
    EditReverted,
    EditsChecked,
    SignOffGiven,
    SnapshotActivated,
    SnapshotRestored,
)
from governance.domain.signoff import Decision, Signed
from governance.errors import IntegrityError
from governance.ledger.entry import Entry
from governance.policy.evaluate import required_approvals
from governance.policy.model import Policy
from governance.policy.signoffs import (
    Approval,
    Proposal,
    Subject,
    judge_rollback,
    judge_signoffs,
)
from governance.snapshots.findings import ExportFinding, finding
from governance.snapshots.manifest import Manifest
from governance.snapshots.proofs import PROOFS
from governance.snapshots.record import EDITS, EVIDENCE, SIGNOFFS
from governance.snapshots.verify_changes import in_words, policy_of
from governance.snapshots.verify_log import Told, signed_in, went_live
from governance.snapshots.verify_policies import Kept
from governance.snapshots.verify_record import ProposedEdit
from governance.snapshots.verify_rollbacks import refusal, same
from governance.snapshots.verify_signatures import Vouched
from governance.snapshots.verify_story import Case, case_of, check_stays
from governance.text import safe

# All that was solved and measured lies behind the head its approver signed.
_BLIND = "signed without having seen the check"


class Court:
    """Judges edits by the entries of a log.

    Args:
        manifest: What the export says of itself.
        told: What the ledger says.
        kept: Documents the export holds.
        policies: Digest to policy.
        vouched: Statements whose signatures verify.
    """

    def __init__(
        self,
        manifest: Manifest,
        told: Told,
        kept: Kept,
        policies: Mapping[str, Policy],
        vouched: Sequence[Vouched],
    ) -> None:
        self._manifest = manifest
        self._told = told
        self._kept = kept
        self._policies = policies
        self._vouched = {(one.message, one.signature, one.key.text) for one in vouched}

    def findings(self, edits: Sequence[ProposedEdit]) -> Iterator[ExportFinding]:
        """Yield what was not approved as it should have been."""
        activated = set()
        found = went_live(self._manifest, self._told)
        for edit in edits:
            try:
                case = case_of(self._told, edit)
                activated.add((case.applied[1].candidate, case.live.sequence))
                if found is not None:
                    check_stays(self._told, edit.id, case, found[0])
                approval = self._weigh(case)
            except IntegrityError as error:
                yield finding(EDITS, "proof", f"edit {edit.id}: {error.message}")
                continue
            if approval.missing:
                message = f"edit {edit.id}: {in_words(approval)}"
                yield finding(SIGNOFFS, "signature", message)
        yield from self._return(activated)

    def _weigh(self, case: Case) -> Approval:
        """Weigh the sign-offs of a candidate at the entry that made it live."""
        (solved_at, applied), (checked_at, checked), live = (
            case.applied,
            case.checked,
            case.live,
        )
        state = self._told.before(live.sequence)
        policy = policy_of(self._policies, state)
        if applied.model != self._manifest.model:
            raise IntegrityError("it was solved on another model")
        if sorted(checked.edits) != sorted(applied.edits):
            raise IntegrityError("its check measured other edits than were solved")
        self._check_evidence(policy, checked)
        proposed = [self._proposed(name, solved_at) for name in applied.edits]
        signoffs = [
            signed
            for entry, event in self._told.events
            if isinstance(event, SignOffGiven)
            and event.candidate == applied.candidate
            and checked_at.sequence < entry.sequence < live.sequence
            and (signed := signed_in(entry)) is not None
            and self._vouches(signed)
        ]
        # What was signed for something else, the policy dismisses with that reason.
        blind = [
            (one, _BLIND)
            for one in signoffs
            if one.document.get("candidate") == applied.candidate
            and one.document.get("decision") == Decision.APPROVE
            and _saw(one) < checked_at.sequence
        ]
        approval = judge_signoffs(
            policy,
            Subject(
                edits=tuple(event.digest for _, event in proposed),
                candidate=applied.candidate,
                evidence=checked.evidence,
                policy=policy.digest,
            ),
            [one for one in signoffs if (one, _BLIND) not in blind],
            [Proposal(entry.actor, event.key) for entry, event in proposed],
            state.roster,
            at=live.sequence,
            now=live.time,
            required=required_approvals(
                policy, [self._kept.request(event) for _, event in proposed]
            ),
        )
        return replace(approval, dismissed=(*approval.dismissed, *blind))

    def _check_evidence(self, policy: Policy, checked: EditsChecked) -> None:
        enforced = policy.spec.enforcement == "enforce"
        if checked.outcome != "PASS" and enforced:
            raise IntegrityError("its evidence did not pass")
        if (checked.policy, checked.suite) != (policy.digest, policy.suite.digest):
            raise IntegrityError("its evidence is not by the policy in force")
        if f"{EVIDENCE}/{checked.evidence}.json" not in self._manifest.files:
            raise IntegrityError("the evidence it was checked by is not in the export")

    def _return(self, activated: set[tuple[str, int]]) -> Iterator[ExportFinding]:
        """Judge how the snapshot itself went live: approved, or returned to."""
        found = went_live(self._manifest, self._told)
        match found:
            case (entry, EditReverted() | SnapshotRestored() as event):
                yield from self._rollback(entry, event)
            case (entry, SnapshotActivated(snapshot=snapshot)):
                # What was taken back does not go live again by its old approvals.
                if (snapshot, entry.sequence) not in activated:
                    message = (
                        f"nobody signed for snapshot {snapshot} as entry "
                        f"{entry.sequence} makes it live"
                    )
                    yield finding(SIGNOFFS, "signature", message)
            case _:
                # The base is nobody's word; what is not cited at all was reported.
                return

    def _rollback(
        self, entry: Entry, event: EditReverted | SnapshotRestored
    ) -> Iterator[ExportFinding]:
        given = [
            (signed, refusal(self._told, event, other, signed))
            for earlier, other in self._told.events
            if earlier.sequence <= entry.sequence
            and (other is event or same(other, event))
            and (signed := signed_in(earlier)) is not None
            and self._vouches(signed)
        ]
        signatures = [signed for signed, why in given if why is None]
        state = self._told.before(entry.sequence)
        try:
            approval = judge_rollback(
                policy_of(self._policies, state),
                signatures,
                self._leaving(signatures),
                state.roster,
                reason=event.reason,
                at=entry.sequence,
                now=entry.time,
            )
        except IntegrityError as error:
            yield finding(PROOFS, "proof", error.message)
            return
        odd = [(signed, why) for signed, why in given if why is not None]
        if approval.missing:
            told = replace(approval, dismissed=(*approval.dismissed, *odd))
            message = (
                f"nobody signed for snapshot {event.snapshot} as entry "
                f"{entry.sequence} needs it: {in_words(told)}"
            )
            yield finding(SIGNOFFS, "signature", message)

    def _leaving(self, signatures: Sequence[Signed]) -> list[Proposal]:
        """Return who proposed the edits that signed statements take out."""
        lists = (signed.document.get("edits") for signed in signatures)
        leaving = {str(x) for said in lists if isinstance(said, list) for x in said}
        return [
            Proposal(entry.actor, event.key)
            for entry, event in self._told.proposals.values()
            if event.digest in leaving
        ]

    def _proposed(self, name: str, solved: Entry) -> tuple[Entry, EditProposed]:
        found = self._told.proposals.get(name)
        if found is None:
            raise IntegrityError(f"the proposal of {safe(name, 40)} is not cited")
        if found[0].sequence > solved.sequence:
            raise IntegrityError(f"{safe(name, 40)} was solved before it was proposed")
        return found

    def _vouches(self, signed: Signed) -> bool:
        message = canonical_bytes(signed.document)
        return (message, signed.signature, signed.key) in self._vouched


def _saw(signed: Signed) -> int:
    """Return how many entries there were when somebody signed, as they signed it."""
    match signed.document.get("head"):
        case {"size": int(size)}:
            return size
        case _:
            return 0
