"""Carrying out a confirmed decision, with the ledger's head read once more."""

from governance.domain.signoff import Decision
from governance.errors import WrongStateError
from governance.service.change_records import ChangeWish
from governance.service.facade import Governance
from governance.service.views import Acted
from governance.tui.acts import ACTIVATE, APPROVE, REJECT, WITHDRAW, Matter


def still_as_seen(governance: Governance, matter: Matter) -> None:
    """Make sure that nobody wrote since the panel opened.

    Raises:
        WrongStateError: The head is another one: what was shown may be outdated.
    """
    found = governance.head()
    if found != matter.seen:
        raise WrongStateError(
            f"{matter.subject}: changed while you looked; expected ledger head "
            f"{matter.seen.size}, found {found.size}",
            "Look again, then decide.",
        )


def carry_out(governance: Governance, matter: Matter, text: str) -> Acted:
    """Write a quick decision to the ledger.

    Args:
        governance: The core.
        matter: What was confirmed.
        text: Comment or reason, as typed.

    Returns:
        What it led to.

    Raises:
        GovernanceError: It was refused; nothing was written.
    """
    still_as_seen(governance, matter)
    if matter.change_id:
        return _sign_change(governance, matter, text)
    if matter.act in (APPROVE, REJECT):
        return governance.sign(
            matter.edit_id,
            Decision(matter.act.name),
            text,
            candidate=matter.candidate,
            evidence=matter.evidence,
            seen=matter.seen,
        )
    if matter.act == WITHDRAW:
        return governance.withdraw(matter.edit_id, text)
    if matter.act == ACTIVATE:
        return governance.activate(
            matter.snapshot, text, model=matter.model, seen=matter.seen
        )
    raise WrongStateError(f"{matter.act.label}: is a job, not a quick decision")


def _sign_change(governance: Governance, matter: Matter, text: str) -> Acted:
    wish = ChangeWish(
        Decision(matter.act.name),
        text,
        digest=matter.confirm,
        seen=matter.seen,
    )
    signed = governance.sign_change(matter.change_id, wish)
    return Acted((), signed.state, "", signed.missing)
