"""``evaluate``: the papers' tables."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from governance.cli.options import (
    GlobalOptions,
    global_options_but_model,
    pass_options,
)
from governance.cli.output import narrate, print_json, print_line, print_table
from governance.cli.progress import ProgressLine
from governance.errors import UsageError

if TYPE_CHECKING:
    from governance.evaluation.command import Asked, Where
    from governance.evaluation.running import Report

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
    help="Judge's folder, or any CLIP of transformers  [default: the miniature's]",
)
@click.option(
    "--statistics",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Key covariances, for refact and emcid  [default: the miniature's]",
)
@click.option(
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder for cells, images and tables  [default: the user's cache]",
)
@click.option(
    "--together",
    metavar="N[,N...]",
    help="Put that many edits in at once: jointly, against one after another.",
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
    statistics: Path | None,
    output: Path | None,
    together: str | None,
    *,
    published: bool,
) -> None:
    """Measure methods on a data set: baseline, oracle, efficacy to specificity.

    DATASET_FILE is in its authors' own format; `miniature` stands for every set that
    comes with the miniature. A run that was stopped goes on where it stopped.
    """
    from governance.evaluation import command
    from governance.evaluation.cases import Kind

    device = str(options.given.get("device", "auto"))
    where = command.Where(folder, judge, output, device, statistics)
    named = command.methods_named(methods)
    if together is not None:
        file = command.together_set() if dataset == MINIATURE else Path(dataset)
        one = command.Asked(file, Kind(kind or "timed"))
        _print_together(options, one, named, together, where)
        return
    asked = _asked(dataset, kind)
    with ProgressLine("evaluate") as progress:
        reports, documents = command.evaluate(
            asked,
            named,
            where,
            progress,
            limit=limit,
            seeds=seeds,
            published=published,
        )
    if options.as_json:
        print_json({"tables": documents})
        return
    _print_tables(reports)


def _asked(dataset: str, kind: str | None) -> "tuple[Asked, ...]":
    from governance.evaluation import command
    from governance.evaluation.cases import Kind

    if dataset == MINIATURE:
        shipped = command.miniature_sets()
        return tuple(one for one in shipped if kind in (None, one.kind))
    if kind is None:
        raise UsageError(
            f"--kind: expected one of {', '.join(KINDS)}, found none",
            "Name the format of the data set.",
        )
    return (command.Asked(Path(dataset), Kind(kind)),)


def _print_tables(reports: "Sequence[Report]") -> None:
    from governance.evaluation.shares import DEFINITIONS
    from governance.evaluation.table import notes, rows

    for report in reports:
        name, kind = report.dataset.name, report.dataset.kind
        print_line(f"{name}  {kind}  {report.edits} edits")
        header, cells = rows(report)
        print_table([name.upper() for name in header], cells)
        for note in notes(report):
            print_line(f"  {note}")
        print_line("")
    for name, meaning in DEFINITIONS.items():
        narrate(f"{name}: {meaning}")


def _print_together(
    options: GlobalOptions,
    asked: "Asked",
    methods: Sequence[str],
    counts: str,
    where: "Where",
) -> None:
    from governance.evaluation import command
    from governance.evaluation.table import together_notes, together_rows

    with ProgressLine("evaluate") as progress:
        report, document = command.evaluate_together(
            asked, methods, command.counts_named(counts), where, progress
        )
    if options.as_json:
        print_json({"together": document})
        return
    header, cells = together_rows(report)
    print_table([name.upper() for name in header], cells)
    for note in together_notes(report):
        print_line(f"  {note}")
