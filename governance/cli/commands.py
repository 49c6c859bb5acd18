"""The root command and its groups."""

import click

from governance import __version__
from governance.cli.benchmark import benchmark
from governance.cli.changes import change
from governance.cli.collecting import collect
from governance.cli.edits import edit
from governance.cli.evaluate import evaluate
from governance.cli.ledgers import ledger
from governance.cli.models import model
from governance.cli.options import global_options
from governance.cli.policies import policy, reviewer
from governance.cli.snapshots import snapshot
from governance.cli.solving import solve
from governance.cli.start import demo, init, tui
from governance.cli.statistics import statistics


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="governance")
@global_options
def root() -> None:
    """Edit, prove and take back what a text-to-image model knows."""


for command in (
    init,
    demo,
    tui,
    model,
    edit,
    snapshot,
    ledger,
    policy,
    reviewer,
    change,
    statistics,
    solve,
    evaluate,
    benchmark,
):
    root.add_command(command)
snapshot.add_command(collect)
