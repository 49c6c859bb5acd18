"""Pipelines: register, list, show, verify."""

import click

from governance.cli.options import GlobalOptions, global_options, pass_options
from governance.cli.output import print_json, print_line, print_table
from governance.cli.session import acting, opened
from governance.errors import IntegrityError
from governance.service.views import ModelView, to_json


@click.group()
@global_options
def model() -> None:
    """Register and verify diffusers pipelines; nothing is ever written into one."""


@model.command("add")
@click.argument("name")
@click.argument("source", metavar="PATH_OR_REPO_ID|miniature")
@click.option("--revision", metavar="R", help="Hub revision, for a repository id.")
@global_options
@pass_options
def add(options: GlobalOptions, name: str, source: str, revision: str | None) -> None:
    """Hash every file a pipeline loads and register it under NAME.

    The word `miniature` stands for the embedded model.
    """
    _print(options, acting(options).add_model(name, source, revision))


@model.command("list")
@global_options
@pass_options
def list_models(options: GlobalOptions) -> None:
    """List the registered models."""
    found = opened(options).models()
    if options.as_json:
        print_json(to_json(found))
        return
    print_table(
        ("NAME", "FAMILY", "DIGEST", "LIVE", "PATH"),
        [
            (item.name, item.family, item.digest[:12], item.live[:12], str(item.path))
            for item in found
        ],
    )


@model.command("show")
@click.argument("name")
@global_options
@pass_options
def show(options: GlobalOptions, name: str) -> None:
    """Show one model and the digest of each of its files."""
    _print(options, opened(options).model(name))


@model.command("verify")
@click.argument("name")
@global_options
@pass_options
def verify(options: GlobalOptions, name: str) -> None:
    """Compare a model's files with what was recorded."""
    verdict = opened(options).verify_model(name)
    if options.as_json:
        print_json(to_json(verdict))
    for finding in verdict.findings:
        if not options.as_json:
            print_line(f"{finding.problem}  {finding.path}")
    if not verdict.ok:
        # The document is already on stdout; only the exit code is left to say.
        raise click.exceptions.Exit(int(IntegrityError.exit_code))
    if not options.as_json:
        print_line(f"{name}: every file is as recorded")


def _print(options: GlobalOptions, item: ModelView) -> None:
    if options.as_json:
        print_json(to_json(item))
        return
    print_line(f"{item.name}  {item.family}  {item.digest}")
    print_line(f"path  {item.path}")
    print_line(f"live  {item.live}")
    print_table(
        ("SHA256", "SIZE", "FILE"),
        [(entry.sha256, str(entry.size), entry.path) for entry in item.files],
    )
