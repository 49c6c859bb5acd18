"""The ledger: read it, verify it, keep something of it elsewhere."""

from datetime import UTC, datetime
from pathlib import Path

import click

from governance.cli.options import GlobalOptions, global_options, pass_options
from governance.cli.output import print_json, print_line, print_table
from governance.cli.session import opened, settings_of
from governance.errors import IntegrityError
from governance.service.records import Hand
from governance.service.views import to_json


@click.group()
@global_options
def ledger() -> None:
    """Read and verify the record of everything proposed, signed and reverted."""


@ledger.command("log")
@click.option("--after", type=int, default=0, help="Only entries after this sequence.")
@click.option("--limit", type=click.IntRange(1), help="At most this many entries.")
@global_options
@pass_options
def log(options: GlobalOptions, after: int, limit: int | None) -> None:
    """Print the entries, oldest first."""
    rows = opened(options).log(after, limit)
    if options.as_json:
        print_json(to_json(rows))
        return
    print_table(
        ("#", "TIME", "EVENT", "ACTOR", "DIGEST"),
        [
            (str(row.sequence), row.time, row.event, row.actor, row.digest[:12])
            for row in rows
        ],
    )


@ledger.command("verify")
@click.option(
    "--against",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="A kept checkpoint the ledger must continue.",
)
@global_options
@pass_options
def verify(options: GlobalOptions, against: Path | None) -> None:
    """Re-hash every entry, object and signature."""
    from governance.wiring import verify_ledger

    verdict = verify_ledger(settings_of(options), against)
    if options.as_json:
        print_json(to_json(verdict))
    elif verdict.ok:
        head = verdict.head
        print_line(f"ok  {verdict.entries} entries  head {head.size} {head.root}")
        if verdict.against is not None:
            kept = verdict.against
            print_line(f"ok  continues the kept head {kept.size} {kept.root}")
    else:
        at = "" if verdict.first_bad is None else f" at entry {verdict.first_bad}"
        print_line(f"BROKEN{at}: {verdict.message}")
    if not options.as_json:
        for note in verdict.notes:
            print_line(f"note  {note}")
    if not verdict.ok:
        raise click.exceptions.Exit(int(IntegrityError.exit_code))


@ledger.command("checkpoint")
@global_options
@pass_options
def checkpoint(options: GlobalOptions) -> None:
    """Print the signed head, for somebody else to keep."""
    found = opened(options).checkpoint()
    if options.as_json:
        print_json(to_json(found))
        return
    # The note itself, byte for byte: what is kept must verify.
    click.echo(found.note, nl=False)


@ledger.command("backup")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@global_options
@pass_options
def backup(options: GlobalOptions, file: Path) -> None:
    """Copy the ledger into a new file while others may write, and verify the copy."""
    made = opened(options).backup(file)
    if options.as_json:
        print_json(to_json(made))
        return
    print_line(f"backup  {made.entries} entries  head {made.head.root}  {file}")


@ledger.command("state")
@click.option(
    "--at",
    "time",
    default=lambda: f"{datetime.now(UTC):%FT%TZ}",
    show_default="now",
    metavar="TIME",
    help="RFC 3339, such as 2026-03-01T12:00:00Z; UTC without an offset.",
)
@global_options
@pass_options
def state(options: GlobalOptions, time: str) -> None:
    """Show what was live at a time, under which policy, signed by whom."""
    found = opened(options).state_at(time)
    if options.as_json:
        print_json(to_json(found))
        return
    rules = found.policy
    ahead = "  not yet: this is the state as of now" if found.ahead else ""
    print_line(f"time      {found.time}  after entry {found.sequence}{ahead}")
    signed = ", ".join(_hand(item) for item in rules.signatures) or "the first one"
    print_line(f"policy    {rules.name}  version {rules.version}  {signed}")
    print_line(f"          {rules.digest}")
    for row in found.activations:
        hands = ", ".join(_hand(item) for item in row.signatures) or "nobody: the base"
        print_line(f"live      {row.model}  {row.snapshot[:12]}  {hands}")
    for edit in found.edits:
        signed = ", ".join(_hand(item) for item in (*edit.signoffs, *edit.rollbacks))
        print_line(f"edit      {edit.id}  {edit.state}  {edit.title}  {signed}")
    for item in found.rollbacks:
        hands = ", ".join(_hand(hand) for hand in item.signatures)
        what = f"{item.action} of {', '.join(item.edits) or 'nothing'}"
        print_line(f"waiting   {what} to {item.snapshot[:12]}  {hands}")
    for person in found.reviewers:
        roles = ", ".join(person.roles)
        print_line(f"reviewer  {person.principal}  {person.fingerprint}  {roles}")


def _hand(hand: Hand) -> str:
    role = f" as {hand.role}" if hand.role else ""
    return f"{hand.decision} by {hand.principal}{role}"
