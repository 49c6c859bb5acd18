"""Changes of policy and roster: look at them, sign them."""

import sys
from collections.abc import Iterator

import click

from governance.cli.options import GlobalOptions, global_options, pass_options
from governance.cli.output import narrate, print_json, print_line, print_table
from governance.cli.session import opened
from governance.domain.signoff import Decision
from governance.errors import WrongStateError
from governance.service.change_records import ChangeDetail, ChangeWish
from governance.service.policy_difference import policy_difference
from governance.service.views import to_json

TAIL = 4


@click.group()
@global_options
def change() -> None:
    """See and sign proposed changes of policy and roster."""


@change.command("list")
@global_options
@pass_options
def list_changes(options: GlobalOptions) -> None:
    """List every change, newest first."""
    found = opened(options).changes()
    if options.as_json:
        print_json(to_json(found))
        return
    print_table(
        ("ID", "KIND", "STATE", "WHAT", "MISSING"),
        [
            (row.id, row.kind, row.state, row.summary, "; ".join(row.missing))
            for row in found
        ],
    )


@change.command("show")
@click.argument("change_id", metavar="ID")
@global_options
@pass_options
def show(options: GlobalOptions, change_id: str) -> None:
    """Show one change, who signed it, and what it would change."""
    print_change(options, opened(options).change(change_id), whole=True)


@change.command("sign")
@click.argument("change_id", metavar="ID")
@click.option(
    "--decision",
    type=click.Choice([item.value for item in Decision]),
    required=True,
    help="One reject is final.",
)
@click.option("--comment", default="", help="Why; it is signed.")
@click.option("--role", help="Role to sign in  [default: one that is still missing]")
@click.option("--digest", help="Sign only if the change still has this digest.")
@global_options
@pass_options
def sign(
    options: GlobalOptions,
    change_id: str,
    decision: str,
    comment: str,
    role: str | None,
    digest: str | None,
) -> None:
    """Sign a decision; with its last approval a change takes effect."""
    governance = opened(options)
    seen = governance.head()
    detail = governance.change(change_id)
    if digest is None and sys.stdin.isatty() and sys.stderr.isatty():
        digest = _typed_digest(detail, decision)
    wish = ChangeWish(Decision(decision), comment, role, digest, seen)
    print_change(options, governance.sign_change(detail.id, wish))


def _typed_digest(detail: ChangeDetail, decision: str) -> str:
    """Show what is about to be signed, and let its digest be typed."""
    for line in _lines(detail, whole=True):
        narrate(line)
    typed = click.prompt(f"{decision}: last {TAIL} characters of the digest", err=True)
    if typed.strip().lower() != detail.digest[-TAIL:]:
        raise WrongStateError(
            f"sign {detail.id}: expected {detail.digest[-TAIL:]}, found "
            f"{typed.strip()[:20]}",
            "Nothing was signed. Look at the change again and type what it shows.",
        )
    return detail.digest


def print_change(
    options: GlobalOptions, detail: ChangeDetail, *, whole: bool = False
) -> None:
    """Print one change: in full, or where it stands."""
    if options.as_json:
        print_json(to_json(detail))
        return
    for line in _lines(detail, whole=whole):
        print_line(line)


def _lines(detail: ChangeDetail, *, whole: bool) -> Iterator[str]:
    yield f"{detail.id}  {detail.state}  {detail.summary}"
    for missing in detail.missing:
        yield f"missing   {missing}"
    if not whole:
        return
    yield f"proposed  by {detail.proposer} at {detail.time}"
    yield f"digest    {detail.digest}"
    if detail.document is not None and detail.in_force is not None:
        yield from policy_difference(detail.in_force, detail.document)
    for signed in detail.signoffs:
        comment = str(signed.statement.get("comment", ""))
        yield f"{signed.decision:9} by {signed.principal} at {signed.time}  {comment}"
    yield from detail.verify_lines
