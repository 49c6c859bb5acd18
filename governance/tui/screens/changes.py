"""Screen 6: changes of policy and roster, and their signatures."""

from collections.abc import Callable, Mapping
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Static

from governance.domain.change import ChangeState
from governance.errors import GovernanceError
from governance.service.change_records import ChangeDetail, ChangeSummary
from governance.tui.change_acts import CHANGE_ACTS, change_matter, change_reasons
from governance.tui.change_rows import COLUMNS, acts_line, change_lines, change_rows
from governance.tui.desk import Desk
from governance.tui.grid import Grid
from governance.tui.paint import line, lines, own, shown
from governance.tui.screens.base import WorkScreen
from governance.tui.tabs import ScrollText
from governance.tui.words import Tone


class ChangesScreen(WorkScreen):
    """Changes beside the chosen one; approve and reject as with edits."""

    NAME = "changes"
    HINTS = (
        "j k move   enter open   A approve   X reject   y copy digest   ? keys   q quit"
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        *(Binding(act.key, f"decide('{act.name}')", act.label) for act in CHANGE_ACTS),
        Binding("y", "copy", "Copy digest"),
        Binding("Y", "copy_commands", "Copy verify commands"),
        Binding("escape", "back", "Back"),
        Binding("z", "zoom", "Zoom"),
    ]

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self._changes: tuple[ChangeSummary, ...] = ()
        self._shown: ChangeDetail | None = None

    def body(self) -> ComposeResult:
        """Put the list and the chosen change side by side."""
        yield Static("", id="changes-title", classes="screen-title")
        with Horizontal(id="panes"):
            yield Grid(COLUMNS, id="changes")
            with Vertical(id="change-pane"):
                yield ScrollText(id="change")
                yield Static("", id="change-acts")

    @property
    def list(self) -> Grid:
        """The list."""
        return self.query_one("#changes", Grid)

    def on_mount(self) -> None:
        """Start in the list."""
        super().on_mount()
        self.list.focus()

    def reload(self) -> None:
        """Read the changes again."""
        try:
            self._changes = self.desk.governance.changes()
        except GovernanceError as error:
            self.desk.tell(error.message, bad=True)
            return
        waiting = sum(item.state is ChangeState.PROPOSED for item in self._changes)
        self.query_one("#changes-title", Static).update(
            line(
                own("Changes of policy and roster", Tone.STRONG),
                own(f"   {len(self._changes)} in all, {waiting} waiting", Tone.DIM),
            )
        )
        self.grow_older()
        self._show(top=False)

    def grow_older(self) -> None:
        """Draw the ages in the list anew."""
        empty = "  none; `governance policy activate` proposes one"
        self.list.show(change_rows(self._changes, self.desk), own(empty, Tone.DIM))

    def _show(self, *, top: bool) -> None:
        layout, reasons = self._layout(self.list.key)
        self.query_one("#change", ScrollText).show(layout, top=top)
        acts = acts_line(reasons) if self._shown is not None else Content("")
        self.query_one("#change-acts", Static).update(acts)

    def _layout(
        self, change_id: str | None
    ) -> tuple[Callable[[int], Content], Mapping[str, str]]:
        """Read a change once; return how it is laid out, and why not to decide."""
        self._shown = None
        if change_id is None:
            return (lambda _: Content("")), {}
        governance = self.desk.governance
        try:
            detail = governance.change(change_id)
            reviewers = governance.reviewers()
            reasons = self._reasons(detail)
        except GovernanceError as error:
            text = lines([shown(error.message, Tone.BAD), shown(error.hint, Tone.DIM)])
            return (lambda _: text), {}
        self._shown = detail
        return (
            lambda width: lines(change_lines(detail, reviewers, self.desk, width))
        ), reasons

    def _reasons(self, detail: ChangeDetail) -> Mapping[str, str]:
        return change_reasons(self.desk.governance, detail, readonly=self.desk.readonly)

    @on(Grid.Moved, "#changes")
    def _moved(self) -> None:
        self._show(top=True)

    @on(Grid.Opened, "#changes")
    def _opened(self) -> None:
        self.add_class("-open")
        self.query_one("#change").focus()

    def action_copy(self) -> None:
        """Copy the digest a decision would be about."""
        if self._shown is not None:
            self.app.copy_to_clipboard(self._shown.digest)
            self.desk.tell(f"change digest copied: {self._shown.digest}")

    def action_copy_commands(self) -> None:
        """Copy the commands that verify the change's signatures."""
        if self._shown is not None:
            self.copy_commands(self._shown.verify_lines)

    def action_back(self) -> None:
        """Go back to the list."""
        self.remove_class("-open", "-zoomed")
        self.list.focus()

    def action_zoom(self) -> None:
        """Give the change the whole width, or take it back."""
        self.toggle_class("-zoomed")
        self.query_one("#change").focus()

    def action_decide(self, name: str) -> None:
        """Open the panel for a decision, or say why it is impossible."""
        if self._shown is None:
            return
        act = next(item for item in CHANGE_ACTS if item.name == name)
        try:
            fresh = self.desk.governance.change(self._shown.id)
            reason = self._reasons(fresh)[name]
            if reason:
                self.desk.tell(f"{act.label} {fresh.id}: {reason}", bad=True)
                return
            matter = change_matter(self.desk.governance, fresh, act)
        except GovernanceError as error:
            self.desk.tell(error.message, bad=True)
            return
        self.add_class("-open")
        self.decide(matter)
