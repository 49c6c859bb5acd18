"""The report of one edit, at any time of its life."""

from collections.abc import Sequence
from dataclasses import dataclass

from governance.domain.signoff import Head, Signed
from governance.snapshots.html import Html, bullets, facts, join, mono, paragraph, words
from governance.snapshots.inputs import ExportedPolicy, ExportedResult
from governance.snapshots.limits import DEMO, DEMO_ORIGIN
from governance.snapshots.report_base import BaseFacts, base_section
from governance.snapshots.report_edit import EditFacts, edit_section, title_of
from governance.snapshots.report_evidence import EvidenceFacts, evidence_section
from governance.snapshots.report_page import page
from governance.snapshots.report_record import decisions, ledger, limits, policy
from governance.snapshots.report_results import meanings
from governance.snapshots.request_words import PROPOSED_HERE

_PROPOSED = f"{PROPOSED_HERE}the ledger entry of the proposal"
_CHECKED = (
    "What counts is the ledger; check it in the workspace with governance ledger "
    "verify, and each decision with the ssh-keygen line that governance edit show "
    "prints."
)


@dataclass(frozen=True, slots=True)
class TakenBack:
    """One signature on taking an edit out, or on ending that.

    Args:
        signed: The signature.
        reason: Why, as signed.
        fate: What came of it, in words.
    """

    signed: Signed
    reason: str
    fate: str


@dataclass(frozen=True, slots=True)
class OneEdit:
    """Everything the report of one edit says.

    Args:
        edit: The edit.
        state: Where it stands.
        status: What is known about its evidence.
        candidate: Digest of its newest candidate, if it was applied.
        together: Ids of the edits that are decided with it, itself included.
        base: The base model.
        evidence: Its newest evidence, if it was checked.
        results: What that measured.
        signoffs: Signatures on it.
        missing: What it still lacks, in words.
        policy: The policy in force.
        origin: The ledger's name.
        head: The ledger's head.
        time: When this was written.
        reason: Why it was withdrawn or reverted, where it was.
        taken_back: Signatures on taking it out, or on ending that.
    """

    edit: EditFacts
    state: str
    status: str
    candidate: str | None
    together: tuple[str, ...]
    base: BaseFacts
    evidence: EvidenceFacts | None
    results: Sequence[ExportedResult]
    signoffs: Sequence[Signed]
    missing: Sequence[str]
    policy: ExportedPolicy
    origin: str
    head: Head
    time: str
    reason: str | None = None
    taken_back: Sequence[TakenBack] = ()


def one_edit_page(one: OneEdit) -> bytes:
    """Return the report of one edit.

    Args:
        one: What it says.
    """
    return page(
        kicker="Report of one edit",
        checked=_CHECKED,
        title=title_of(one.edit),
        lead=(
            facts(
                (
                    ("State", words(one.state)),
                    ("Why", words(one.reason or "", 2000)),
                    ("Evidence", words(one.status)),
                    ("Still missing", words("; ".join(one.missing), 2000)),
                    ("Written", words(one.time)),
                )
            ),
        ),
        notice=DEMO if one.origin == DEMO_ORIGIN else "",
        sections=(
            ("Identity", _identity(one)),
            ("Base model", base_section(one.base)),
            ("The edit", edit_section(one.edit, _PROPOSED)),
            ("Evaluation", _evaluation(one)),
            ("Decisions and signatures", _decisions(one)),
            ("Policy", policy(one.policy)),
            ("Ledger", ledger(one.origin, one.head, None)),
            ("Limits: what this record does not prove", limits()),
        ),
    )


def _identity(one: OneEdit) -> Html:
    candidate = mono(one.candidate) if one.candidate else words("not applied yet")
    others = [name for name in one.together if name != one.edit.id]
    return facts(
        (
            ("Edit", words(one.edit.id)),
            ("Request digest", mono(one.edit.digest)),
            ("Candidate", candidate),
            ("Decided together with", words(", ".join(others), 2000)),
        )
    )


def _evaluation(one: OneEdit) -> Html:
    if one.evidence is None:
        return paragraph(words("Nothing was measured yet."))
    titles = {one.edit.id: title_of(one.edit)}
    shown = evidence_section(
        one.evidence, one.results, titles, one.candidate or "", only=one.edit.id
    )
    stale = paragraph(words("This evidence is stale: something changed since."))
    return join((*([stale] if one.status == "STALE" else ()), shown, meanings()))


def _decisions(one: OneEdit) -> Html:
    told = [decisions(one.signoffs)]
    if one.missing:
        told.append(paragraph(words("Still missing before it can go live:")))
        told.append(bullets(map(words, one.missing)))
    if one.taken_back:
        told.append(paragraph(words("Signatures on taking it back:")))
        told.append(bullets(map(_taken_back, one.taken_back)))
        told.append(decisions([item.signed for item in one.taken_back]))
    return join(told)


def _taken_back(item: TakenBack) -> Html:
    said = f"{item.signed.principal}, entry {item.signed.sequence}: {item.fate}"
    return words(f"{said}. Reason: {item.reason}", 2000)
