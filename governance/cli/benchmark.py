"""Measure the engine against the published loop, on this machine."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from governance.benchmark.shapes import SHAPES
from governance.benchmark.task import METHODS, Task
from governance.cli.options import GlobalOptions, global_options, pass_options
from governance.cli.output import narrate, print_json, print_line, print_table
from governance.cli.progress import ProgressLine
from governance.errors import ExitCode

if TYPE_CHECKING:
    from governance.benchmark.report import Loop, Ours, Report


@click.group()
@global_options
def benchmark() -> None:
    """Measure speed and exactness on this machine."""


@benchmark.command("edit")
@click.option("--shape", required=True, type=click.Choice(list(SHAPES)))
@click.option("--edits", required=True, type=int, help="Concepts to edit.")
@click.option(
    "--preserve", type=int, default=0, show_default=True, help="Texts to preserve."
)
@click.option(
    "--method",
    type=click.Choice(METHODS),
    default="uce",
    show_default=True,
)
@click.option("--threads", type=int, help="Threads of both  [default: as torch has it]")
@click.option("--repeat", type=int, default=3, show_default=True, help="Rounds.")
@click.option(
    "--folder",
    type=click.Path(path_type=Path, file_okay=False),
    help="Keep the model of random weights here, and use it again.",
)
@global_options
@pass_options
def benchmark_edit(
    options: GlobalOptions,
    shape: str,
    edits: int,
    preserve: int,
    method: str,
    threads: int | None,
    repeat: int,
    folder: Path | None,
) -> None:
    """Edit a model of random weights, by our solver and by the published loop."""
    from governance.wiring import measure_edit

    task = Task(shape, edits, preserve, method, threads, repeat, folder)
    with ProgressLine("benchmark") as progress:
        report = measure_edit(task, progress)
    if options.as_json:
        print_json(report.as_json())
    else:
        print_report(report)
    for finding in report.findings:
        narrate(f"found: {finding}")
    if report.findings:
        raise click.exceptions.Exit(int(ExitCode.FOUND_SOMETHING))


def print_report(report: "Report") -> None:
    """Print a report for people."""
    ours, loop = report.ours, report.loop
    print_line(
        f"{report.shape}  {report.method}  {report.edits} edits  "
        f"{report.preserve} preserved  {report.threads} threads  {report.cpu}"
    )
    print_table(
        ("", "ENCODE s", "SOLVE s", "RESIDUAL", "DRIFT", "ERROR"),
        [
            ("ours", *_seconds(ours.encode, ours.solve), *_numbers(ours)),
            ("loop", *_seconds(loop.encode, loop.solve), *_numbers(loop)),
        ],
    )
    scaled = ", the rest scaled" if loop.extrapolated else ""
    print_line(
        f"loop    timed on {loop.layers_timed} of {report.layers} layers{scaled}"
    )
    print_line(f"ours    read {ours.read:.3f} s  write {ours.write:.3f} s")
    print_line(f"peak    {ours.peak_mib:.0f} MiB")
    print_line(
        f"ratio   {report.ratio:.1f}  by processor time {report.ratio_cpu:.1f}  "
        f"with encoding and files {report.ratio_total:.1f}"
    )


def _seconds(*values: float) -> list[str]:
    return [f"{value:.3f}" for value in values]


def _numbers(side: "Ours | Loop") -> list[str]:
    found = (side.effect.residual, side.effect.drift, side.error)
    return [f"{value:.2e}" for value in found]
