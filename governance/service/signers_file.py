"""The generated ``allowed_signers``: the roster's copy for ssh-keygen."""

import os
import tempfile
from pathlib import Path

from governance.documents.plain_file import open_plain
from governance.domain.roster import Roster
from governance.errors import LedgerError
from governance.service.authority import allowed_signers_text
from governance.service.layout import Layout

FOLLOWS = "the next command without --readonly writes it anew from the ledger"
_MOST = 16 * 1024 * 1024


def write_signers(layout: Layout, roster: Roster) -> None:
    """Write the roster's copy: whole, or not at all.

    Raises:
        LedgerError: It cannot be written.
    """
    try:
        descriptor, name = tempfile.mkstemp(dir=layout.root, prefix=".allowed_signers-")
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(allowed_signers_text(roster))
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(layout.allowed_signers)
        folder = os.open(layout.root, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as error:
        raise LedgerError(
            f"{layout.allowed_signers} cannot be written: {error.strerror}"
        ) from error


def signers_problem(layout: Layout, roster: Roster) -> str:
    """Say how the copy differs from the roster; empty where it does not."""
    found = _read(layout)
    if not os.path.lexists(layout.allowed_signers):
        return f"{layout.allowed_signers} is not there: {FOLLOWS}"
    if found is None:
        return f"{layout.allowed_signers} cannot be read; expected the roster's copy"
    if found != allowed_signers_text(roster):
        return f"{layout.allowed_signers} is not the roster the ledger holds"
    return ""


def finish_signers(layout: Layout, roster: Roster) -> None:
    """Write the copy anew where a change was recorded and its writer was interrupted.

    So is one that is not there, as in a workspace that was restored. Else only a copy
    of an earlier roster is replaced. Any other difference is somebody's doing and is
    left for ``governance ledger verify`` to name.

    Args:
        layout: Where it lies.
        roster: The roster in force.

    Raises:
        LedgerError: It cannot be written.
    """
    if not os.path.lexists(layout.allowed_signers):
        write_signers(layout, roster)
        return
    found = _read(layout)
    if found is None or found == allowed_signers_text(roster):
        return
    turns = {item.since for item in roster.reviewers}
    turns |= {item.until for item in roster.reviewers if item.until is not None}
    if any(found == allowed_signers_text(roster.as_of(turn)) for turn in turns):
        write_signers(layout, roster)


def _read(layout: Layout) -> str | None:
    try:
        with open_plain(layout.allowed_signers) as file:
            return file.read(_MOST).decode("utf-8")
    except (OSError, UnicodeDecodeError):
        return None
