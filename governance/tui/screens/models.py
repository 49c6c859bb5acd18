"""Screen 3: models, their snapshots, which edits each holds."""

from collections.abc import Callable
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Static

from governance.errors import GovernanceError
from governance.service.views import ModelView, SnapshotSummary
from governance.tui.acts import ACTIVATE, EXPORT, Act, snapshot_matter
from governance.tui.desk import Desk
from governance.tui.grid import Grid
from governance.tui.paint import line, lines, own, shown
from governance.tui.screens.base import WorkScreen
from governance.tui.snapshot_rows import (
    COLUMNS,
    diff_lines,
    row_key,
    snapshot_lines,
    snapshot_rows,
)
from governance.tui.tabs import ScrollText
from governance.tui.words import Tone


class ModelsScreen(WorkScreen):
    """Snapshots beside the chosen one; differences to a marked one."""

    NAME = "models"
    HINTS = (
        "j k move   enter open   d mark as A, show differences   "
        "L make live   E export   ? keys   q quit"
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("d", "mark", "Mark as A for differences"),
        Binding(ACTIVATE.key, "decide('activate')", ACTIVATE.label),
        Binding(EXPORT.key, "decide('export')", EXPORT.label),
        Binding("y", "copy", "Copy digest"),
        Binding("escape", "back", "Back"),
        Binding("z", "zoom", "Zoom"),
    ]

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self._models: tuple[ModelView, ...] = ()
        self._snapshots: tuple[SnapshotSummary, ...] = ()
        self._titles: dict[str, str] = {}
        self._marked: str | None = None

    def body(self) -> ComposeResult:
        """Put snapshots and the chosen one side by side."""
        yield Static("", id="models-title", classes="screen-title")
        with Horizontal(id="panes"):
            yield Grid(COLUMNS, id="snapshots")
            yield ScrollText(id="snapshot")

    @property
    def list(self) -> Grid:
        """The list."""
        return self.query_one("#snapshots", Grid)

    def on_mount(self) -> None:
        """Start in the list."""
        super().on_mount()
        self.list.focus()

    def reload(self) -> None:
        """Read models and snapshots again."""
        governance = self.desk.governance
        try:
            self._models = governance.models()
            self._snapshots = governance.snapshots()
            self._titles = {edit.id: edit.title for edit in governance.edits()}
        except GovernanceError as error:
            self.desk.tell(error.message, bad=True)
            return
        self.query_one("#models-title", Static).update(
            line(
                own("Models", Tone.STRONG),
                own(
                    f"   {len(self._models)} registered, "
                    f"{len(self._snapshots)} snapshots",
                    Tone.DIM,
                ),
            )
        )
        self.grow_older()
        self._show()

    def grow_older(self) -> None:
        """Draw the ages in the list anew."""
        rows = snapshot_rows(self._models, self._snapshots, self._marked, self.desk)
        self.list.show(rows, own("  no model is registered", Tone.DIM))

    def _find(self, key: str | None) -> SnapshotSummary | None:
        return next((item for item in self._snapshots if row_key(item) == key), None)

    def _show(self) -> None:
        chosen = self._find(self.list.key)
        layout = _nothing if chosen is None else self._layout(chosen)
        self.query_one("#snapshot", ScrollText).show(layout, top=True)

    def _layout(self, chosen: SnapshotSummary) -> Callable[[int], Content]:
        """Read a snapshot once; return how it is laid out for a width."""
        governance = self.desk.governance
        model = next((item for item in self._models if item.name == chosen.model), None)
        marked = self._find(self._marked)
        try:
            detail = governance.snapshot(chosen.digest, chosen.model)
            if marked is None or marked is chosen or marked.model != chosen.model:
                return lambda width: lines(
                    snapshot_lines(detail, self._titles, model, width)
                )
            diff = governance.diff(marked.digest, chosen.digest, chosen.model)
        except GovernanceError as error:
            text = lines([shown(error.message, Tone.BAD), shown(error.hint, Tone.DIM)])
            return lambda _: text
        first = marked.digest
        return lambda width: lines(
            [
                *diff_lines(first, chosen.digest, diff, width),
                *snapshot_lines(detail, self._titles, model, width),
            ]
        )

    @on(Grid.Moved, "#snapshots")
    def _moved(self) -> None:
        self._show()

    @on(Grid.Opened, "#snapshots")
    def _opened(self) -> None:
        self.add_class("-open")
        self.query_one("#snapshot").focus()

    def action_mark(self) -> None:
        """Count differences from the chosen snapshot on, or stop doing so."""
        key = self.list.key
        self._marked = None if key == self._marked else key
        self.reload()

    def action_copy(self) -> None:
        """Copy the snapshot's digest."""
        chosen = self._find(self.list.key)
        if chosen is not None:
            self.app.copy_to_clipboard(chosen.digest)
            self.desk.tell(f"snapshot digest copied: {chosen.digest}")

    def action_back(self) -> None:
        """Go back to the list."""
        self.remove_class("-open", "-zoomed")
        self.list.focus()

    def action_zoom(self) -> None:
        """Give the snapshot the whole width, or take it back."""
        self.toggle_class("-zoomed")
        self.query_one("#snapshot").focus()

    def action_decide(self, name: str) -> None:
        """Open the panel for a decision, or say why it is impossible."""
        chosen = self._find(self.list.key)
        if chosen is None:
            return
        act = ACTIVATE if name == ACTIVATE.name else EXPORT
        reason = self._reason(act, chosen)
        if reason:
            self.desk.tell(f"{act.label} {chosen.digest[:12]}: {reason}", bad=True)
            return
        try:
            matter = snapshot_matter(self.desk.governance, chosen, act)
        except GovernanceError as error:
            self.desk.tell(error.message, bad=True)
            return
        self.add_class("-open")
        self.decide(matter)

    def _reason(self, act: Act, chosen: SnapshotSummary) -> str:
        if self.desk.readonly:
            return "opened read-only"
        if not (chosen.live or chosen.was_live or chosen.is_base):
            return "was never live; a candidate goes live with its last approval"
        if act is ACTIVATE and chosen.live:
            return "is live already"
        return ""


def _nothing(_: int) -> Content:
    return Content("")
