"""``python -m governance``: the terminal UI on a bare terminal, else the CLI."""

import sys


def main() -> None:
    """Run the program and exit with the contract's exit code."""
    from governance.cli.run import run

    arguments = sys.argv[1:]
    if not arguments and sys.stdin.isatty() and sys.stdout.isatty():
        arguments = ["tui"]
    raise SystemExit(run(arguments))


if __name__ == "__main__":
    main()
