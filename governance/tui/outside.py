"""Showing a file with the system's own viewer."""

import asyncio
import shutil
import sys
from pathlib import Path

from governance.tui.desk import Tell

_OPENERS = ("open",) if sys.platform == "darwin" else ("xdg-open",)


async def open_outside(path: Path, tell: Tell) -> None:
    """Open a file with the desktop's viewer where there is one; say its path.

    Args:
        path: A file of ours: its name is a digest, never outside text.
        tell: Shows the path, for people on another machine.
    """
    opener = next((found for name in _OPENERS if (found := shutil.which(name))), None)
    tell(str(path))
    if opener is None:
        return
    await asyncio.create_subprocess_exec(
        opener,
        str(path),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
        start_new_session=True,
    )
