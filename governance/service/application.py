"""The facade over an open workspace: each method one call into the module it names."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from governance.canonical import JSON
from governance.domain.lifecycle import EditState
from governance.domain.signoff import Decision, Head
from governance.service import (
    activating,
    allowing,
    change_records,
    change_rules,
    change_signing,
    change_views,
    changing,
    collecting,
    custody,
    history,
    jobs,
    looking,
    modelling,
    proposing,
    reading,
    records,
    reporting,
    rollback_withdrawing,
    signing,
    statistics,
    verification,
    views,
)
from governance.service.facade import Job, ProgressCallback
from governance.service.identity import actor_name
from governance.service.outside import keep_outside
from governance.service.selecting import the_edit, the_model
from governance.service.workspace import Workspace


class Application:
    """An open workspace, as both faces hold it.

    Args:
        workspace: What every action works with.
    """

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    def close(self) -> None:
        """Close the ledger."""
        self._workspace.ledger.close()

    # -- reading ---------------------------------------------------------------
    def header(self) -> views.Header:
        """Return what the first line of a screen shows."""
        return looking.header(self._workspace)

    def actor(self) -> str:
        """Return who an unsigned action would be recorded as."""
        workspace, state = self._workspace, self._workspace.state
        return actor_name(
            workspace.settings, workspace.layout, state.roster, state.size + 1
        )

    def head(self) -> Head:
        """Return the ledger's current head."""
        return self._workspace.ledger.head()

    def changed(self) -> int:
        """Return a number that differs when anybody wrote to the ledger."""
        return self._workspace.ledger.data_version()

    def edits(
        self, state: EditState | None = None, model: str | None = None
    ) -> tuple[views.EditSummary, ...]:
        """Return the inbox, newest first."""
        found = self._workspace.state
        if model is not None:
            the_model(found, model)
        return reading.summaries(found, state, model)

    def edit(self, edit_id: str) -> views.EditDetail:
        """Return one edit in full."""
        return reading.detail(self._workspace, edit_id)

    def report(self, edit_id: str, place: Path) -> bytes:
        """Return one edit as a page for people, to be written outside the workspace."""
        keep_outside(self._workspace, place)
        return reporting.edit_report(self._workspace, edit_id)

    def images(self, edit_id: str) -> tuple[views.ImageSet, ...]:
        """Return the images of the edit's newest evidence."""
        return reading.images(self._workspace, edit_id)

    def sheets(self, edit_id: str) -> tuple[Path, ...]:
        """Return the contact sheets of the edit's newest evidence."""
        return reading.sheets(self._workspace, edit_id)

    def snapshots(self, model: str | None = None) -> tuple[views.SnapshotSummary, ...]:
        """Return every snapshot, newest first, the base last."""
        if model is not None:
            the_model(self._workspace.state, model)
        return looking.snapshots(self._workspace, model)

    def snapshot(self, name: str, model: str | None = None) -> views.SnapshotDetail:
        """Return one snapshot by digest prefix, ``live``, ``base`` or edit id."""
        return looking.snapshot(self._workspace, name, model)

    def diff(
        self, first: str, second: str, model: str | None = None
    ) -> views.SnapshotDiff:
        """Return what differs between two snapshots."""
        return looking.difference(self._workspace, first, second, model)

    def models(self) -> tuple[views.ModelView, ...]:
        """Return the registered models."""
        found = self._workspace.state.models
        return tuple(looking.model_view(item) for _, item in sorted(found.items()))

    def model(self, name: str) -> views.ModelView:
        """Return one registered model."""
        return looking.model_view(the_model(self._workspace.state, name))

    def log(
        self, after: int = 0, limit: int | None = None
    ) -> tuple[views.LedgerRow, ...]:
        """Return ledger entries with a sequence above ``after``."""
        rows: list[views.LedgerRow] = []
        for entry in self._workspace.ledger.entries(after=max(after, 0)):
            if limit is not None and len(rows) >= limit:
                break
            rows.append(looking.row(entry))
        return tuple(rows)

    def verify(self, against: Path | None = None) -> views.LedgerVerdict:
        """Re-hash every entry and re-check every cited object and signature."""
        return verification.verify(self._workspace, against)

    def checkpoint(self) -> records.CheckpointView:
        """Return the head as a signed note, for somebody else to keep."""
        return custody.checkpoint(self._workspace)

    def state_at(self, time: str) -> records.StateView:
        """Return what was live at a time, under which policy, signed by whom."""
        return history.state_at(self._workspace, time)

    def backup(self, path: Path) -> records.BackupView:
        """Copy the ledger into a new file, verified; nothing is overwritten."""
        return custody.backup(self._workspace, path)

    def policy(self) -> views.PolicyView:
        """Return the policy in force."""
        return looking.policy_view(self._workspace.policy())

    def lacking(self) -> tuple[str, ...]:
        """Say what the roster lacks for the policy in force, and how to add it."""
        return tuple(change_rules.shortages(self._workspace))

    def reviewers(self) -> tuple[views.ReviewerView, ...]:
        """Return the roster."""
        roster = self._workspace.state.roster
        return tuple(looking.reviewer_view(item) for item in roster.reviewers)

    def changes(self) -> tuple[change_records.ChangeSummary, ...]:
        """Return every change of policy and roster, newest first."""
        return change_views.changes(self._workspace)

    def change(self, change_id: str) -> change_records.ChangeDetail:
        """Return one change in full."""
        return change_views.change(self._workspace, change_id)

    def allowed(self, edit_id: str) -> Mapping[str, str]:
        """Return each action's reason for being impossible now; empty if possible."""
        return allowing.reasons(self._workspace, edit_id)

    # -- acting, quick ---------------------------------------------------------
    def preview_proposal(self, path: Path) -> tuple[views.Finding, ...]:
        """Judge a request file as it stands, writing nothing."""
        found = proposing.judged_file(self._workspace, path)
        return tuple(
            views.Finding(item.rule, item.outcome.value, item.message) for item in found
        )

    def propose(self, paths: Sequence[Path]) -> tuple[views.EditSummary, ...]:
        """Validate, judge, sign and append every request, or none."""
        with self.holding():
            names = proposing.propose(self._workspace, paths)
        state = self._workspace.state
        return tuple(reading.summary(state, state.edits[name]) for name in names)

    def withdraw(self, edit_id: str, reason: str) -> views.Acted:
        """Take a proposal back."""
        name = proposing.withdraw(self._workspace, edit_id, reason)
        state = self._workspace.state
        record = the_edit(state, name)
        live = state.models[record.model].live
        return views.Acted((name,), record.state.value, live)

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
        wish = signing.Wish(decision, comment, role, candidate, evidence, seen)
        with self.holding():
            return signing.sign(self._workspace, edit_id, wish)

    def activate(
        self,
        snapshot: str,
        reason: str,
        *,
        model: str | None = None,
        seen: Head | None = None,
    ) -> views.Acted:
        """Return to the base or to what was live before."""
        with self.holding():
            return activating.activate(self._workspace, snapshot, reason, model, seen)

    def withdraw_revert(
        self,
        edit_id: str,
        reason: str,
        *,
        snapshot: str | None = None,
        seen: Head | None = None,
    ) -> views.Acted:
        """End a revert that waits for signatures; the edit stays."""
        with self.holding():
            return rollback_withdrawing.withdraw_revert(
                self._workspace, edit_id, reason, snapshot, seen
            )

    def withdraw_return(
        self,
        snapshot: str,
        reason: str,
        *,
        model: str | None = None,
        seen: Head | None = None,
    ) -> views.Acted:
        """End a return to an earlier snapshot that waits for signatures."""
        with self.holding():
            return rollback_withdrawing.withdraw_return(
                self._workspace, snapshot, reason, model, seen
            )

    def collect(self, *, dry_run: bool = False) -> records.CollectView:
        """Give back the tensors nobody can activate, and what killed actions left."""
        return collecting.collect(self._workspace, dry_run=dry_run)

    def propose_policy(self, name_or_file: str) -> change_records.ChangeDetail:
        """Propose that a policy comes into force."""
        with self.holding():
            name = changing.propose_policy(self._workspace, name_or_file)
        return self.change(name)

    def propose_reviewer(
        self,
        principal: str,
        public_key: Path,
        roles: Sequence[str],
        *,
        new_role: bool = False,
    ) -> change_records.ChangeDetail:
        """Propose that somebody joins the roster."""
        return self.change(
            changing.propose_reviewer(
                self._workspace, principal, public_key, roles, new_role=new_role
            )
        )

    def propose_revocation(
        self, principal: str, reason: str
    ) -> change_records.ChangeDetail:
        """Propose that somebody's key no longer counts."""
        return self.change(
            changing.propose_revocation(self._workspace, principal, reason)
        )

    def sign_change(
        self, change_id: str, wish: change_records.ChangeWish
    ) -> change_records.ChangeDetail:
        """Sign a decision on a change; the last approval makes it active."""
        with self.holding():
            name = change_signing.sign_change(self._workspace, change_id, wish)
        return self.change(name)

    def add_model(
        self, name: str, source: str, revision: str | None = None
    ) -> views.ModelView:
        """Hash a pipeline folder and register it."""
        with self.holding():
            added = modelling.add_model(self._workspace, name, source, revision)
        return self.model(added)

    def statistics(
        self, model: str | None = None
    ) -> tuple[records.StatisticsView, ...]:
        """Return the recorded key covariances, newest first."""
        return statistics.listed(self._workspace, model)

    def compute_statistics(
        self,
        captions: Path,
        progress: ProgressCallback,
        *,
        model: str | None = None,
        tokens: int | None = None,
    ) -> records.StatisticsView:
        """Compute key covariances from captions, store and record them."""
        with self.holding():
            return statistics.compute(
                self._workspace, captions, model, tokens, progress
            )

    def import_statistics(
        self, path: Path, *, model: str | None = None
    ) -> records.StatisticsView:
        """Check, store and record key covariances somebody else computed."""
        with self.holding():
            return statistics.adopt(self._workspace, path, model)

    def verify_model(self, name: str) -> views.ExportVerdict:
        """Compare a registered folder with what was recorded."""
        return modelling.verify_model(self._workspace, name)

    # -- acting, long ----------------------------------------------------------
    def holding(self) -> AbstractContextManager[None]:
        """Keep gc from what is stored meanwhile and not recorded yet."""
        return self._workspace.holding()

    def compute(self, job: Job, progress: ProgressCallback) -> Mapping[str, JSON]:
        """Do a job's work in this process; writes objects, never ledger entries."""
        with self.holding():
            return jobs.compute(self._workspace, job, progress)

    def finish(
        self, job: Job, result: Mapping[str, JSON], *, seen: Head | None = None
    ) -> Mapping[str, JSON]:
        """Record a job's result; returns the command's JSON document."""
        with self.holding():
            return jobs.finish(self._workspace, job, result, seen)

    def worker_command(self, job: Job) -> Sequence[str]:
        """Return the argv of a child process that computes ``job``."""
        return jobs.worker_command(self._workspace, job)
