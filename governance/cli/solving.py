"""The engine alone: no workspace, no ledger."""

from collections.abc import Mapping
from pathlib import Path

import click

from governance.canonical import JSON
from governance.cli.options import (
    GlobalOptions,
    global_options_but_model,
    pass_options,
)
from governance.cli.output import narrate, print_json, print_line, print_table
from governance.cli.progress import ProgressLine
from governance.errors import UsageError
from governance.service.fields import texts
from governance.service.views import to_json


@click.command()
@click.option(
    "--model",
    "folder",
    required=True,
    type=click.Path(path_type=Path, file_okay=False),
    help="Diffusers folder, or `miniature` for the embedded one.",
)
@click.option(
    "--request",
    "requests",
    required=True,
    multiple=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help="Edit request file; repeat for more.",
)
@click.option(
    "--output",
    required=True,
    type=click.Path(path_type=Path),
    help="New folder to write.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["delta", "diffusers", "lora"]),
    default="delta",
    show_default=True,
)
@click.option(
    "--keys",
    type=click.Choice(["kohya", "diffusers"]),
    help="How an adapter names its tensors; kohya where omitted.",
)
@click.option(
    "--precision",
    type=click.Choice(["mixed", "float64", "float32"]),
    default="mixed",
    show_default=True,
)
@click.option(
    "--statistics",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Key covariances, for refact and emcid.",
)
@click.option(
    "--stage-one",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder that keeps finished stage ones, to go on from or use again.",
)
@global_options_but_model
@pass_options
def solve(
    options: GlobalOptions,
    folder: Path,
    requests: tuple[Path, ...],
    output: Path,
    form: str,
    keys: str | None,
    precision: str,
    statistics: Path | None,
    stage_one: Path | None,
) -> None:
    """Solve requests for a diffusers folder and write the result."""
    if keys is not None and form != "lora":
        raise UsageError(f"--keys: expected --format lora with it, found {form}")
    from governance.wiring import solve_files

    with ProgressLine("solve") as progress:
        report = solve_files(
            folder,
            requests,
            output,
            form=form,
            keys=keys or "kohya",
            precision=precision,
            device=str(options.given.get("device", "auto")),
            progress=progress,
            statistics=statistics,
            stage_one=stage_one,
        )
    document = to_json(report)
    for text in texts(report, "warnings"):
        narrate(f"warning: {text}")
    if options.as_json:
        print_json(document)
        return
    print_report(report)


def print_report(report: Mapping[str, JSON]) -> None:
    """Print a solve report for people."""
    print_line(f"output  {report['output']}")
    print_line(f"digest  {report['digest']}")
    if report["written"]:
        print_line(f"written {report['written']}")
    print_line(f"peak    {report['peak_mib']:.0f} MiB")
    seconds = report["seconds"]
    if isinstance(seconds, dict):
        print_line(
            "  ".join(f"{step} {value:.2f} s" for step, value in seconds.items())
        )
    rows = report["certificate"]
    if isinstance(rows, list):
        print_table(
            ("SOURCE", "RESIDUAL", "DRIFT", "CONDITION"),
            [
                (
                    str(row["source"]),
                    f"{row['residual']:.3g}",
                    f"{row['drift']:.3g}",
                    f"{row['condition']:.3g}",
                )
                for row in rows
            ],
        )
