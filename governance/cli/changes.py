"""Changes of policy and roster: look at them, sign them."""

from collections.abc import Iterator

import click

from governance.cli.options import GlobalOptions, global_options, pass_options
from governance.cli.output import print_json, print_line, print_table
from governance.cli.session import opened
from governance.cli.signing import on_terminal, print_signed, type_digest
from governance.domain.change import ChangeState
from governance.domain.signoff import Decision
from governance.service.change_records import ChangeDetail, ChangeWish
from governance.service.policy_difference import policy_difference
from governance.service.views import Signatory, to_json

KEY = 17
"""Characters of a fingerprint that tell two keys apart in a list."""


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
        ("ID", "KIND", "STATE", "WHAT", "KEY", "MISSING"),
        [
            (
                row.id,
                row.kind,
                row.state,
                row.summary,
                row.fingerprint[:KEY] or "-",
                "; ".join(row.missing),
            )
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
    waits = detail.state is ChangeState.PROPOSED
    if digest is None and waits and on_terminal():
        act, shown = f"{decision} {detail.id}", _lines(detail, whole=True)
        type_digest(governance, act, shown, detail.digest, "the change's digest")
        digest = detail.digest
    wish = ChangeWish(Decision(decision), comment, role, digest, seen)
    header = governance.header()
    after = governance.sign_change(detail.id, wish)
    print_change(options, after)
    if not options.as_json:
        # Nobody signs a change twice.
        keys = [s.key for s in after.signoffs if s.principal == header.principal]
        who, mark = header.principal or "", header.fingerprint or ""
        print_signed(Signatory(who, keys[-1], mark) if keys else None)


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
    yield from _person(detail) if detail.fingerprint else _policy(detail)
    for signed in detail.signoffs:
        comment = str(signed.statement.get("comment", ""))
        yield f"{signed.decision:9} by {signed.principal} at {signed.time}  {comment}"
    yield from detail.verify_lines


def _person(detail: ChangeDetail) -> Iterator[str]:
    """Say whose key joins or leaves: a name alone says nothing."""
    yield f"name      {detail.subject.get('principal')}"
    yield f"roles     {', '.join(detail.roles) or 'none'}"
    yield f"key       {detail.fingerprint}"
    yield f"          {detail.subject.get('key')}"


def _policy(detail: ChangeDetail) -> Iterator[str]:
    subject = detail.subject
    yield f"policy    {subject.get('name')}  version {subject.get('version')}"
    yield f"          {subject.get('digest')}"
    if detail.document is None or detail.in_force is None:
        return
    yield from policy_difference(detail.in_force, detail.document) or (
        "changes   nothing: it is what is in force",
    )
