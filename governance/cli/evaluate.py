"""``evaluate``: the papers' tables."""

from pathlib import Path

import click

from governance.cli.options import (
    GlobalOptions,
    global_options_but_model,
    pass_options,
)
from governance.cli.output import narrate, print_json, print_line, print_table
from governance.cli.progress import ProgressLine
from governance.errors import UsageError

KINDS = ("timed", "road", "gender", "artist", "iceb", "rectification")
MINIATURE = "miniature"


@click.command()
@click.argument("dataset", metavar="DATASET_FILE|miniature")
@click.option("--kind", type=click.Choice(KINDS), help="Whose format the file has.")
@click.option(
    "--method",
    "methods",
    required=True,
    metavar="X[,Y...]|all",
    help="Methods to compare: time, uce, uce-2023, refact, emcid.",
)
@click.option(
    "--limit", type=click.IntRange(1), help="Only the first edits of each set."
)
@click.option(
    "--seeds",
    type=click.IntRange(1, 10_000),
    default=1,
    show_default=True,
    help="Pictures of each prompt; a debias draws four times as many.",
)
@click.option(
    "--model",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    help="Diffusers folder  [default: the miniature]",
)
@click.option(
    "--judge",
    type=click.Path(path_type=Path, file_okay=False),
    help="Judge's folder  [default: the miniature's]",
)
@click.option(
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder for cells, images and tables  [default: the user's cache]",
)
@click.option(
    "--published",
    is_flag=True,
    help="Use published defaults even where the set has a .methods.yaml beside it.",
)
@global_options_but_model
@pass_options
def evaluate(
    options: GlobalOptions,
    dataset: str,
    kind: str | None,
    methods: str,
    limit: int | None,
    seeds: int,
    folder: Path | None,
    judge: Path | None,
    output: Path | None,
    *,
    published: bool,
) -> None:
    """Measure methods on a data set: baseline, oracle, efficacy to specificity.

    DATASET_FILE is in its authors' own format; `miniature` stands for every set that
    comes with the miniature. A run that was stopped goes on where it stopped.
    """
    from governance.evaluation import command
    from governance.evaluation.cases import Kind
    from governance.evaluation.shares import DEFINITIONS
    from governance.evaluation.table import notes, rows

    where = command.Where(
        folder, judge, output, str(options.given.get("device", "auto"))
    )
    asked = command.miniature_sets()
    if kind is not None:
        asked = tuple(one for one in asked if one.kind == kind)
    if dataset != MINIATURE:
        if kind is None:
            raise UsageError(
                f"--kind: expected one of {', '.join(KINDS)}, found none",
                "Name the format of the data set.",
            )
        asked = (command.Asked(Path(dataset), Kind(kind)),)
    with ProgressLine("evaluate") as progress:
        reports, documents = command.evaluate(
            asked,
            command.methods_named(methods),
            where,
            progress,
            limit=limit,
            seeds=seeds,
            published=published,
        )
    if options.as_json:
        print_json({"tables": documents})
        return
    for report in reports:
        print_line(
            f"{report.dataset.name}  {report.dataset.kind}  {report.edits} edits"
        )
        header, cells = rows(report)
        print_table([name.upper() for name in header], cells)
        for note in notes(report):
            print_line(f"  {note}")
        print_line("")
    for name, meaning in DEFINITIONS.items():
        narrate(f"{name}: {meaning}")
