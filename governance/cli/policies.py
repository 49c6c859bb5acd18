"""Policy and roster: what is in force, what a file says, what should change."""

from pathlib import Path

import click

from governance.cli.changes import print_change
from governance.cli.options import GlobalOptions, global_options, pass_options
from governance.cli.output import print_json, print_line, print_table
from governance.cli.session import opened
from governance.errors import ExitCode, UsageError
from governance.service.records import TrialView
from governance.service.views import PolicyView, to_json


@click.group()
@global_options
def policy() -> None:
    """See the rules in force, try a policy file, propose another."""


@policy.command("show")
@click.argument("name", required=False)
@click.option(
    "--output",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="New folder: copy the shipped policy NAME and its suite there, to be edited.",
)
@global_options
@pass_options
def show(options: GlobalOptions, name: str | None, output: Path | None) -> None:
    """Show the policy in force, or a shipped one by NAME."""
    import yaml

    if output is not None:
        _copy(options, name, output)
        return
    found = opened(options).policy() if name is None else _shipped(name)
    if options.as_json:
        print_json(to_json(found))
        return
    print_line(f"{found.name}  version {found.version}  {found.digest}")
    body = yaml.safe_dump(to_json(found.spec), sort_keys=False, allow_unicode=False)
    for line in body.splitlines():
        print_line(line)


def _shipped(name: str) -> PolicyView:
    from governance.wiring import shipped_policy

    return shipped_policy(name)


def _copy(options: GlobalOptions, name: str | None, output: Path) -> None:
    from governance.wiring import copied_policy

    if name is None:
        raise UsageError(
            "policy show: --output copies a shipped policy, and none is named",
            "For example `governance policy show default --output my-policy`.",
        )
    found = copied_policy(name, output)
    if options.as_json:
        shown = to_json(_shipped(name))
        assert isinstance(shown, dict)  # noqa: S101 - a dataclass is a JSON object
        print_json({**shown, "path": str(found)})
        return
    print_line(f"policy  {found}")


@policy.command("check")
@click.argument("file", type=click.Path(path_type=Path))
@global_options
@pass_options
def check(options: GlobalOptions, file: Path) -> None:
    """Load a policy file strictly and say what it is; needs no workspace."""
    from governance.wiring import check_policy

    found = check_policy(file)
    if options.as_json:
        print_json(to_json(found))
        return
    print_line(f"ok  {found.name}  version {found.version}  {found.digest}")


@policy.command("activate")
@click.argument("file", metavar="FILE|NAME")
@global_options
@pass_options
def activate(options: GlobalOptions, file: str) -> None:
    """Propose that a policy comes into force; others sign with `change sign`."""
    print_change(options, opened(options).propose_policy(file))


@policy.command("test")
@click.argument("files", nargs=-1, type=click.Path(path_type=Path))
@global_options
@pass_options
def test(options: GlobalOptions, files: tuple[Path, ...]) -> None:
    """Try policies on cases: those that come with them, or given files and folders."""
    from governance.wiring import try_policies

    trial = try_policies(files)
    if options.as_json:
        print_json(to_json(trial))
    else:
        _print_trial(trial)
    if not trial.ok:
        raise click.exceptions.Exit(int(ExitCode.FOUND_SOMETHING))


def _print_trial(trial: TrialView) -> None:
    print_table(
        ("CASE", "POLICY", "FILE", "RESULT"),
        [
            (case.title, case.policy, case.file.name, "ok" if case.ok else "FAIL")
            for case in trial.cases
        ],
    )
    failed = [case for case in trial.cases if not case.ok]
    for case in failed:
        for row in case.rules:
            if not row.ok:
                found = row.found or "none"
                told = f"  {row.message}" if row.message else ""
                print_line(
                    f"FAIL  {case.title}: {row.rule}: expected {row.expected}, found "
                    f"{found}{told}"
                )
    print_line(f"{len(trial.cases) - len(failed)} of {len(trial.cases)} cases hold")


@click.group()
@global_options
def reviewer() -> None:
    """See who may sign, and propose who should."""


@reviewer.command("list")
@global_options
@pass_options
def list_reviewers(options: GlobalOptions) -> None:
    """List the roster."""
    people = opened(options).reviewers()
    if options.as_json:
        print_json(to_json(people))
        return
    print_table(
        ("PRINCIPAL", "FINGERPRINT", "ROLES", "SINCE", "UNTIL"),
        [
            (
                person.principal,
                person.fingerprint,
                ", ".join(person.roles),
                str(person.since),
                "" if person.until is None else str(person.until),
            )
            for person in people
        ],
    )


@reviewer.command("add")
@click.argument("name", metavar="PRINCIPAL")
@click.option(
    "--public-key",
    required=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help="Their public key's file.",
)
@click.option(
    "--role", "roles", required=True, multiple=True, help="A role; repeat for more."
)
@click.option(
    "--new-role", is_flag=True, help="A role no policy here names yet is meant."
)
@global_options
@pass_options
def add(
    options: GlobalOptions,
    name: str,
    public_key: Path,
    roles: tuple[str, ...],
    *,
    new_role: bool,
) -> None:
    """Propose that somebody joins the roster; others sign with `change sign`."""
    detail = opened(options).propose_reviewer(
        name, public_key, roles, new_role=new_role
    )
    print_change(options, detail)


@reviewer.command("revoke")
@click.argument("name", metavar="PRINCIPAL")
@click.option("--reason", required=True, help="Why; it stays in the ledger.")
@global_options
@pass_options
def revoke(options: GlobalOptions, name: str, reason: str) -> None:
    """Propose that a key no longer counts; others sign with `change sign`."""
    print_change(options, opened(options).propose_revocation(name, reason))
