"""Reverts and returns, typed: what goes out is shown before anybody signs for it."""

from collections.abc import Iterator, Mapping, Sequence

from governance.canonical import JSON
from governance.cli.options import GlobalOptions
from governance.cli.output import print_json, print_line, print_missing
from governance.cli.signing import on_terminal, print_signed, type_digest
from governance.service.facade import Governance
from governance.service.fields import table, text, texts
from governance.service.views import Acted, Signatory, to_json

_GOES_LIVE = "what goes live"


def confirm_revert(governance: Governance, result: Mapping[str, JSON]) -> None:
    """Show on a terminal what a revert leads to, and let its digest be typed.

    Args:
        governance: The workspace.
        result: What the revert was solved to.

    Raises:
        WrongStateError: Something else was typed.
    """
    if not on_terminal():
        return
    edit, snapshot = text(result, "edit"), text(result, "snapshot")
    shown = _leading(
        f"revert {edit}  {governance.edit(edit).summary.title}",
        (edit,),
        texts(result, "live"),
        text(result, "previous"),
        snapshot,
    )
    type_digest(governance, f"revert {edit}", shown, snapshot, _GOES_LIVE)


def confirm_return(
    governance: Governance, name: str, model: str | None, *, withdraw: bool
) -> None:
    """Show on a terminal where a return leads, and let its digest be typed.

    Args:
        governance: The workspace.
        name: Snapshot, as it was typed.
        model: Model name, where one was given.
        withdraw: Whether one that waits is to be ended instead.

    Raises:
        WrongStateError: Something else was typed.
        NotFoundError: There is no such snapshot.
    """
    if not on_terminal():
        return
    target = governance.snapshot(name, model)
    live = governance.snapshot("live", target.model)
    leaving = tuple(edit for edit in live.edits if edit not in target.edits)
    act = "withdraw activate" if withdraw else "activate"
    shown = _leading(
        f"{act} {name}  on {target.model}",
        leaving,
        target.edits,
        live.digest,
        target.digest,
    )
    type_digest(governance, f"{act} {name}", shown, target.digest, _GOES_LIVE)


def confirm_withdrawal(governance: Governance, name: str, snapshot: str | None) -> None:
    """Show on a terminal the revert that would end, and let its digest be typed.

    Where none or several wait, the action itself says so.

    Args:
        governance: The workspace.
        name: Edit, as it was typed.
        snapshot: Digest it would lead to, or its beginning, where one was given.

    Raises:
        WrongStateError: Something else was typed.
    """
    if not on_terminal():
        return
    detail = governance.edit(name)
    found = [
        item
        for item in detail.rollbacks
        if item.action == "revert" and item.snapshot.startswith(snapshot or "")
    ]
    if len(found) != 1:
        return
    who = ", ".join(signed.principal for signed in found[0].signoffs)
    shown = (
        f"withdraw the revert of {detail.id}  {detail.summary.title}",
        f"  stays      {detail.id}",
        f"  waits      {found[0].snapshot}  signed by {who}",
    )
    act, waits = f"withdraw revert {detail.id}", found[0].snapshot
    type_digest(governance, act, shown, waits, "what waits")


def _leading(
    title: str,
    leaving: Sequence[str],
    staying: Sequence[str],
    live: str,
    snapshot: str,
) -> Iterator[str]:
    yield title
    yield f"  goes out   {', '.join(leaving) or 'nothing'}"
    yield f"  stays      {', '.join(staying) or 'nothing: the base'}"
    yield f"  live now   {live}"
    yield f"  goes live  {snapshot}"


def signed_of(document: Mapping[str, JSON]) -> Signatory:
    """Read back who signed from a job's document."""
    found = table(document, "signed")
    return Signatory(
        text(found, "principal"), text(found, "key"), text(found, "fingerprint")
    )


def print_waiting(snapshot: str, missing: Sequence[str]) -> None:
    """Print what was signed for and still waits, if anything does."""
    if missing:
        print_line(f"  signed for {snapshot}, not live yet")
    print_missing(missing)


def print_withdrawn(options: GlobalOptions, what: str, acted: Acted) -> None:
    """Print which rollback ended, by whom, and what is live still.

    Args:
        options: Global options.
        what: ``revert`` or ``return``.
        acted: What ending it led to.
    """
    if options.as_json:
        print_json(to_json(acted))
        return
    edits = ", ".join(acted.edits) or "no edit"
    of = f"the revert of {edits}" if what == "revert" else "the return"
    print_line(f"withdrawn  {of} to {acted.snapshot}")
    print_line(f"  {edits} stays {acted.state}  live {acted.live}")
    print_signed(acted.signed)
