"""Key covariances for edits of text encoders: compute, import, list."""

from pathlib import Path

import click

from governance.cli.options import GlobalOptions, global_options, pass_options
from governance.cli.output import print_json, print_line, print_table
from governance.cli.progress import ProgressLine
from governance.cli.session import acting, opened
from governance.service.records import StatisticsView
from governance.service.views import to_json

_FILE = click.Path(path_type=Path, dir_okay=False)


@click.group()
@global_options
def statistics() -> None:
    """Key covariances that refact and emcid weigh a change by."""


@statistics.command("compute")
@click.option(
    "--captions",
    required=True,
    type=_FILE,
    help="UTF-8 text, one caption to a line.",
)
@click.option(
    "--tokens",
    type=int,
    metavar="N",
    help="Tokens there must be at least  [default: 100000]",
)
@global_options
@pass_options
def compute(options: GlobalOptions, captions: Path, tokens: int | None) -> None:
    """Stream captions through the model's text encoders, once for all layers.

    Every token but padding counts, beginning and end tokens included. Captions longer
    than the model reads are left out and counted, and so are those with control
    characters or with words that the tokenizer reads as special tokens.
    """
    governance = acting(options)
    with ProgressLine("statistics") as progress:
        found = governance.compute_statistics(
            captions, progress, model=options.model, tokens=tokens
        )
    _print(options, found)


@statistics.command("import")
@click.argument("file", type=_FILE)
@global_options
@pass_options
def import_file(options: GlobalOptions, file: Path) -> None:
    """Check a safetensors FILE of another workspace, and record a copy."""
    _print(options, acting(options).import_statistics(file, model=options.model))


@statistics.command("list")
@global_options
@pass_options
def list_statistics(options: GlobalOptions) -> None:
    """List the recorded statistics, newest first."""
    found = opened(options).statistics(options.model)
    if options.as_json:
        print_json(to_json(found))
        return
    print_table(
        ("DIGEST", "MODELS", "TOKENS", "ORIGIN", "SIZE", "TIME"),
        [
            (
                item.digest[:12],
                ", ".join(item.models),
                str(item.about.get("tokens", "")),
                item.origin,
                str(item.size),
                item.time,
            )
            for item in found
        ],
    )


def _print(options: GlobalOptions, item: StatisticsView) -> None:
    if options.as_json:
        print_json(to_json(item))
        return
    print_line(f"{item.digest}  {item.origin}  {item.size} bytes")
    for component, digest in item.encoders.items():
        print_line(f"{component}  {digest}")
    for name, value in item.about.items():
        print_line(f"{name}  {value}")
