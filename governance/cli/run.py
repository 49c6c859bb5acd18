"""Run a command line to its exit code; the only place errors become text."""

import signal
import sys
import traceback
from collections.abc import Sequence
from types import FrameType

import click

from governance.cli.options import GlobalOptions, OpenTui
from governance.cli.output import print_error
from governance.errors import ExitCode, GovernanceError, InterruptedByUserError


def run(arguments: Sequence[str], open_tui: OpenTui | None = None) -> int:
    """Run the program.

    Args:
        arguments: Command line without the program's name.
        open_tui: Opens the terminal UI, for the command ``tui``.

    Returns:
        The exit code of the contract.
    """
    from governance.cli.commands import root

    as_json = "--json" in arguments
    verbose = "--verbose" in arguments
    signal.signal(signal.SIGTERM, _stop)
    try:
        # Not standalone, click returns the code of an Exit, else what was returned.
        code = root.main(
            args=list(arguments),
            prog_name="governance",
            standalone_mode=False,
            obj=GlobalOptions(open_tui=open_tui),
        )
    except GovernanceError as error:
        return _report(error, int(error.exit_code), as_json=as_json)
    except click.UsageError as error:
        return _report(_usage(error), int(ExitCode.USAGE), as_json=as_json)
    except (click.Abort, KeyboardInterrupt):
        stopped = InterruptedByUserError("interrupted; nothing was recorded")
        return _report(stopped, int(ExitCode.INTERRUPTED), as_json=as_json)
    except BrokenPipeError:
        # The reader went away (`| head`); stdout must not be flushed again.
        sys.stdout = None
        return int(ExitCode.DONE)
    except Exception as error:  # noqa: BLE001 - the top: a bug becomes exit 70
        if verbose:
            traceback.print_exc()
        bug = GovernanceError(
            f"a bug in governance: {type(error).__name__}: {error}",
            "Run again with --verbose and report what it prints.",
        )
        return _report(bug, int(ExitCode.BUG), as_json=as_json)
    return code if isinstance(code, int) else int(ExitCode.DONE)


def _stop(_number: int, _frame: FrameType | None) -> None:
    raise InterruptedByUserError("stopped by a signal; nothing was recorded")


def _usage(error: click.UsageError) -> GovernanceError:
    path = error.ctx.command_path if error.ctx else "governance"
    return GovernanceError(error.format_message(), f"See `{path} --help`.")


def _report(error: GovernanceError, code: int, *, as_json: bool) -> int:
    print_error(error, code, as_json=as_json)
    return code
