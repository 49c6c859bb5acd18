"""Where a workspace begins: ``init``, ``demo``, ``tui``."""

from pathlib import Path

import click

from governance.cli.options import GlobalOptions, global_options, pass_options
from governance.cli.output import narrate, print_json, print_line
from governance.cli.session import opened, settings_of
from governance.cli.telling import Narration
from governance.errors import UsageError
from governance.service.views import to_json


@click.command()
@click.option(
    "--policy",
    "policy_name",
    default="default",
    show_default=True,
    metavar="NAME|FILE",
    help="Policy in force from the first entry on.",
)
@click.option(
    "--reviewer",
    "reviewers",
    multiple=True,
    metavar="PRINCIPAL=PUBLIC_KEY_FILE:ROLE[,ROLE]",
    help="A person who may sign; repeat for more.",
)
@global_options
@pass_options
def init(options: GlobalOptions, policy_name: str, reviewers: tuple[str, ...]) -> None:
    """Create a workspace: database, object store, genesis entry."""
    from governance.wiring import create_workspace

    people = tuple(_reviewer(text) for text in reviewers)
    governance = create_workspace(
        settings_of(options), policy=policy_name, reviewers=people
    )
    header = governance.header()
    policy = governance.policy()
    warnings = governance.lacking()
    for warning in warnings:
        narrate(f"warning: {warning}.")
    if options.as_json:
        print_json(
            {
                "workspace": str(header.workspace),
                "origin": header.origin,
                "policy": to_json(policy),
                "reviewers": to_json(governance.reviewers()),
                "warnings": list(warnings),
            }
        )
        return
    print_line(f"workspace  {header.workspace}")
    print_line(f"origin     {header.origin}")
    print_line(f"policy     {policy.name} {policy.version}  {policy.digest}")
    for person in governance.reviewers():
        roles = ", ".join(person.roles)
        print_line(f"reviewer   {person.principal}  {person.fingerprint}  {roles}")


def _reviewer(text: str) -> tuple[str, Path, tuple[str, ...]]:
    principal, equals, rest = text.partition("=")
    path, colon, roles = rest.rpartition(":")
    named = tuple(role.strip() for role in roles.split(",") if role.strip())
    if not (principal and equals and path and colon and named):
        raise UsageError(
            f"--reviewer {text!r}: expected PRINCIPAL=PUBLIC_KEY_FILE:ROLE[,ROLE]",
            "For example --reviewer ana@example.org=ana.pub:reviewer",
        )
    return principal, Path(path), named


@click.command()
@click.option(
    "--seeds",
    type=click.IntRange(4, 200),
    default=None,
    help="Images per prompt looked at after the revert  [default: 8]",
)
@global_options
@pass_options
def demo(options: GlobalOptions, seeds: int | None) -> None:
    """Run the main job on the embedded miniature, in a fresh workspace."""
    from governance.demo.story import run_demo

    settings = settings_of(options)
    if settings.readonly:
        raise UsageError(
            "demo: --readonly refuses to make a workspace", "Leave --readonly out."
        )
    report = run_demo(settings, Narration(), seeds)
    if options.as_json:
        print_json(report.document())
        return
    for line in report.lines():
        print_line(line)
    print_line(f"export     {report.export}")
    print_line(f"workspace  {report.workspace}")
    opened_with = f"governance tui --workspace {report.workspace}"
    print_line(f"look       {opened_with}")
    key = report.workspace / "keys" / "ben"
    print_line(f"as ben     {opened_with} --as ben@demo --key {key}")


@click.command()
@click.option("--ascii", "ascii_only", is_flag=True, help="Draw with ASCII only.")
@global_options
@pass_options
def tui(options: GlobalOptions, *, ascii_only: bool) -> None:
    """Open the terminal UI."""
    if options.open_tui is None:
        raise UsageError("tui: this program was started without a terminal UI")
    raise click.exceptions.Exit(options.open_tui(opened(options), ascii_only))
