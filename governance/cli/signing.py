"""Nobody signs digests they have not named: by option, or typed on a terminal."""

import sys

import click

from governance.cli.output import narrate
from governance.domain.signoff import Decision
from governance.errors import UsageError, WrongStateError
from governance.service.views import EditDetail

TAIL = 4


def confirm_digests(
    detail: EditDetail,
    decision: Decision,
    candidate: str | None,
    evidence: str | None,
) -> tuple[str | None, str | None]:
    """Return the digests to sign.

    Args:
        detail: The edit as it stands now.
        decision: What is about to be signed.
        candidate: ``--candidate``, if given.
        evidence: ``--evidence``, if given.

    Returns:
        Candidate and evidence digests in full.

    Raises:
        UsageError: No terminal, and a digest was not given.
        WrongStateError: What was typed is not the end of the digest shown.
    """
    if candidate and evidence:
        return candidate, evidence
    if decision is Decision.REJECT and detail.candidate is None:
        return None, None
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise UsageError(
            f"sign {detail.id}: without a terminal both --candidate and --evidence "
            "are required",
            f"`governance edit show {detail.id} --json` prints them as `candidate` "
            "and `evidence_digest`.",
        )
    narrate(f"{decision.value} {detail.id}  {detail.summary.title}")
    narrate(f"  candidate  {detail.candidate or 'none'}")
    narrate(f"  evidence   {detail.evidence_digest or 'none'}  {detail.evidence}")
    if detail.verdict is not None:
        for rule in detail.verdict.rules:
            narrate(f"  {rule.outcome}  {rule.rule}  {rule.message}")
    digest = detail.candidate or detail.digest
    typed = click.prompt(f"last {TAIL} characters of the candidate", err=True)
    if typed.strip().lower() != digest[-TAIL:]:
        raise WrongStateError(
            f"sign {detail.id}: expected {digest[-TAIL:]}, found {typed.strip()[:20]}",
            "Nothing was signed. Look at the edit again and type what it shows.",
        )
    return candidate or detail.candidate, evidence or detail.evidence_digest
