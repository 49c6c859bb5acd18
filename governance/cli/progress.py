"""Progress on stderr: one live line on a terminal, plain lines elsewhere."""

import sys
from types import TracebackType
from typing import Self

import click

from governance.service.facade import Progress
from governance.text import safe


class ProgressLine:
    """Shows the progress of one job; use it as a context manager."""

    WIDTH = 24

    def __init__(self, label: str) -> None:
        self.label = label
        self._live = sys.stderr.isatty()
        self._step = ""
        self._tenth = -1

    def __enter__(self) -> Self:
        """Start; prints nothing yet."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Clear the live line."""
        if self._live and self._step:
            click.echo("\r\x1b[K", err=True, nl=False)

    def __call__(self, progress: Progress) -> None:
        """Show how far a step is."""
        if self._live:
            click.echo("\r\x1b[K" + self._bar(progress), err=True, nl=False)
            self._step = progress.step
            return
        tenth = 10 * progress.done // progress.total if progress.total else 0
        if (progress.step, tenth) != (self._step, self._tenth):
            self._step, self._tenth = progress.step, tenth
            click.echo(self._words(progress), err=True)

    def _words(self, progress: Progress) -> str:
        count = f" {progress.done}/{progress.total}" if progress.total else ""
        return safe(f"{self.label}: {progress.step}{count}")

    def _bar(self, progress: Progress) -> str:
        filled = self.WIDTH * progress.done // progress.total if progress.total else 0
        bar = "█" * filled + "·" * (self.WIDTH - filled)
        return f"{bar} {self._words(progress)}"
