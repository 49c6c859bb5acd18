"""stdout is data, stderr is narration; hostile text is made visible, not obeyed."""

import json
import sys
from collections.abc import Iterable, Sequence

import click

from governance.canonical import JSON
from governance.errors import GovernanceError
from governance.text import safe


def print_json(value: JSON) -> None:
    r"""Print exactly one JSON document on stdout.

    Control characters inside strings leave as ``\\u`` escapes, so that a terminal
    never sees them.
    """
    click.echo(json.dumps(value, indent=2, ensure_ascii=True, allow_nan=False))


def print_line(text: str) -> None:
    """Print one line of data, control characters made visible."""
    click.echo(safe(text))


def narrate(text: str) -> None:
    """Print one line of narration on stderr."""
    click.echo(safe(text), err=True)


def print_error(error: GovernanceError, code: int, *, as_json: bool) -> None:
    """Print an error as one JSON document, or as one or two lines on stderr."""
    if as_json:
        kind = type(error).__name__
        body: JSON = {
            "type": kind,
            "message": error.message,
            "hint": error.hint,
            "exit_code": code,
        }
        print_json({"error": body})
        return
    narrate(f"error: {error.message}")
    if error.hint:
        narrate(f"  {error.hint}")


def print_table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print rows in aligned columns, two blanks apart."""
    cells = [list(header), *[[safe(cell) for cell in row] for row in rows]]
    widths = [max(len(row[at]) for row in cells) for at in range(len(header))]
    for row in cells:
        line = "  ".join(
            cell.ljust(width) for cell, width in zip(row, widths, strict=True)
        )
        click.echo(line.rstrip())


def print_missing(missing: Iterable[str]) -> None:
    """Print what a signed action still waits for."""
    for item in missing:
        print_line(f"  still missing: {item}")


def colour_wanted() -> bool:
    """Say whether stderr is a terminal that may be coloured."""
    return sys.stderr.isatty()
