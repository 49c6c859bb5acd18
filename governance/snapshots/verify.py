"""Verify an export offline, from nothing but the folder and keys one trusts."""

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TypeAlias, TypeVar

from governance.canonical import JSON
from governance.errors import (
    GovernanceError,
    IntegrityError,
    NotFoundError,
)
from governance.identity.allowed_signers import AllowedSigner
from governance.policy.model import Policy
from governance.snapshots.checked import Brought, checked_of
from governance.snapshots.findings import (
    ExportFinding,
    ExportVerdict,
    Problem,
    finding,
)
from governance.snapshots.manifest import Manifest, read_manifest
from governance.snapshots.names import MANIFEST
from governance.snapshots.proofs import PROOFS
from governance.snapshots.reading import SIGNERS_LIMIT, read_document, read_limited
from governance.snapshots.record import EDITS, POLICY, SIGNERS
from governance.snapshots.verify_approvals import Court
from governance.snapshots.verify_base import check_base, check_whole, verify_base
from governance.snapshots.verify_changes import verify_changes
from governance.snapshots.verify_files import check_is_export, verify_files
from governance.snapshots.verify_fresh import verify_fresh
from governance.snapshots.verify_held import read_held, read_pinned, verify_held
from governance.snapshots.verify_left_out import unlike, verify_left_out
from governance.snapshots.verify_listing import verify_listing
from governance.snapshots.verify_log import Told, tell, verify_agreement
from governance.snapshots.verify_model import verify_model
from governance.snapshots.verify_moved import verify_moved
from governance.snapshots.verify_pages import verify_pages
from governance.snapshots.verify_policies import Kept
from governance.snapshots.verify_proofs import ProvenLog, read_log
from governance.snapshots.verify_proposed import verify_proposed
from governance.snapshots.verify_record import (
    ProposedEdit,
    check_policy,
    read_edits,
    verify_evidence,
)
from governance.snapshots.verify_results import Measurements
from governance.snapshots.verify_rules import verify_kept, verify_policy
from governance.snapshots.verify_seals import verify_recorded, verify_seals
from governance.snapshots.verify_signatures import (
    Vouched,
    names,
    read_signers,
    unknown_proposers,
    verify_proposals,
    verify_statements,
)
from governance.snapshots.verify_solved import verify_sites, verify_solved

# (export, what it says of itself, paths whose bytes are as it says) -> findings
Check: TypeAlias = Callable[[Path, Manifest, frozenset[str]], Iterator[ExportFinding]]
# What is checked of a part's files beside their bytes.
CHECKS: tuple[Check, ...] = (verify_seals, verify_listing)
_MALFORMED = (
    GovernanceError,
    KeyError,
    TypeError,
    AttributeError,
    ValueError,
    RecursionError,
)
_Read = TypeVar("_Read")


def verify_export(
    folder: Path,
    allowed_signers: Path | None = None,
    ledger_key: Path | None = None,
    against: Path | None = None,
    base: Path | None = None,
) -> ExportVerdict:
    """Recompute everything an export says of itself, and name what differs.

    Args:
        folder: The export; nothing in it is trusted, and nothing in it is loaded.
        allowed_signers: Keys obtained elsewhere. Without them the export's own are
            used, and authorship is not proven.
        ledger_key: The ledger's key, obtained elsewhere; the export's ledger must be
            signed with it.
        against: A checkpoint kept from before; the export's ledger must continue it.
        base: The base model's folder; what no edit names must be its own.

    Returns:
        The verdict.

    Raises:
        NotFoundError: If there is no such folder, or no such file of keys.
        UsageError: If the folder is no export, a file of keys is malformed, a
            checkpoint is none, or the base is another folder.
    """
    if not folder.is_dir():
        raise NotFoundError(f"there is no export {folder}", "Give an export's folder.")
    check_is_export(folder)
    pinned = None if allowed_signers is None else read_pinned(allowed_signers)
    held = read_held(ledger_key, against)
    check_base(base)
    try:
        manifest = read_manifest(folder)
    except IntegrityError as error:
        there = os.path.lexists(folder / MANIFEST)
        problem: Problem = "changed" if there else "missing"
        found = finding(MANIFEST, problem, error.message)
        return ExportVerdict(ok=False, trust="self", findings=(found,))
    more: tuple[Check, ...] = ()
    if base is not None:
        check_whole(base, manifest)
        more = (partial(_with_base, base),)
    brought = Brought(pinned is not None, held, base)
    verdict = _Verification(folder, manifest, pinned, brought, more).verdict()
    note = None if base is None else unlike(manifest, base)
    return replace(verdict, notes=(*verdict.notes, *([note] if note else [])))


def _with_base(
    base: Path, folder: Path, manifest: Manifest, intact: frozenset[str]
) -> Iterator[ExportFinding]:
    yield from verify_base(folder, manifest, intact, base)
    yield from verify_moved(folder, manifest, intact, base)


class _Verification:
    """One pass over an export whose manifest can be read.

    Args:
        folder: The export.
        manifest: What it says of itself.
        pinned: Keys the caller trusts, if any.
        brought: What the caller brought.
        more: Checks beside those every export is held to.
    """

    def __init__(
        self,
        folder: Path,
        manifest: Manifest,
        pinned: tuple[AllowedSigner, ...] | None,
        brought: Brought,
        more: tuple[Check, ...] = (),
    ) -> None:
        self._folder = folder
        self._manifest = manifest
        self._pinned = pinned
        self._brought = brought
        self._log: ProvenLog | None = None
        self._proposed: tuple[ProposedEdit, ...] = ()
        self._checks = (*CHECKS, *more)
        self._findings: list[ExportFinding] = []
        self._intact: frozenset[str] = frozenset()

    def verdict(self) -> ExportVerdict:
        """Check everything, in the order in which one thing rests on another."""
        manifest = self._manifest
        self._intact, findings = verify_files(self._folder, manifest)
        self._findings.extend(findings)
        self._findings.extend(verify_model(self._folder, manifest, self._intact))
        self._findings.extend(verify_evidence(manifest))
        self._findings.extend(verify_left_out(manifest))
        for check in self._checks:
            self._findings.extend(check(self._folder, manifest, self._intact))
        vouched = self._signatures()
        notes: tuple[str, ...] = ()
        if not self._findings:
            # They repeat the record: beside a wrong one there is nothing to compare.
            findings, notes = verify_pages(self._folder, manifest)
            self._findings.extend(findings)
            if self._pinned is not None:
                unknown = unknown_proposers(self._proposed, self._pinned)
                notes = (*notes, *unknown)
        named = names(vouched, manifest.snapshot.digest)
        # Keys can only vouch for what was signed, and that is not what lies here.
        derived = manifest.form.words if manifest.form.derived else ""
        pinned = self._pinned is not None and named and not derived
        found = sorted(
            set(self._findings), key=lambda f: (f.path, f.problem, f.message)
        )
        checked: Mapping[str, JSON] = {}
        if not found and self._log is not None:
            checked = checked_of(
                manifest, self._proposed, vouched, self._log, self._brought
            )
        return ExportVerdict(
            ok=not found,
            trust="pinned" if pinned else "self",
            findings=tuple(found),
            derived=derived,
            notes=notes,
            checked=checked,
        )

    def _signatures(self) -> tuple[Vouched, ...]:
        edits, signers = self._edits(), self._signers()
        self._document(POLICY, lambda: check_policy(self._folder, self._manifest))
        vouched, findings = verify_statements(
            self._folder, self._intact, self._manifest, signers
        )
        self._findings.extend(findings)
        self._findings.extend(verify_proposals(edits, signers))
        log, findings = read_log(self._folder, self._manifest, self._intact)
        self._findings.extend(findings)
        if log is not None:
            found = verify_recorded(self._folder, self._intact, log.entries)
            self._findings.extend(found)
            self._findings.extend(verify_held(log, self._brought.held))
            self._findings.extend(self._judged(log, edits, vouched))
            self._log, self._proposed = log, edits
        return vouched

    def _judged(
        self,
        log: ProvenLog,
        edits: tuple[ProposedEdit, ...],
        vouched: tuple[Vouched, ...],
    ) -> tuple[ExportFinding, ...]:
        """Compare the export with its ledger, and judge by what that says."""
        folder, manifest = self._folder, self._manifest
        kept = Kept(folder, manifest, self._intact)
        policies, findings = kept.policies()
        try:
            told = tell(log)
            agreed = tuple(verify_agreement(folder, manifest, told, edits, vouched))
            proposed = (*verify_proposed(told), *verify_fresh(told))
            court = Court(manifest, told, kept, policies, vouched)
            ruled = tuple(verify_changes(told, policies))
            findings = (
                *findings,
                *verify_policy(folder, manifest, self._intact, policies),
                *verify_kept(manifest, told, policies),
            )
            return (
                *(*findings, *agreed, *proposed, *ruled, *court.findings(edits)),
                *self._stated(told, kept, policies, edits),
            )
        except _MALFORMED as error:
            # A forger's entries may hold anything at all: what is missing or of
            # another type is found wherever it is first used.
            message = f"an entry is not what its event should be: {error}"
            return (*findings, finding(PROOFS, "proof", message))

    def _stated(
        self,
        told: Told,
        kept: Kept,
        policies: Mapping[str, Policy],
        edits: tuple[ProposedEdit, ...],
    ) -> Iterator[ExportFinding]:
        """Make again what ``edits.json`` states beside requests and signatures."""
        if EDITS not in self._intact:
            return
        try:
            document = read_document(self._folder, EDITS)
        except IntegrityError:
            return  # Reported where the edits are read.
        measured = Measurements(
            self._folder, self._manifest, self._intact, told, kept, policies
        )
        yield from measured.findings(document, edits)
        yield from verify_solved(document, edits, told, kept)
        yield from verify_sites(document, self._manifest, told)

    def _edits(self) -> tuple[ProposedEdit, ...]:
        found = self._document(EDITS, lambda: read_edits(self._folder, self._manifest))
        return found or ()

    def _signers(self) -> tuple[AllowedSigner, ...]:
        own = self._document(SIGNERS, self._own_signers)
        return self._pinned if self._pinned is not None else own or ()

    def _own_signers(self) -> tuple[AllowedSigner, ...]:
        data = read_limited(self._folder / SIGNERS, SIGNERS, SIGNERS_LIMIT)
        return read_signers(data, SIGNERS)

    def _document(self, path: str, read: Callable[[], _Read]) -> _Read | None:
        """Read a document every export has; ``None`` once something was reported."""
        if path not in self._manifest.files:
            self._findings.append(finding(path, "missing", "every export has it"))
            return None
        if path not in self._intact:
            return None
        try:
            return read()
        except IntegrityError as error:
            self._findings.append(finding(path, "proof", error.message))
            return None
