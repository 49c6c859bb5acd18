"""The demo's words on stderr."""

from contextlib import AbstractContextManager

from governance.cli.output import narrate
from governance.cli.progress import ProgressLine
from governance.service.facade import ProgressCallback


class Narration:
    """A stage that narrates on stderr."""

    def say(self, text: str) -> None:
        """Tell one line."""
        narrate(text)

    def working(self, label: str) -> AbstractContextManager[ProgressCallback]:
        """Show the progress of one long step."""
        return ProgressLine(label)
