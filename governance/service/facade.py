"""The one surface both faces hold: everything a person can see or do."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from governance.canonical import JSON
from governance.domain.lifecycle import EditState
from governance.domain.signoff import Decision, Head
from governance.service import change_records, records, views


class JobKind(StrEnum):
    """Work that takes seconds or more and never touches the ledger itself."""

    APPLY = "apply"
    CHECK = "check"
    PREVIEW = "preview"
    REVERT = "revert"
    EXPORT = "export"
    MEASURE = "measure"


@dataclass(frozen=True, slots=True)
class Job:
    """Long work in two halves: compute (any process), then finish (the ledger's).

    Args:
        kind: What is computed.
        arguments: JSON arguments, such as ``{"edits": ["E-0001"]}``.
    """

    kind: JobKind
    arguments: Mapping[str, JSON] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a step of a job is.

    Args:
        step: What is going on, in words: ``encode``, ``solve``, ``draw`` ...
        done: Units done.
        total: Units in all; 0 where unknown.
    """

    step: str
    done: int
    total: int


ProgressCallback = Callable[[Progress], None]


class Governance(Protocol):
    """An open workspace. Reads are cheap and current; writes are signed entries."""

    # -- reading ---------------------------------------------------------------
    def header(self) -> views.Header:
        """Return what the first line of a screen shows."""

    def actor(self) -> str:
        """Return who an unsigned action would be recorded as; ``local:LOGIN`` outside.

        Raises:
            NotFoundError: A name was given, and nobody on the roster has it.
        """

    def head(self) -> Head:
        """Return the ledger's current head."""

    def changed(self) -> int:
        """Return a number that differs when anybody wrote to the ledger."""

    def edits(
        self, state: EditState | None = None, model: str | None = None
    ) -> tuple[views.EditSummary, ...]:
        """Return the inbox, newest first."""

    def edit(self, edit_id: str) -> views.EditDetail:
        """Return one edit in full."""

    def report(self, edit_id: str, place: Path) -> bytes:
        """Return one edit as a page for people, which needs nothing but itself."""

    def images(self, edit_id: str) -> tuple[views.ImageSet, ...]:
        """Return the images of the edit's newest evidence."""

    def sheets(self, edit_id: str) -> tuple[Path, ...]:
        """Return the contact sheets of the edit's newest evidence."""

    def snapshots(self, model: str | None = None) -> tuple[views.SnapshotSummary, ...]:
        """Return every snapshot, newest first, the base last."""

    def snapshot(self, name: str, model: str | None = None) -> views.SnapshotDetail:
        """Return one snapshot by digest prefix, ``live``, ``base`` or edit id."""

    def diff(
        self, first: str, second: str, model: str | None = None
    ) -> views.SnapshotDiff:
        """Return what differs between two snapshots."""

    def models(self) -> tuple[views.ModelView, ...]:
        """Return the registered models."""

    def model(self, name: str) -> views.ModelView:
        """Return one registered model."""

    def log(
        self, after: int = 0, limit: int | None = None
    ) -> tuple[views.LedgerRow, ...]:
        """Return ledger entries with a sequence above ``after``."""

    def verify(self, against: Path | None = None) -> views.LedgerVerdict:
        """Re-hash every entry and re-check every cited object and signature.

        With ``against``, also prove that the ledger continues a kept checkpoint.
        """

    def checkpoint(self) -> records.CheckpointView:
        """Return the head as a signed note, for somebody else to keep."""

    def state_at(self, time: str) -> records.StateView:
        """Return what was live at a time, under which policy, signed by whom."""

    def backup(self, path: Path) -> records.BackupView:
        """Copy the ledger into a new file, verified; nothing is overwritten."""

    def policy(self) -> views.PolicyView:
        """Return the policy in force."""

    def lacking(self) -> tuple[str, ...]:
        """Say what the roster lacks for the policy in force, and how to add it."""

    def reviewers(self) -> tuple[views.ReviewerView, ...]:
        """Return the roster."""

    def changes(self) -> tuple[change_records.ChangeSummary, ...]:
        """Return every change of policy and roster, newest first."""

    def change(self, change_id: str) -> change_records.ChangeDetail:
        """Return one change in full."""

    def allowed(self, edit_id: str) -> Mapping[str, str]:
        """Return each action's reason for being impossible now; empty if possible.

        Keys: ``approve``, ``reject``, ``apply``, ``check``, ``revert``,
        ``withdraw``, ``export``.
        """

    # -- acting, quick ---------------------------------------------------------
    def preview_proposal(self, path: Path) -> tuple[views.Finding, ...]:
        """Judge a request file as it stands, writing nothing."""

    def propose(self, paths: Sequence[Path]) -> tuple[views.EditSummary, ...]:
        """Validate, judge, sign and append every request, or none."""

    def withdraw(self, edit_id: str, reason: str) -> views.Acted:
        """Take a proposal back."""

    def sign(
        self,
        edit_id: str,
        decision: Decision,
        comment: str,
        *,
        role: str | None = None,
        candidate: str | None = None,
        evidence: str | None = None,
        seen: Head | None = None,
    ) -> views.Acted:
        """Sign exactly this candidate and evidence; the last one activates it."""

    def activate(
        self,
        snapshot: str,
        reason: str,
        *,
        model: str | None = None,
        seen: Head | None = None,
    ) -> views.Acted:
        """Return to the base or to what was live before."""

    def withdraw_revert(
        self,
        edit_id: str,
        reason: str,
        *,
        snapshot: str | None = None,
        seen: Head | None = None,
    ) -> views.Acted:
        """End a revert that waits for signatures; the edit stays."""

    def withdraw_return(
        self,
        snapshot: str,
        reason: str,
        *,
        model: str | None = None,
        seen: Head | None = None,
    ) -> views.Acted:
        """End a return to an earlier snapshot that waits for signatures."""

    def collect(self, *, dry_run: bool = False) -> records.CollectView:
        """Give back the tensors nobody can activate, and what killed actions left."""

    def propose_policy(self, name_or_file: str) -> change_records.ChangeDetail:
        """Propose that a policy comes into force."""

    def propose_reviewer(
        self,
        principal: str,
        public_key: Path,
        roles: Sequence[str],
        *,
        new_role: bool = False,
    ) -> change_records.ChangeDetail:
        """Propose that somebody joins the roster."""

    def propose_revocation(
        self, principal: str, reason: str
    ) -> change_records.ChangeDetail:
        """Propose that somebody's key no longer counts."""

    def sign_change(
        self, change_id: str, wish: change_records.ChangeWish
    ) -> change_records.ChangeDetail:
        """Sign a decision on a change; the last approval makes it active."""

    def add_model(
        self, name: str, source: str, revision: str | None = None
    ) -> views.ModelView:
        """Hash a pipeline folder and register it."""

    def statistics(
        self, model: str | None = None
    ) -> tuple[records.StatisticsView, ...]:
        """Return the recorded key covariances, newest first."""

    def compute_statistics(
        self,
        captions: Path,
        progress: ProgressCallback,
        *,
        model: str | None = None,
        tokens: int | None = None,
    ) -> records.StatisticsView:
        """Compute key covariances from captions, store and record them."""

    def import_statistics(
        self, path: Path, *, model: str | None = None
    ) -> records.StatisticsView:
        """Check, store and record key covariances somebody else computed."""

    def verify_model(self, name: str) -> views.ExportVerdict:
        """Compare a registered folder with what was recorded."""

    # -- acting, long ----------------------------------------------------------
    def holding(self) -> AbstractContextManager[None]:
        """Keep gc from what is stored meanwhile and not recorded yet.

        Every call that acts holds for itself; hold from before ``compute``, here or in
        a child, until after ``finish``.
        """

    def compute(self, job: Job, progress: ProgressCallback) -> Mapping[str, JSON]:
        """Do a job's work; writes objects, never ledger entries.

        Runs in this process. ``governance.service.worker`` runs it in a child.
        """

    def finish(
        self, job: Job, result: Mapping[str, JSON], *, seen: Head | None = None
    ) -> Mapping[str, JSON]:
        """Record a job's result (signed where the action asks for it).

        Returns:
            The command's JSON document.
        """

    def worker_command(self, job: Job) -> Sequence[str]:
        """Return the argv of a child process that computes ``job``.

        The child prints JSON lines: ``{"event": "progress", "step", "done",
        "total"}``, ``{"event": "log", "text"}``, then ``{"event": "result",
        "value"}`` or ``{"event": "error", "type", "message", "hint",
        "exit_code"}``.
        """
