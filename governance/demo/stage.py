"""What the demo tells while it runs; the face decides how it looks."""

from contextlib import AbstractContextManager
from typing import Protocol

from governance.service.facade import ProgressCallback


class Stage(Protocol):
    """Where the demo says what happens."""

    def say(self, text: str) -> None:
        """Tell one line."""

    def working(self, label: str) -> AbstractContextManager[ProgressCallback]:
        """Show the progress of one long step."""
