"""A complete workspace in memory: same protocol, no ledger, no model."""
# ruff: noqa: ARG002 - arguments are the protocol's

import hashlib
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path

from PIL import Image, ImageDraw

from governance.canonical import JSON
from governance.domain.lifecycle import EditState, EvidenceStatus
from governance.domain.signoff import Decision, Head
from governance.errors import (
    GovernanceError,
    NotFoundError,
    RequestError,
    WrongStateError,
)
from governance.service import change_records, records, views
from governance.service.facade import Job, ProgressCallback

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGovernanceGovernanceGovernanceGovernan"
ACTS = ("approve", "reject", "apply", "check", "revert", "withdraw", "export")


def sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def pngs(folder: Path, seed: int) -> tuple[Path, Path, Path]:
    """Draw base, live and candidate of one seed: the rose turns from red to blue."""
    paths = []
    for name, colour in (("base", "red"), ("live", "red"), ("candidate", "blue")):
        path = folder / f"{name}-{seed}.png"
        if not path.exists():
            image = Image.new("RGB", (64, 64), (230, 225, 210))
            draw = ImageDraw.Draw(image)
            left = 6 + seed * 5 % 20
            draw.ellipse((left, 10, left + 30, 40), fill=colour)
            draw.rectangle((left + 13, 40, left + 17, 62), fill="green")
            image.save(path)
        paths.append(path)
    return paths[0], paths[1], paths[2]


class FakeGovernance:
    """Everything a face can see and do; remembers what was written."""

    def __init__(self, folder: Path, *, readonly: bool = False) -> None:
        self.folder = folder
        self.readonly = readonly
        self.number = 1
        self.entries = 41
        self.written: list[tuple[str, ...]] = []
        self.refusal: GovernanceError | None = None
        self.broken_at: int | None = None
        self.details: dict[str, views.EditDetail] = {}
        self.reasons: dict[str, dict[str, str]] = {}
        self.argv: list[str] = [sys.executable, "-c", ""]
        self.finished: list[tuple[Job, Mapping[str, JSON], Head | None]] = []
        self.findings: tuple[views.Finding, ...] = (
            views.Finding("method", "PASS", "uce may erase"),
        )
        self.previewed: list[Path] = []
        self.threads: set[int] = set()
        self.image_count = 4
        self.payload = ""
        self.proposed_changes: dict[str, change_records.ChangeDetail] = {}
        self.roster: tuple[views.ReviewerView, ...] = ()
        self.policy_spec: Mapping[str, JSON] = {}
        self.waiting: dict[str, tuple[views.RollbackView, ...]] = {}
        self.released: set[str] = set()

    # -- building --------------------------------------------------------------
    def add(
        self,
        edit_id: str,
        title: str,
        state: EditState = EditState.PROPOSED,
        evidence: EvidenceStatus = EvidenceStatus.NOT_RUN,
        **changes: object,
    ) -> views.EditDetail:
        summary = views.EditSummary(
            id=edit_id,
            title=title,
            action="erase",
            method="uce",
            model="miniature",
            state=state,
            evidence=evidence,
            proposer="ann",
            time="2026-11-20T10:00:00Z",
        )
        applied = state not in (EditState.PROPOSED, EditState.WITHDRAWN)
        checked = evidence is not EvidenceStatus.NOT_RUN
        detail = views.EditDetail(
            id=edit_id,
            state=state,
            evidence=evidence,
            summary=summary,
            request={
                "metadata": {"title": title, "rationale": "Takedown request"},
                "spec": {
                    "concepts": [{"source": "Kora", "destination": "art"}],
                    "preserve": ["Lume", "Mondo", ""],
                    "parameters": {"lambda": 0.5},
                },
            },
            effective_parameters={"lambda": 0.5, "tokens": "tail"},
            digest=sha(f"request {edit_id}"),
            findings=(views.Finding("protected", "PASS", "nothing protected"),),
            candidate=sha(f"candidate {edit_id}") if applied else None,
            candidate_edits=(edit_id,) if applied else (),
            evidence_digest=sha(f"evidence {edit_id}") if checked else None,
            certificate=(views.CertificateRow(edit_id, "Kora", 0.0021, 0.013, 812.0),)
            if applied
            else (),
            sites=(
                views.SiteNorm("unet/mid_block.attn2.to_k", 1.25),
                views.SiteNorm("unet/mid_block.attn2.to_v", 0.61),
            )
            if applied
            else (),
            conflicts=(),
            verdict=verdict(evidence) if checked else None,
            metrics={
                "efficacy": {
                    "base": {"value": 0.02, "low": 0.0, "high": 0.11, "n": 48},
                    "candidate": {"value": 0.96, "low": 0.86, "high": 0.99, "n": 48},
                }
            }
            if checked
            else {},
            signoffs=(),
            missing=("1 approval",) if state is EditState.APPLIED else (),
        )
        detail = replace(detail, **changes)  # type: ignore[arg-type]
        self.details[edit_id] = detail
        self.reasons[edit_id] = dict.fromkeys(ACTS, "")
        return detail

    def somebody_writes(self) -> None:
        self.entries += 1
        self.number += 1

    def _wrote(self, *what: str) -> None:
        if self.refusal is not None:
            raise self.refusal
        self.written.append(what)
        self.threads.add(threading.get_ident())
        self.somebody_writes()

    # -- reading ---------------------------------------------------------------
    def header(self) -> views.Header:
        return views.Header(
            workspace=Path("/srv") / ("demo-workspace" + self.payload.replace("/", "")),
            origin="demo",
            models=("miniature" + self.payload,),
            policy_name="default" + self.payload,
            policy_version=1,
            principal="ben" + self.payload,
            fingerprint=self.payload + "SHA256:abcdefghijklmnopqrstuvwxyz",
            readonly=self.readonly,
        )

    def actor(self) -> str:
        return "ana"

    def head(self) -> Head:
        return Head(self.entries, sha(f"head {self.entries}"))

    def changed(self) -> int:
        return self.number

    def edits(
        self, state: EditState | None = None, model: str | None = None
    ) -> tuple[views.EditSummary, ...]:
        found = [item.summary for item in reversed(self.details.values())]
        return tuple(
            item
            for item in found
            if state in (None, item.state) and model in (None, item.model)
        )

    def edit(self, edit_id: str) -> views.EditDetail:
        if edit_id not in self.details:
            raise NotFoundError(f"edit {edit_id}: does not exist")
        return self.details[edit_id]

    def report(self, edit_id: str, place: Path) -> bytes:
        del place
        return f"<!doctype html>{edit_id}".encode()

    def images(self, edit_id: str) -> tuple[views.ImageSet, ...]:
        if self.edit(edit_id).evidence_digest is None:
            return ()
        return tuple(
            views.ImageSet(prompt + self.payload, seed, *pngs(self.folder, seed))
            for prompt in ("a painting by Kora", "a rose on the beach")
            for seed in range(self.image_count)
        )

    def sheets(self, edit_id: str) -> tuple[Path, ...]:
        return (self.folder / f"{edit_id}-sheet.png",)

    def snapshots(self, model: str | None = None) -> tuple[views.SnapshotSummary, ...]:
        rows = (
            ("three", ("E-0002", "E-0003"), True, True, False),
            ("two", ("E-0002",), False, True, False),
            ("candidate", ("E-0002", "E-0004"), False, False, False),
            ("base", (), False, True, True),
        )
        return tuple(
            views.SnapshotSummary(
                digest=sha(name),
                created="2026-11-20T10:00:00Z",
                edits=edits,
                live=live,
                model="miniature",
                was_live=was,
                is_base=base,
                waiting=self.waiting.get(name, ()),
                released=name in self.released,
            )
            for name, edits, live, was, base in rows
            if model in (None, "miniature")
        )

    def snapshot(self, name: str, model: str | None = None) -> views.SnapshotDetail:
        for item in self.snapshots(model):
            if item.digest.startswith(name) or (name == "live" and item.live):
                return views.SnapshotDetail(
                    digest=item.digest,
                    created=item.created,
                    edits=item.edits,
                    live=item.live,
                    model=item.model,
                    was_live=item.was_live,
                    is_base=item.is_base,
                    waiting=item.waiting,
                    released=item.released,
                    tensors={
                        "unet/x.safetensors:mid.to_k" + self.payload: sha("tensor")
                    },
                )
        raise NotFoundError(f"snapshot {name}: does not exist")

    def diff(
        self, first: str, second: str, model: str | None = None
    ) -> views.SnapshotDiff:
        a, b = self.snapshot(first, model), self.snapshot(second, model)
        return views.SnapshotDiff(
            added=tuple(item for item in b.edits if item not in a.edits),
            removed=tuple(item for item in a.edits if item not in b.edits),
            tensors=(views.SiteNorm("unet/mid_block.to_k" + self.payload, 1.25),),
        )

    def models(self) -> tuple[views.ModelView, ...]:
        return (
            views.ModelView(
                name="miniature",
                path=Path("/srv/models/miniature" + self.payload.replace("\0", "")),
                digest=sha("model"),
                family="sd1" + self.payload,
                files=(views.ModelFile("unet/x.safetensors", 9_800_000, sha("f")),),
                live=sha("three"),
                base=sha("base"),
            ),
        )

    def model(self, name: str | None = None) -> views.ModelView:
        return self.models()[0]

    def log(
        self, after: int = 0, limit: int | None = None
    ) -> tuple[views.LedgerRow, ...]:
        first = max(after, 0) + 1
        last = self.entries if limit is None else min(self.entries, first + limit - 1)
        return tuple(self._entry(number) for number in range(first, last + 1))

    def _entry(self, number: int) -> views.LedgerRow:
        return views.LedgerRow(
            sequence=number,
            time="2026-11-20T10:00:00Z",
            event="WorkspaceCreated" if number == 1 else "SignOffGiven",
            actor="ann" + self.payload,
            digest=sha(f"entry {number}"),
            payload={
                "data": {
                    "edits": ["E-0001" + self.payload],
                    "decision": "approve" + self.payload,
                }
            },
        )

    def checkpoint(self) -> records.CheckpointView:
        head = self.head()
        return records.CheckpointView("fake", head.size, head.root, "fake\n")

    def state_at(self, time: str) -> records.StateView:
        policy = records.PolicyThen("default", 1, sha("policy"))
        return records.StateView(time, self.head().size, {}, (), policy, (), ())

    def backup(self, path: Path) -> records.BackupView:
        head = self.head()
        return records.BackupView(path, head.size, views.HeadView(head.size, head.root))

    def verify(self, against: Path | None = None) -> views.LedgerVerdict:
        head = self.head()
        return views.LedgerVerdict(
            ok=self.broken_at is None,
            entries=head.size,
            head=views.HeadView(head.size, head.root),
            first_bad=self.broken_at,
            message=""
            if self.broken_at is None
            else "payload does not hash" + self.payload,
        )

    def policy(self) -> views.PolicyView:
        return views.PolicyView("default", 1, sha("policy"), self.policy_spec)

    def lacking(self) -> tuple[str, ...]:
        return ()

    def reviewers(self) -> tuple[views.ReviewerView, ...]:
        return self.roster

    def changes(self) -> tuple[change_records.ChangeSummary, ...]:
        return tuple(
            change_records.ChangeSummary(
                item.id,
                item.kind,
                item.state,
                item.missing,
                item.summary,
                item.proposer,
                item.time,
                item.fingerprint,
            )
            for item in reversed(self.proposed_changes.values())
        )

    def change(self, change_id: str) -> change_records.ChangeDetail:
        if change_id not in self.proposed_changes:
            raise NotFoundError(f"change {change_id} does not exist")
        return self.proposed_changes[change_id]

    def propose_policy(self, name_or_file: str) -> change_records.ChangeDetail:
        return self.change(name_or_file)

    def propose_reviewer(
        self,
        principal: str,
        public_key: Path,
        roles: Sequence[str],
        *,
        new_role: bool = False,
    ) -> change_records.ChangeDetail:
        return self.change(principal)

    def propose_revocation(
        self, principal: str, reason: str
    ) -> change_records.ChangeDetail:
        return self.change(principal)

    def sign_change(
        self, change_id: str, wish: change_records.ChangeWish
    ) -> change_records.ChangeDetail:
        if wish.seen != self.head():
            raise WrongStateError("ledger: changed while you looked")
        self._wrote(
            "sign_change",
            change_id,
            wish.decision.value,
            wish.comment,
            wish.digest or "",
        )
        return self.change(change_id)

    def allowed(self, edit_id: str) -> Mapping[str, str]:
        return self.reasons[edit_id]

    # -- acting, quick ---------------------------------------------------------
    def preview_proposal(self, path: Path) -> tuple[views.Finding, ...]:
        self.previewed.append(path)
        if path.suffix != ".yaml":
            raise RequestError(f"{path.name}: expected a YAML file")
        return self.findings

    def propose(self, paths: Sequence[Path]) -> tuple[views.EditSummary, ...]:
        self._wrote("propose", *(str(path) for path in paths))
        return (self.add("E-0099", "Proposed from the file").summary,)

    def withdraw(self, edit_id: str, reason: str) -> views.Acted:
        self._wrote("withdraw", edit_id, reason)
        return views.Acted((edit_id,), "WITHDRAWN", sha("three"))

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
        if seen != self.head():
            raise WrongStateError("ledger: changed while you looked")
        self._wrote(
            "sign", edit_id, decision.value, comment, candidate or "", evidence or ""
        )
        return views.Acted((edit_id,), "APPLIED", sha("three"), ("1 approval",))

    def withdraw_revert(
        self,
        edit_id: str,
        reason: str,
        *,
        snapshot: str | None = None,
        seen: Head | None = None,
    ) -> views.Acted:
        self._wrote("withdraw_revert", edit_id, reason)
        return views.Acted((edit_id,), "LIVE", sha("three"))

    def withdraw_return(
        self,
        snapshot: str,
        reason: str,
        *,
        model: str | None = None,
        seen: Head | None = None,
    ) -> views.Acted:
        self._wrote("withdraw_return", snapshot, reason)
        return views.Acted((), "LIVE", sha("three"))

    def collect(self, *, dry_run: bool = False) -> records.CollectView:
        return records.CollectView(0, (), (), (), dry_run)

    def activate(
        self,
        snapshot: str,
        reason: str,
        *,
        model: str | None = None,
        seen: Head | None = None,
    ) -> views.Acted:
        if seen != self.head():
            raise WrongStateError("ledger: changed while you looked")
        self._wrote("activate", snapshot, reason)
        return views.Acted((), "LIVE", snapshot)

    def add_model(
        self, name: str, source: str, revision: str | None = None
    ) -> views.ModelView:
        raise NotFoundError(f"{source}: no such folder")

    def statistics(
        self, model: str | None = None
    ) -> tuple[records.StatisticsView, ...]:
        return ()

    def compute_statistics(
        self,
        captions: Path,
        progress: ProgressCallback,
        *,
        model: str | None = None,
        tokens: int | None = None,
    ) -> records.StatisticsView:
        raise NotFoundError(f"captions {captions}: no such file")

    def import_statistics(
        self, path: Path, *, model: str | None = None
    ) -> records.StatisticsView:
        raise NotFoundError(f"statistics {path}: no such file")

    def verify_model(self, name: str) -> views.ExportVerdict:
        return views.ExportVerdict(ok=True, trust="self", findings=())

    # -- acting, long ----------------------------------------------------------
    def holding(self) -> AbstractContextManager[None]:
        return nullcontext()

    def compute(self, job: Job, progress: ProgressCallback) -> Mapping[str, JSON]:
        raise WrongStateError("fake: computes only in children")

    def finish(
        self, job: Job, result: Mapping[str, JSON], *, seen: Head | None = None
    ) -> Mapping[str, JSON]:
        self._wrote("finish", job.kind.value)
        self.finished.append((job, result, seen))
        return {"outcome": "PASS"}

    def worker_command(self, job: Job) -> Sequence[str]:
        return self.argv


def verdict(evidence: EvidenceStatus) -> views.Verdict:
    failing = evidence is EvidenceStatus.FAIL
    rules = (
        views.RuleResult(
            "efficacy", "PASS", 0.96, ">= 0.8", "ci_lower", 48, 0.86, 0.99
        ),
        views.RuleResult(
            "specificity",
            "FAIL" if failing else "PASS",
            0.71 if failing else 0.97,
            ">= 0.8",
            "ci_lower",
            96,
            0.61 if failing else 0.91,
            0.79 if failing else 0.99,
            "neighbours of the concept moved too" if failing else "",
        ),
        views.RuleResult("residual", "PASS", 0.0021, "<= 0.05", "point", None),
        views.RuleResult("condition", "PASS", 812.0, "<= 1e6", "point", None),
    )
    return views.Verdict("FAIL" if failing else "PASS", rules)


def inbox(folder: Path, *, readonly: bool = False) -> FakeGovernance:
    """A workspace with one edit in every state."""
    fake = FakeGovernance(folder, readonly=readonly)
    fake.add("E-0001", "A rose is blue", EditState.REVERTED, EvidenceStatus.PASS)
    fake.add("E-0002", "Doctors are both", EditState.LIVE, EvidenceStatus.PASS)
    fake.add("E-0003", "No swords", EditState.LIVE, EvidenceStatus.STALE)
    fake.add("E-0004", "Stop imitating Kora", EditState.APPLIED, EvidenceStatus.PASS)
    fake.add("E-0005", "Careless edit", EditState.APPLIED, EvidenceStatus.FAIL)
    fake.add("E-0006", "The mayor is Anton", EditState.PROPOSED)
    fake.add("E-0007", "Withdrawn idea", EditState.WITHDRAWN)
    fake.add("E-0008", "Refused idea", EditState.REJECTED, EvidenceStatus.PASS)
    fake.reasons["E-0006"] |= dict.fromkeys(
        ("approve", "check", "revert", "export"), "E-0006 is PROPOSED"
    )
    return fake
