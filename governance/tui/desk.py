"""What every screen shares: the core, the clock, the queue, the way of speaking."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol

from textual.content import Content

from governance.service.facade import Governance
from governance.tui.jobs import JobQueue
from governance.tui.words import badge


class Tell(Protocol):
    """Shows one message for a moment; never parses markup."""

    def __call__(self, text: str, *, bad: bool = False) -> None:
        """Show ``text``; ``bad`` for refusals and failures."""


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class Desk:
    """Shared by every screen and panel.

    Args:
        governance: The only window to the core.
        queue: Long work.
        tell: Shows a message.
        ascii_only: No glyph beyond ASCII.
        readonly: Nothing may be written from here.
        clock: Seconds, monotonic; for guards against accidental keys.
        now: Wall clock; for ages.
    """

    governance: Governance
    queue: JobQueue
    tell: Tell
    ascii_only: bool = False
    readonly: bool = False
    clock: Callable[[], float] = time.monotonic
    now: Callable[[], datetime] = field(default=_now)

    def badge(self, status: str) -> Content:
        """Return a status word with its glyph and hue."""
        return badge(status, ascii_only=self.ascii_only)

    def glyph(self, fancy: str, plain: str) -> str:
        """Choose between a Unicode and an ASCII drawing character."""
        return plain if self.ascii_only else fancy
