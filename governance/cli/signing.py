"""Nobody signs digests they have not named: by option, or typed on a terminal."""

import sys
from collections.abc import Iterable, Iterator

import click

from governance.cli.output import narrate, print_line
from governance.domain.lifecycle import EditState
from governance.domain.signoff import Decision
from governance.errors import UsageError, WrongStateError
from governance.service.facade import Governance
from governance.service.views import EditDetail, Signatory

TAIL = 4


def on_terminal() -> bool:
    """Say whether somebody sits there who can be asked."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def type_digest(
    governance: Governance,
    act: str,
    shown: Iterable[str],
    digest: str,
    of: str,
) -> None:
    """Show what is about to be signed, by whom, and let its digest be typed.

    Args:
        governance: The workspace.
        act: What is about to be done, such as ``revert E-0001``.
        shown: What it is about, line by line.
        digest: What is signed for.
        of: What the digest is of, as the lines shown name it.

    Raises:
        WrongStateError: What was typed is not the end of the digest shown.
    """
    for line in shown:
        narrate(line)
    header = governance.header()
    who = header.principal or "nobody"
    narrate(f"  signs      {who}  {header.fingerprint or 'no key of theirs is here'}")
    typed = click.prompt(f"{act}: last {TAIL} characters of {of}", err=True)
    if typed.strip().lower() != digest[-TAIL:]:
        raise WrongStateError(
            f"{act}: expected {digest[-TAIL:]}, found {typed.strip()[:20]}",
            "Nothing was signed. Look again and type what it shows.",
        )


def print_signed(signed: Signatory | None) -> None:
    """Print who signed, and with which key."""
    if signed is not None:
        print_line(f"  signed by {signed.principal}  {signed.fingerprint}")


def confirm_digests(
    governance: Governance,
    detail: EditDetail,
    decision: Decision,
    candidate: str | None,
    evidence: str | None,
) -> tuple[str | None, str | None]:
    """Return the digests to sign.

    Args:
        governance: The workspace.
        detail: The edit as it stands now.
        decision: What is about to be signed.
        candidate: ``--candidate``, if given.
        evidence: ``--evidence``, if given.

    Returns:
        Candidate and evidence digests in full.

    Raises:
        UsageError: No terminal, and a digest was not given.
        WrongStateError: There is nothing to approve yet, or what was typed is not the
            end of the digest shown.
    """
    over = detail.state not in (EditState.PROPOSED, EditState.APPLIED)
    if over or (candidate and evidence):
        # The action itself says that it is decided.
        return candidate, evidence
    if decision is Decision.APPROVE:
        _refuse_unready(detail)
    elif detail.candidate is None:
        return candidate, evidence
    elif detail.evidence_digest is None and candidate:
        # What does not exist cannot be named; the candidate alone is rejected.
        return candidate, evidence
    if not on_terminal():
        raise UsageError(
            f"sign {detail.id}: without a terminal both --candidate and --evidence "
            "are required",
            f"`governance edit show {detail.id} --json` prints them as `candidate` "
            "and `evidence_digest`.",
        )
    act = f"{decision.value} {detail.id}"
    shown = _matter(detail, act)
    digest = detail.candidate or detail.digest
    type_digest(governance, act, shown, digest, "the candidate")
    return candidate or detail.candidate, evidence or detail.evidence_digest


def _matter(detail: EditDetail, act: str) -> Iterator[str]:
    yield f"{act}  {detail.summary.title}"
    yield f"  candidate  {detail.candidate or 'none'}"
    yield f"  evidence   {detail.evidence_digest or 'none'}  {detail.evidence}"
    if detail.verdict is not None:
        for rule in detail.verdict.rules:
            yield f"  {rule.outcome}  {rule.rule}  {rule.message}"


def _refuse_unready(detail: EditDetail) -> None:
    """Refuse an approval where there is no candidate, or nothing measured of it."""
    for found, act in ((detail.candidate, "apply"), (detail.evidence_digest, "check")):
        if found is None:
            raise WrongStateError(
                f"approve {detail.id}: there is nothing to approve yet",
                f"Run `governance edit {act} {detail.id}` first.",
            )
