"""What is left of a crash: a private file for us, one line for the person."""

import os
import tempfile
import traceback
from pathlib import Path

from governance.text import safe


def write_trace(error: BaseException, folder: Path | None = None) -> Path:
    """Write the full trace, without local variables, to a file only we can read.

    Locals are left out because they hold other people's prompts and titles, and
    sometimes key paths.

    Args:
        error: What was raised.
        folder: Folder to write to; the system's temporary one where omitted.

    Returns:
        The new file, mode 0600.
    """
    handle, name = tempfile.mkstemp(
        prefix="governance-crash-", suffix=".txt", dir=folder, text=True
    )
    with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace") as file:
        file.writelines(traceback.format_exception(error))
    return Path(name)


def crash_line(error: BaseException, trace: Path) -> str:
    """Say in one safe line what broke and where the rest is."""
    return (
        f"governance: a bug ({type(error).__name__}: {safe(str(error), 80)}); "
        f"the full trace is in {trace}"
    )
