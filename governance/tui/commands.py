"""Verify commands, folded so that they fit half a terminal and paste as they are."""

import shlex
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

from textual.content import Content

from governance.tui.paint import own, shown
from governance.tui.words import Tone

_HEAD = ["ssh-keygen", "-Y", "verify", "-f"]
_FOLDS = ("-I", "-s", "-O", "<")
"""A new line begins before each of these."""


def command_rows(commands: Sequence[str]) -> list[Content]:
    """Lay out commands, their folder first.

    A command stands as it is where it is not one of the workspace's own.

    Args:
        commands: What the core prints; one line each, with absolute paths.
    """
    rows: list[Content] = []
    folder = ""
    for command in commands:
        found = _folded(command)
        if found is None:
            rows.append(shown(command))
            continue
        if found[0] != folder:
            folder = found[0]
            rows.append(shown(f"cd {shlex.quote(folder)}"))
        rows += [shown(part) for part in found[1]]
    if rows:
        rows.append(own("Y copies them, one line each", Tone.DIM))
    return rows


def _folded(command: str) -> tuple[str, list[str]] | None:
    """Return the objects' folder, and the command in lines relative to it."""
    try:
        words = shlex.split(command)
    except ValueError:
        return None
    if words[:4] != _HEAD or len(words) < 6:
        return None
    signers = Path(words[4])
    objects = signers.parent / "objects"
    rest = [word.removeprefix(f"{objects}/") for word in words[5:]]
    places = [at for at, word in enumerate(rest) if word in _FOLDS]
    parts = [" ".join(_HEAD) + f" ../{shlex.quote(signers.name)}"]
    parts += [_part(rest[at:end]) for at, end in pairwise([*places, len(rest)])]
    return str(objects), list(_continued(parts))


def _part(words: Sequence[str]) -> str:
    # The shell's own sign must not be quoted, what stands beside it must.
    return " ".join(word if word == "<" else shlex.quote(word) for word in words)


def _continued(parts: Sequence[str]) -> Iterator[str]:
    yield f"{parts[0]} \\"
    yield from (f" {part} \\" for part in parts[1:-1])
    yield f" {parts[-1]}"
