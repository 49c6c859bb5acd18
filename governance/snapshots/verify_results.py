"""Are the figures in ``edits.json`` those of the evidence that reviewers signed."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from governance.canonical import JSON
from governance.domain.events import EditsChecked
from governance.domain.request import EditRequest
from governance.errors import IntegrityError
from governance.policy.model import Policy
from governance.snapshots.differing import difference
from governance.snapshots.findings import ExportFinding, finding
from governance.snapshots.manifest import LIMIT, Manifest
from governance.snapshots.measured import results_of, rules_of
from governance.snapshots.proofs import PROOFS
from governance.snapshots.reading import parse_json, read_limited
from governance.snapshots.record import EDITS, EVIDENCE
from governance.snapshots.verify_log import Told
from governance.snapshots.verify_policies import Kept
from governance.snapshots.verify_record import ProposedEdit
from governance.snapshots.verify_story import Case, case_of

EVIDENCE_FORMAT = "governance/evidence/v1"
# What a check says of a rule beside words: its message is for people.
_JUDGED = ("edit", "rule", "outcome", "value", "limit", "bound", "n", "low", "high")


class Measurements:
    """Figures made again from evidence.

    Args:
        folder: The export.
        manifest: What it says of itself.
        intact: Files whose bytes are as the manifest says.
        told: What the ledger says.
        kept: Documents the export holds.
        policies: Digest to policy.
    """

    def __init__(
        self,
        folder: Path,
        manifest: Manifest,
        intact: frozenset[str],
        told: Told,
        kept: Kept,
        policies: Mapping[str, Policy],
    ) -> None:
        self._folder = folder
        self._manifest = manifest
        self._intact = intact
        self._told = told
        self._kept = kept
        self._policies = policies

    def findings(
        self, document: Mapping[str, JSON], edits: Sequence[ProposedEdit]
    ) -> Iterator[ExportFinding]:
        """Yield evidence that is of something else, and figures that are not its own.

        Args:
            document: ``edits.json``.
            edits: The snapshot's edits, as that has them.
        """
        wanted: list[JSON] = []
        judged: set[str] = set()
        for edit in edits:
            try:
                case = case_of(self._told, edit)
            except IntegrityError:
                return  # Reported where its approvals are weighed.
            digest = case.checked[1].evidence
            path = f"{EVIDENCE}/{digest}.json"
            if path not in self._intact or self._manifest.files[path].sha256 != digest:
                return  # Reported as missing, or as changed.
            try:
                evidence = self._evidence(path, case)
                if path not in judged:
                    yield from self._verdict(case, evidence)
                judged.add(path)
                rules = case.checked[1].rules
                wanted += map(asdict, results_of(evidence, rules, edit.id))
            except IntegrityError as error:
                yield finding(path, "proof", error.message)
                return
        odd = difference(wanted, document.get("results"), "results")
        if odd is not None:
            yield finding(EDITS, "proof", f"the signed evidence says otherwise: {odd}")

    def _evidence(self, path: str, case: Case) -> Mapping[str, JSON]:
        """Read evidence, and see that it is of the candidate it was stored for.

        Raises:
            IntegrityError: If it is not.
        """
        document = parse_json(read_limited(self._folder / path, path, LIMIT), path)
        if not isinstance(document, Mapping):
            raise IntegrityError(f"it is no {EVIDENCE_FORMAT}")
        (_, applied), (_, checked) = case.applied, case.checked
        wanted: dict[str, JSON] = {
            "format": EVIDENCE_FORMAT,
            "model": self._manifest.snapshot.base,
            "candidate": applied.candidate,
            "suite": checked.suite,
            "edits": {
                name: self._told.proposals[name][1].digest for name in checked.edits
            },
        }
        found = {key: document.get(key) for key in wanted}
        odd = difference(wanted, found)
        if odd is not None:
            raise IntegrityError(f"it is evidence of something else: {odd}")
        return document

    def _verdict(
        self, case: Case, evidence: Mapping[str, JSON]
    ) -> Iterator[ExportFinding]:
        """Judge evidence again by the policy its check names."""
        entry, checked = case.checked
        policy = self._policies.get(checked.policy)
        if policy is None:
            return  # Reported where approvals are weighed.
        outcome, rules = rules_of(policy, self._requests(checked), evidence)
        wanted: JSON = {"outcome": outcome, "rules": [_said(row) for row in rules]}
        found: JSON = {
            "outcome": checked.outcome,
            "rules": [_said(row) for row in checked.rules],
        }
        odd = difference(wanted, found)
        if odd is not None:
            message = f"entry {entry.sequence} judges its evidence otherwise: {odd}"
            yield finding(PROOFS, "proof", message)

    def _requests(self, checked: EditsChecked) -> dict[str, EditRequest]:
        proposals = self._told.proposals
        return {name: self._kept.request(proposals[name][1]) for name in checked.edits}


def _said(row: Mapping[str, JSON]) -> dict[str, JSON]:
    return {key: row.get(key) for key in _JUDGED}
