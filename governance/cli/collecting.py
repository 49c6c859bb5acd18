"""Snapshots: give back what nobody can activate any more."""

import click

from governance.cli.options import GlobalOptions, global_options, pass_options
from governance.cli.output import print_json, print_line
from governance.cli.session import acting, opened
from governance.service.views import to_json


@click.command("gc")
@click.option("--dry-run", is_flag=True, help="Only say what would be given back.")
@global_options
@pass_options
def collect(options: GlobalOptions, *, dry_run: bool) -> None:
    """Give back the tensors of candidates that nobody can activate any more.

    Those are withdrawn, rejected, applied again or stale, and never were live. Their
    requests, evidence and entries stay: applying again solves the same snapshot. What
    an interrupted or refused action left is removed too, unless something is at work.
    """
    found = (opened if dry_run else acting)(options).collect(dry_run=dry_run)
    if options.as_json:
        print_json(to_json(found))
        return
    verb = "would give back" if found.dry_run else "gave back"
    for digest in found.candidates:
        print_line(f"{digest[:12]}  {verb} its tensors")
    print_line(
        f"{verb} {len(found.objects)} objects, {found.freed} bytes; "
        f"{len(found.kept)} snapshots keep theirs"
    )
    if found.left:
        verb = "would remove" if found.dry_run else "removed"
        print_line(
            f"{verb} {len(found.left)} objects, {found.left_freed} bytes, left by an "
            "interrupted or refused action"
        )
    if found.held:
        print_line(
            "another action is at work: what interrupted ones may have left stays until "
            "the next gc"
        )
