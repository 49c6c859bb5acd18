"""The decisions a person can make, and exactly what each one is about."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from governance.canonical import JSON
from governance.domain.signoff import Head
from governance.service.facade import Governance, Job, JobKind
from governance.service.views import EditDetail, RuleResult, SnapshotSummary
from governance.tui.taking_back import Facts, taking_back_facts


class Field(StrEnum):
    """What a decision asks for besides its confirmation."""

    NOTHING = "nothing"
    COMMENT = "comment"
    REASON = "reason"
    FOLDER = "folder"


@dataclass(frozen=True, slots=True)
class Act:
    """One decision.

    Args:
        name: Name in ``Governance.allowed``.
        key: The capital that opens its panel.
        label: What it is called on screen.
        asks: The text it wants.
        effect: What happens once it is confirmed, in words.
    """

    name: str
    key: str
    label: str
    asks: Field
    effect: str


APPROVE = Act(
    "approve",
    "A",
    "Approve",
    Field.COMMENT,
    "Signs these digests; the last approval that is needed makes them live.",
)
REJECT = Act(
    "reject",
    "X",
    "Reject",
    Field.REASON,
    "Signs a rejection; one is final.",
)
APPLY = Act(
    "apply",
    "P",
    "Apply",
    Field.NOTHING,
    "Solves the edit with all live ones into a candidate; live is untouched.",
)
CHECK = Act(
    "check",
    "C",
    "Check",
    Field.NOTHING,
    "Draws base, live and candidate, stores evidence; drops earlier approvals.",
)
REVERT = Act(
    "revert",
    "U",
    "Revert",
    Field.REASON,
    "Solves the other live edits anew from the base; the last signature needed makes "
    "that live.",
)
EXPORT = Act(
    "export",
    "E",
    "Export",
    Field.FOLDER,
    "Writes what is live to a new folder, with its evidence and signatures.",
)
WITHDRAW = Act(
    "withdraw",
    "W",
    "Withdraw",
    Field.REASON,
    "Takes the proposal back; it never goes live.",
)
ACTIVATE = Act(
    "activate",
    "L",
    "Make live",
    Field.REASON,
    "Makes this earlier snapshot live again, with the last signature needed.",
)

REVIEW_ACTS = (APPROVE, REJECT, APPLY, CHECK, REVERT, EXPORT, WITHDRAW)


@dataclass(frozen=True, slots=True)
class Matter:
    """What exactly is being decided, as it was read when the panel opened.

    Args:
        act: The decision.
        subject: Edit id or snapshot, for the panel's head.
        title: Title from outside.
        seen: Ledger head that was read.
        digests: Every digest that is signed, with its name.
        confirm: Digest whose last four characters confirm.
        edit_id: The edit, where it is about one.
        change_id: The change of policy or roster, where it is about one.
        candidate: Candidate digest to sign.
        evidence: Evidence digest to sign.
        snapshot: Snapshot digest to export or activate.
        model: Model name.
        rules: Rules that do not pass.
        passed: How many rules pass.
        missing: What is missing before it can go live, in words.
        viewed: Which images were looked at, in words; empty where it has none.
        folder: Suggested output folder.
        facts: What else has to be known, by name.
    """

    act: Act
    subject: str
    title: str
    seen: Head
    digests: tuple[tuple[str, str], ...]
    confirm: str
    edit_id: str = ""
    change_id: str = ""
    candidate: str | None = None
    evidence: str | None = None
    snapshot: str = ""
    model: str = ""
    rules: tuple[RuleResult, ...] = ()
    passed: int = 0
    missing: tuple[str, ...] = ()
    viewed: str = ""
    folder: str = ""
    facts: Facts = ()


def edit_matter(
    governance: Governance, detail: EditDetail, act: Act, viewed: str
) -> Matter:
    """Read what a decision on an edit is about.

    Args:
        governance: The core.
        detail: The edit as it is on screen.
        act: The decision.
        viewed: Which images were looked at, in words.
    """
    signing = act in (APPROVE, REJECT)
    about_export = act is EXPORT
    live = _live(governance, detail.summary.model) if about_export else ""
    # What was measured decides what goes live, not what is written or taken back.
    judged = detail.verdict if act not in (EXPORT, REVERT) else None
    rules = judged.rules if judged else ()
    head = governance.head()
    digests = [("snapshot", live)] if about_export else _edit_digests(detail, act)
    if signing:
        digests.append(("policy", governance.policy().digest))
    return Matter(
        act=act,
        subject=detail.id,
        title=detail.summary.title,
        seen=head,
        digests=tuple(digests),
        confirm=digests[0][1],
        edit_id=detail.id,
        candidate=detail.candidate,
        evidence=detail.evidence_digest,
        snapshot=live,
        model=detail.summary.model,
        rules=tuple(rule for rule in rules if rule.outcome != "PASS"),
        passed=sum(rule.outcome == "PASS" for rule in rules),
        missing=detail.missing if signing else (),
        viewed=viewed if signing else "",
        folder=_folder(detail.summary.model, live) if about_export else "",
        facts=_revert_facts(governance, detail) if act is REVERT else (),
    )


def snapshot_matter(
    governance: Governance, snapshot: SnapshotSummary, act: Act
) -> Matter:
    """Read what activating or exporting a snapshot is about."""
    return Matter(
        act=act,
        subject=snapshot.model,
        title=", ".join(snapshot.edits) or "the base, with no edits",
        seen=governance.head(),
        digests=(("snapshot", snapshot.digest), ("policy", governance.policy().digest))
        if act is ACTIVATE
        else (("snapshot", snapshot.digest),),
        confirm=snapshot.digest,
        snapshot=snapshot.digest,
        model=snapshot.model,
        folder=_folder(snapshot.model, snapshot.digest) if act is EXPORT else "",
        facts=taking_back_facts(
            governance,
            snapshot.model,
            staying=snapshot.edits,
            waiting=[item for item in snapshot.waiting if item.action == "activate"],
        )
        if act is ACTIVATE
        else (),
    )


def job_for(matter: Matter, text: str) -> Job | None:
    """Return the long work a decision starts; ``None`` where it has none.

    Args:
        matter: What was decided.
        text: Reason or output folder, as typed.
    """
    jobs: Mapping[str, tuple[JobKind, Mapping[str, JSON]]] = {
        APPLY.name: (JobKind.APPLY, {"edits": [matter.edit_id]}),
        CHECK.name: (JobKind.CHECK, {"edit": matter.edit_id, "suite": "quick"}),
        REVERT.name: (JobKind.REVERT, {"edit": matter.edit_id, "reason": text}),
        EXPORT.name: (
            JobKind.EXPORT,
            {
                "snapshot": matter.snapshot,
                "output": str(Path(text).expanduser().absolute()),
                "format": "diffusers",
                "model": matter.model,
            },
        ),
    }
    found = jobs.get(matter.act.name)
    return None if found is None else Job(*found)


def _edit_digests(detail: EditDetail, act: Act) -> list[tuple[str, str]]:
    request = ("request", detail.digest)
    candidate = ("candidate", detail.candidate or "")
    evidence = ("evidence", detail.evidence_digest or "")
    wanted: Sequence[tuple[str, str]]
    if act in (APPROVE, REJECT):
        wanted = (candidate, evidence, request)
    elif act is CHECK:
        wanted = (candidate, request)
    else:
        wanted = (request,)
    return [(name, digest) for name, digest in wanted if digest]


def _revert_facts(governance: Governance, detail: EditDetail) -> Facts:
    waiting = [item for item in detail.rollbacks if item.action == "revert"]
    return taking_back_facts(
        governance,
        detail.summary.model,
        staying=None,
        leaving=(detail.id,),
        waiting=waiting,
    )


def _live(governance: Governance, model: str) -> str:
    return next((item.live for item in governance.models() if item.name == model), "")


def _folder(model: str, digest: str) -> str:
    # A model name is outside text: keep what can stand in any file name.
    name = "".join(char for char in model if char.isalnum() or char in "-_") or "model"
    return str(Path.cwd() / f"{name}-{digest[:12]}")
