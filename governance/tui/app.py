"""The application: screens, keys of everywhere, guards against strangers' text."""

import os
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import ClassVar

from textual import events, work
from textual.app import App, SystemCommand
from textual.binding import Binding, BindingType
from textual.filter import LineFilter
from textual.notifications import SeverityLevel
from textual.screen import Screen

from governance.errors import ExitCode, GovernanceError, UsageError
from governance.service.facade import Governance
from governance.text import safe
from governance.tui import crash
from governance.tui.decision import DecisionPanel
from governance.tui.desk import Desk
from governance.tui.guard import AsciiFilter, ControlFilter
from governance.tui.header import SCREENS
from governance.tui.jobs import JobQueue, JobRecord
from governance.tui.screens.base import WorkScreen
from governance.tui.screens.changes import ChangesScreen
from governance.tui.screens.help import HelpScreen
from governance.tui.screens.jobs import JobsScreen
from governance.tui.screens.ledger import LedgerScreen
from governance.tui.screens.models import ModelsScreen
from governance.tui.screens.review import ReviewScreen
from governance.tui.themes import DARK, LIGHT

POLL_SECONDS = 1.0
LEAVE_SECONDS = 3.0
AGES_SECONDS = 30.0
"""How old what the screens say of ages may become while nobody writes."""
JOB_SECONDS = 0.1
MODES = (ReviewScreen, LedgerScreen, ModelsScreen, JobsScreen, ChangesScreen)


class GovernanceApp(App[int], inherit_bindings=False):
    """The terminal UI over an open workspace.

    Args:
        governance: The only window to the core.
        ascii: No glyph beyond ASCII.
        readonly: Nothing may be written from here.
        clock: Seconds, monotonic; guards against accidental keys use it.
        now: Wall clock, for ages.
        jobs_folder: Where job logs go; a new private one at the first job where omitted.
        grace: Seconds between asking a job to stop and killing it.
    """

    CSS_PATH = Path(__file__).with_name("governance.tcss")
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (110, "-wide")]  # noqa: RUF012 - declared so
    VERTICAL_BREAKPOINTS = [(0, "-short"), (32, "-tall")]  # noqa: RUF012 - declared so
    TITLE = "governance"
    BINDINGS: ClassVar[list[BindingType]] = [
        *(
            Binding(key, f"go('{name}')", title, show=False)
            for key, name, title in SCREENS
        ),
        Binding("question_mark", "help", "Keys", key_display="?"),
        Binding("n", "propose", "Propose from a file"),
        Binding("q", "leave", "Quit"),
        Binding("ctrl+c", "leave", "Quit", show=False),
    ]

    def __init__(
        self,
        governance: Governance,
        *,
        ascii: bool = False,  # noqa: A002 - the option's name
        readonly: bool = False,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] | None = None,
        jobs_folder: Path | None = None,
        grace: float = 10.0,
    ) -> None:
        super().__init__()
        self.register_theme(DARK)
        self.register_theme(LIGHT)
        self.theme = DARK.name
        self._control_filter = ControlFilter()
        self._ascii_filter = AsciiFilter()
        self.crash_message = ""
        queue = JobQueue(
            governance, jobs_folder, self._job_changed, clock=clock, grace=grace
        )
        extra = {} if now is None else {"now": now}
        self.desk = Desk(
            governance=governance,
            queue=queue,
            tell=self.tell,
            ascii_only=ascii,
            readonly=readonly or governance.header().readonly,
            clock=clock,
            **extra,
        )
        self._ledger_number = governance.changed()
        self._read_at = clock()
        self._leaving = False
        self._job_shown = (0, "")
        self._jobs_waiting = False

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """Give names of our own a value whatever theme is chosen."""
        return DARK.variables

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Put our filter first, so that nothing is painted around it."""
        drawing = [self._ascii_filter] if self.desk.ascii_only else []
        return [self._control_filter, *drawing, *super().get_line_filters()]

    def on_mount(self) -> None:
        """Open the first screen, start the queue and the watch on the ledger."""
        for kind in MODES:
            self.add_mode(kind.NAME, partial(kind, self.desk))
        self.switch_mode(ReviewScreen.NAME)
        self.set_interval(POLL_SECONDS, self.poll)
        self._run_queue()

    @property
    def work_screen(self) -> WorkScreen | None:
        """The screen below any help or palette."""
        screens = [item for item in self.screen_stack if isinstance(item, WorkScreen)]
        return screens[-1] if screens else None

    async def on_event(self, event: events.Event) -> None:
        """Drop what a decision panel must not hear: early keys, pasted text."""
        panel = self._open_panel()
        if panel is not None and isinstance(event, events.Key):
            if panel.deaf():
                return
            if panel.astray(event):
                panel.point()
                return
        if panel is not None and isinstance(event, events.Paste):
            self.tell("Pasted text is ignored here; type it.", bad=True)
            return
        await super().on_event(event)

    def tell(self, text: str, *, bad: bool = False) -> None:
        """Show a message for a moment; the only place that notifies."""
        severity: SeverityLevel = "error" if bad else "information"
        self.notify(safe(text), severity=severity, markup=False)

    def poll(self) -> None:
        """Look whether somebody else wrote, and show it."""
        screen = self.work_screen
        try:
            number = self.desk.governance.changed()
        except GovernanceError as error:
            self.tell(error.message, bad=True)
            return
        if number != self._ledger_number and screen is not None:
            self._ledger_number = number
            screen.ledger_changed()
        elif self.desk.clock() - self._read_at >= AGES_SECONDS and screen is not None:
            self._read_at = self.desk.clock()
            screen.grow_older()

    def action_go(self, name: str) -> None:
        """Show another screen."""
        if self.current_mode != name and isinstance(self.screen, WorkScreen):
            self.switch_mode(name)

    def action_help(self) -> None:
        """List the keys that work here."""
        if isinstance(self.screen, WorkScreen):
            self.push_screen(HelpScreen(self.screen.active_bindings))

    def action_propose(self) -> None:
        """Open the panel that proposes from a file."""
        screen = self.work_screen
        if screen is not None:
            screen.propose()

    def action_light(self) -> None:
        """Change between dark and light."""
        self.theme = LIGHT.name if self.theme == DARK.name else DARK.name

    async def action_leave(self) -> None:
        """Quit; a running job is stopped, and has to be confirmed."""
        busy = self.desk.queue.unfinished
        if busy and not self._leaving:
            self._leaving = True
            self.set_timer(LEAVE_SECONDS, self._stay)
            self.tell("A job is running: q again stops it.")
            return
        # The grace a stubborn child gets must not freeze the screen.
        self.run_worker(self._close(), group="close")

    async def _close(self) -> None:
        await self.desk.queue.close()
        self.exit(0)

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """Offer every key of the screen as a command, and what has no key."""
        yield SystemCommand("Dark or light", "Change the colours", self.action_light)
        named: set[str] = set()
        for active in screen.active_bindings.values():
            title = active.binding.description
            if not title or title in named or active.binding.system:
                continue
            named.add(title)
            keys = f"key {active.binding.key_display or active.binding.key}"
            run = partial(self.run_action, active.binding.action, active.node)
            yield SystemCommand(title, keys, run)

    def _handle_exception(self, error: Exception) -> None:
        """Write the trace to a private file; never locals on the screen.

        Textual would print every frame's local variables: other people's prompts.
        """
        trace = crash.write_trace(error)
        self.crash_message = crash.crash_line(error, trace)
        self._return_code = int(ExitCode.BUG)
        if self._exception is None:
            self._exception = error
            self._exception_event.set()
        self._close_messages_no_wait()

    def _open_panel(self) -> DecisionPanel | None:
        top = self.screen_stack[-1] if self.screen_stack else None
        return top.panel if isinstance(top, WorkScreen) else None

    def _stay(self) -> None:
        self._leaving = False

    def _show_jobs(self) -> None:
        self._jobs_waiting = False
        for screen in self.screen_stack if self.is_running else ():
            if isinstance(screen, WorkScreen) and screen.is_mounted:
                screen.jobs_changed()

    @work(group="queue")
    async def _run_queue(self) -> None:
        await self.desk.queue.work()

    def _job_changed(self, record: JobRecord) -> None:
        if (record.number, record.status) != self._job_shown:
            self._job_shown = (record.number, record.status)
            self._show_jobs()
        elif not self._jobs_waiting:
            # A child may report thousands of times a second; a person reads slower.
            self._jobs_waiting = True
            self.set_timer(JOB_SECONDS, self._show_jobs)
        if record.over:
            self.poll()
            self.tell(
                f"{record.title}: {record.message}", bad=record.status == "FAILED"
            )


def run(
    governance: Governance,
    *,
    ascii: bool = False,  # noqa: A002 - the option's name
    readonly: bool = False,
) -> int:
    """Open the terminal UI and return the exit code.

    Args:
        governance: An open workspace.
        ascii: No glyph beyond ASCII.
        readonly: Nothing may be written from here.

    Raises:
        UsageError: There is no terminal.
    """
    # The toolkit draws on stderr, so that stdout stays free for data.
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise UsageError(
            "terminal UI: expected a terminal on stdin and stderr, found none",
            "Run it in a terminal, or use the commands.",
        )
    # A program that asks for a passphrase here would share the keyboard with the UI:
    # its question painted over, half the answer taken for keys.
    os.environ["SSH_ASKPASS_REQUIRE"] = "force"
    app = GovernanceApp(governance, ascii=ascii, readonly=readonly)
    code = app.run()
    if app.crash_message:
        sys.stderr.write(app.crash_message + "\n")
        return int(ExitCode.BUG)
    return code or int(ExitCode.DONE)
