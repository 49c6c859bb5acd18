"""What all screens have in common: frame, panels, carrying decisions out."""

from collections.abc import Sequence
from functools import partial
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Static

from governance.errors import GovernanceError
from governance.service.views import Acted
from governance.tui.acting import carry_out, still_as_seen
from governance.tui.acts import REVERT, Matter, job_for
from governance.tui.decision import DecisionPanel
from governance.tui.desk import Desk
from governance.tui.header import HeaderBar
from governance.tui.paint import own
from governance.tui.proposal import ProposalPanel
from governance.tui.strip import JobStrip
from governance.tui.words import Tone


class WorkScreen(Screen[None]):
    """Header above, body, docked panel when there is one, job strip, hints.

    Args:
        desk: What every screen shares.
    """

    NAME: ClassVar[str] = ""
    HINTS: ClassVar[str] = ""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("R", "reload", "Reload"),
    ]

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self.desk = desk
        self._returning: Widget | None = None
        self._docked: DecisionPanel | ProposalPanel | None = None

    def compose(self) -> ComposeResult:
        """Lay out the frame around the screen's own body."""
        yield HeaderBar(self.desk, self.NAME)
        yield from self.body()
        yield JobStrip(self.desk)
        yield Static(own(self.HINTS, Tone.DIM), id="hints")

    def body(self) -> ComposeResult:
        """Lay out what this screen is about."""
        yield from ()

    def reload(self) -> None:
        """Read everything on this screen again."""

    def on_mount(self) -> None:
        """Show what is true now."""
        self.action_reload()

    def on_screen_resume(self) -> None:
        """Show what became true while another screen was open."""
        self.action_reload()

    def action_reload(self) -> None:
        """Read everything again."""
        self.query_one(HeaderBar).reload()
        self.query_one(JobStrip).reload()
        self.reload()

    def ledger_changed(self) -> None:
        """Take in that somebody wrote; an open decision is outdated by it."""
        panel = self.panel
        if panel is not None and not panel.settled:
            try:
                still_as_seen(self.desk.governance, panel.consent.matter)
            except GovernanceError as error:
                panel.outdate(f"{error.message}. {error.hint}")
        self.action_reload()

    def grow_older(self) -> None:
        """Draw ages anew where this screen shows some; nothing is read."""

    def point_at(self, edit_id: str) -> None:
        """Put the cursor on an edit, where this screen lists edits."""

    def jobs_changed(self) -> None:
        """Take in that a job moved."""
        self.query_one(JobStrip).reload()

    @property
    def panel(self) -> DecisionPanel | None:
        """The open decision, if there is one."""
        return self._docked if isinstance(self._docked, DecisionPanel) else None

    @property
    def focus_chain(self) -> list[Widget]:
        """Keep Tab within an open panel: typing must not land elsewhere."""
        chain = super().focus_chain
        if self._docked is None:
            return chain
        return [widget for widget in chain if self._docked in widget.ancestors]

    def decide(self, matter: Matter) -> None:
        """Open the panel for a decision; an open one stays instead."""
        self._dock(DecisionPanel(matter, self.desk.clock))

    def close_panel(self) -> None:
        """Take the panel away and give the focus back."""
        if self._docked is not None:
            self._docked.remove()
            self._docked = None
        self.remove_class("-deciding")
        self._hint(self.HINTS)
        if self._returning is not None and self._returning.is_attached:
            self._returning.focus()

    def propose(self) -> None:
        """Open the panel that proposes from a file."""
        self._dock(ProposalPanel(self.desk))

    def _dock(self, panel: DecisionPanel | ProposalPanel) -> None:
        if self._docked is not None:
            self.desk.tell("Close the open panel first (Esc).", bad=True)
            return
        self._returning, self._docked = self.focused, panel
        self.add_class("-deciding")
        self._hint(panel.HINTS)
        self.mount(panel, before=self.query_one(JobStrip))

    def copy_commands(self, commands: Sequence[str]) -> None:
        """Copy verify commands through the terminal, or say that there are none."""
        if not commands:
            self.desk.tell("Nobody has signed it: there is no command to copy.")
            return
        self.app.copy_to_clipboard("\n".join(commands) + "\n")
        self.desk.tell(f"{len(commands)} ssh-keygen commands copied, one line each")

    def _hint(self, text: str) -> None:
        self.query_one("#hints", Static).update(own(text, Tone.DIM))

    @on(ProposalPanel.Closed)
    def _proposal_closed(self, event: ProposalPanel.Closed) -> None:
        event.stop()
        self.close_panel()

    @on(ProposalPanel.Proposed)
    def _proposed(self, event: ProposalPanel.Proposed) -> None:
        event.stop()
        self.close_panel()
        names = ", ".join(edit.id for edit in event.edits)
        self.desk.tell(f"{names}: PROPOSED")
        self.action_reload()
        self.point_at(event.edits[0].id)

    @on(DecisionPanel.Cancelled)
    def _cancelled(self, event: DecisionPanel.Cancelled) -> None:
        event.stop()
        self.close_panel()

    @on(DecisionPanel.Confirmed)
    def _confirmed(self, event: DecisionPanel.Confirmed) -> None:
        event.stop()
        matter, text = event.matter, event.text
        job = job_for(matter, text)
        if job is None:
            self._write(matter, text)
            return
        try:
            still_as_seen(self.desk.governance, matter)
        except GovernanceError as error:
            self._refused(error)
            return
        # A check that ran for a minute stays valid when a stranger proposes
        # something meanwhile; only what is signed is tied to the head.
        seen = matter.seen if matter.act is REVERT else None
        self.desk.queue.submit(job, f"{matter.act.label} {matter.subject}", seen)
        self.close_panel()

    @work(thread=True, exclusive=True, group="write", exit_on_error=True)
    def _write(self, matter: Matter, text: str) -> None:
        try:
            acted = carry_out(self.desk.governance, matter, text)
        except GovernanceError as error:
            self.app.call_from_thread(partial(self._refused, error))
        else:
            self.app.call_from_thread(partial(self._done, matter, acted))

    def _refused(self, error: GovernanceError) -> None:
        text = f"{error.message}. {error.hint}" if error.hint else error.message
        panel = self.panel
        if panel is None:
            self.desk.tell(text, bad=True)
        else:
            panel.object(text)
        self.action_reload()

    def _done(self, matter: Matter, acted: Acted) -> None:
        self.close_panel()
        words = f"{matter.act.label} {matter.subject}: {acted.state}"
        if acted.missing:
            words += f"; missing: {'; '.join(acted.missing)}"
        self.desk.tell(words)
        self.action_reload()
