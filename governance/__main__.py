"""``python -m governance``: the terminal UI on a bare terminal, else the CLI."""

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from governance.service.facade import Governance


def main() -> None:
    """Run the program and exit with the contract's exit code."""
    from governance.cli.run import run

    arguments = sys.argv[1:]
    if not arguments and sys.stdin.isatty() and sys.stdout.isatty():
        arguments = ["tui"]
    raise SystemExit(run(arguments, _open_tui))


def _open_tui(governance: "Governance", ascii_only: bool) -> int:  # noqa: FBT001 - a callback
    from governance.tui.app import run

    return run(governance, ascii=ascii_only, readonly=governance.header().readonly)


if __name__ == "__main__":
    main()
