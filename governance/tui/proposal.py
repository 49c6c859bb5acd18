"""Propose from a file: a docked panel that judges the file while one types."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.message import Message
from textual.timer import Timer
from textual.widgets import Button, Input, Static
from textual.worker import get_current_worker

from governance.errors import GovernanceError
from governance.service.views import EditSummary, Finding
from governance.tui.desk import Desk
from governance.tui.paint import cell, line, lines, own, shown
from governance.tui.words import Tone

DEBOUNCE_SECONDS = 0.2
_MOST_FINDINGS = 8


class SpaceButton(Button, inherit_bindings=False):
    """A button that Enter does not press: what it does is written down."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "press", "Press"),
        Binding("enter", "explain", "Why not", show=False),
    ]

    def action_explain(self) -> None:
        """Say which key presses it."""
        self.app.notify("Enter never writes here; press Space.", markup=False)


class ProposalPanel(Vertical):
    """A path, what policy says about the file, and Submit."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "close", "Close", priority=True),
    ]
    HINTS: ClassVar[str] = "tab next field   space on Submit proposes   esc cancel"

    class Closed(Message):
        """Nobody wants to propose anything any more."""

    @dataclass
    class Proposed(Message):
        """The requests are in the ledger."""

        edits: tuple[EditSummary, ...]

    def __init__(self, desk: Desk) -> None:
        super().__init__(id="proposal")
        self._desk = desk
        self._timer: Timer | None = None
        self._judged = ""

    def compose(self) -> ComposeResult:
        """Lay out the words above, the fields below."""
        title = own("PROPOSE", "bold $wait") + own("  from a request file", Tone.DIM)
        yield Static(title)
        yield Static("", id="proposal-findings")
        with Horizontal(id="proposal-fields"):
            yield Button("Cancel", id="proposal-cancel", compact=True)
            yield Static(own("file ", Tone.DIM), classes="caption")
            yield Input(id="proposal-path", compact=True)
            yield SpaceButton("Submit", id="proposal-submit", compact=True)

    def on_mount(self) -> None:
        """Wait for a path."""
        self.query_one("#proposal-path").focus()
        self._refuse("type the path of a request file")

    @property
    def path(self) -> str:
        """The path as typed."""
        return self.query_one("#proposal-path", Input).value.strip()

    @on(Input.Changed, "#proposal-path")
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        if self._timer is not None:
            self._timer.stop()
        self._refuse("judging the file" if self.path else "type a path")
        if self.path:
            self._timer = self.set_timer(DEBOUNCE_SECONDS, self._look)

    def _look(self) -> None:
        self._judge(self.path)

    @work(thread=True, exclusive=True, group="judge")
    def _judge(self, path: str) -> None:
        worker = get_current_worker()
        findings: tuple[Finding, ...] = ()
        problem = ""
        try:
            findings = self._desk.governance.preview_proposal(Path(path).expanduser())
        except GovernanceError as error:
            problem = f"{error.message}. {error.hint}" if error.hint else error.message
        if not worker.is_cancelled:
            self.app.call_from_thread(partial(self._judgement, path, findings, problem))

    def _judgement(self, path: str, findings: Sequence[Finding], problem: str) -> None:
        if path != self.path or not self.is_attached:
            return
        if problem:
            self._refuse(problem)
            return
        failing = [item for item in findings if item.outcome == "FAIL"]
        self._judged = "" if failing or self._desk.readonly else path
        self._enable(possible=bool(self._judged))
        self._say(lines(self._verdict(findings, len(failing))))

    def _verdict(self, findings: Sequence[Finding], failing: int) -> Iterator[Content]:
        ordered = sorted(findings, key=lambda item: item.outcome == "PASS")
        for finding in ordered[:_MOST_FINDINGS]:
            yield line(
                cell(self._desk.badge(finding.outcome), 10),
                cell(shown(finding.rule), 24),
                " ",
                shown(finding.message, Tone.DIM),
            )
        if failing:
            yield own(f"Submit: policy refuses it ({failing} rules fail)", Tone.BAD)
        elif self._desk.readonly:
            yield own("Submit: opened read-only", Tone.BAD)
        else:
            yield line(
                self._desk.badge("DRAFT"),
                own("   policy lets it in; Tab to Submit, then Space", Tone.GOOD),
            )

    def _refuse(self, reason: str) -> None:
        self._judged = ""
        self._enable(possible=False)
        self._say(own("Submit: ", Tone.DIM) + shown(reason, Tone.WAIT))

    def _enable(self, *, possible: bool) -> None:
        self.query_one("#proposal-submit", Button).disabled = not possible

    def _say(self, content: Content) -> None:
        self.query_one("#proposal-findings", Static).update(content)

    @on(Button.Pressed, "#proposal-submit")
    def _submit(self, event: Button.Pressed) -> None:
        event.stop()
        if self._judged and self._judged == self.path:
            path = self._judged
            self._refuse("writing")
            self._propose(path)

    @work(thread=True, exclusive=True, group="propose")
    def _propose(self, path: str) -> None:
        try:
            edits = self._desk.governance.propose([Path(path).expanduser()])
        except GovernanceError as error:
            text = f"{error.message}. {error.hint}" if error.hint else error.message
            self.app.call_from_thread(partial(self._refuse, text))
        else:
            self.post_message(self.Proposed(edits))

    @on(Button.Pressed, "#proposal-cancel")
    def _cancel(self, event: Button.Pressed) -> None:
        event.stop()
        self.action_close()

    def action_close(self) -> None:
        """Close the panel."""
        self.post_message(self.Closed())
