"""The ledger: read it, verify it."""

import click

from governance.cli.options import GlobalOptions, global_options, pass_options
from governance.cli.output import print_json, print_line, print_table
from governance.cli.session import opened
from governance.errors import IntegrityError
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
@global_options
@pass_options
def verify(options: GlobalOptions) -> None:
    """Re-hash every entry, object and signature."""
    verdict = opened(options).verify()
    if options.as_json:
        print_json(to_json(verdict))
    elif verdict.ok:
        head = verdict.head
        print_line(f"ok  {verdict.entries} entries  head {head.size} {head.root}")
    else:
        print_line(f"BROKEN at entry {verdict.first_bad}: {verdict.message}")
    if not verdict.ok:
        raise click.exceptions.Exit(int(IntegrityError.exit_code))
