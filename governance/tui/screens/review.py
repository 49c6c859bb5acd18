"""Screen 1: the inbox, and everything about the chosen edit beside it."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Input

from governance.errors import GovernanceError
from governance.service.views import EditDetail, EditSummary, ImageSet
from governance.tui.acts import REVIEW_ACTS, edit_matter
from governance.tui.compare import default_layout
from governance.tui.desk import Desk
from governance.tui.detail import Detail
from governance.tui.grid import Grid
from governance.tui.inbox import COLUMNS, inbox_rows
from governance.tui.outside import open_outside
from governance.tui.paint import own
from governance.tui.screens.base import WorkScreen
from governance.tui.sight import Mode, Sight
from governance.tui.words import Tone


class ReviewScreen(WorkScreen):
    """Inbox, detail, decisions."""

    NAME = "review"
    HINTS = (
        "j k move   enter open   h l tabs   / filter   [ ] seed   { } prompt   "
        "? keys   n propose   ctrl+p commands   q quit"
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "filter", "Filter", key_display="/"),
        Binding("escape", "back", "Back"),
        Binding("z", "zoom", "Zoom"),
        Binding("y", "copy", "Copy digest"),
        Binding("Y", "copy_commands", "Copy verify commands"),
        Binding("o", "outside", "Open images outside"),
        Binding("left_square_bracket", "seed(-1)", "Previous seed", key_display="["),
        Binding("right_square_bracket", "seed(1)", "Next seed", key_display="]"),
        Binding("left_curly_bracket", "prompt(-1)", "Previous prompt", key_display="{"),
        Binding("right_curly_bracket", "prompt(1)", "Next prompt", key_display="}"),
        Binding("b", "blink", "Blink before and candidate"),
        Binding("B", "flip", "Flip once"),
        Binding("w", "wipe", "Wipe"),
        Binding("m", "difference", "Difference"),
        Binding("c", "layout", "Layout of pictures"),
        Binding("less_than_sign", "slide(-0.1)", "Wipe to the left", key_display="<"),
        Binding(
            "greater_than_sign", "slide(0.1)", "Wipe to the right", key_display=">"
        ),
        *(Binding(act.key, f"decide('{act.name}')", act.label) for act in REVIEW_ACTS),
    ]

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self._edits: tuple[EditSummary, ...] = ()

    def body(self) -> ComposeResult:
        """Put inbox and detail side by side."""
        with Horizontal(id="panes"):
            with Vertical(id="inbox-pane"):
                yield Input(placeholder="filter", id="filter", compact=True)
                yield Grid(COLUMNS, head=False, id="inbox")
            yield Detail(self.desk)

    @property
    def inbox(self) -> Grid:
        """The list."""
        return self.query_one("#inbox", Grid)

    @property
    def detail(self) -> Detail:
        """The chosen edit."""
        return self.query_one(Detail)

    def on_mount(self) -> None:
        """Start in the list, with as many pictures as the terminal is wide for."""
        super().on_mount()
        compare = self.detail.compare
        layout = default_layout(self.app.size.width)
        compare.look(replace(compare.sight, layout=layout))
        self.query_one("#filter").display = False
        self.inbox.focus()

    def reload(self) -> None:
        """Read inbox and chosen edit again."""
        try:
            self._edits = self.desk.governance.edits()
        except GovernanceError as error:
            self.desk.tell(error.message, bad=True)
            return
        self._list()
        self._show(self.inbox.key)

    def point_at(self, edit_id: str) -> None:
        """Put the cursor on what was just proposed: it is what comes next."""
        self.inbox.go(edit_id)

    def grow_older(self) -> None:
        """Draw the ages in inbox and detail anew."""
        self._list()
        self.detail.grow_older()

    def _list(self) -> None:
        wanted = self.query_one("#filter", Input).value
        text = (
            "nothing matches the filter"
            if self._edits
            else "no edits yet: press n to propose one from a file"
        )
        rows = inbox_rows(self._edits, wanted, self.desk)
        self.inbox.show(rows, own(f"  {text}", Tone.DIM))

    def _show(self, edit_id: str | None) -> None:
        if edit_id is None:
            self.detail.clear("No edit chosen.")
            return
        governance = self.desk.governance
        try:
            edit = governance.edit(edit_id)
            reasons = self._reasons(edit_id)
        except GovernanceError as error:
            self.detail.clear(error.message)
            return
        images, problem = self._images(edit)
        self.detail.show(edit, images, reasons, problem)

    def _images(self, edit: EditDetail) -> tuple[tuple[ImageSet, ...], str]:
        if edit.evidence_digest is None:
            return (), ""
        try:
            return self.desk.governance.images(edit.id), ""
        except GovernanceError as error:
            return (), error.message

    def _reasons(self, edit_id: str) -> Mapping[str, str]:
        if self.desk.readonly:
            return {act.name: "opened read-only" for act in REVIEW_ACTS}
        return self.desk.governance.allowed(edit_id)

    @on(Grid.Moved, "#inbox")
    def _moved(self, event: Grid.Moved) -> None:
        if self.detail.shown_edit is None or self.detail.shown_edit.id != event.key:
            self._show(event.key)

    @on(Grid.Opened, "#inbox")
    def _opened(self) -> None:
        self.add_class("-open")
        self.detail.body.focus()

    @on(Input.Changed, "#filter")
    def _filtered(self) -> None:
        self._list()

    @on(Input.Submitted, "#filter")
    def _filter_done(self) -> None:
        self.inbox.focus()

    def action_filter(self) -> None:
        """Type words that an edit's line must hold."""
        self.remove_class("-open")
        field = self.query_one("#filter", Input)
        field.display = True
        field.focus()

    def action_back(self) -> None:
        """Go back one step: filter, zoom, detail."""
        field = self.query_one("#filter", Input)
        if field.display:
            field.value = ""
            field.display = False
        self.remove_class("-open", "-zoomed")
        self.inbox.focus()

    def action_zoom(self) -> None:
        """Give the detail the whole width, or take it back."""
        self.toggle_class("-zoomed")
        if self.has_class("-zoomed"):
            self.detail.body.focus()
        else:
            self.inbox.focus()

    def action_copy(self) -> None:
        """Copy the digest a decision would be about."""
        edit = self.detail.shown_edit
        if edit is not None:
            digest = edit.candidate or edit.digest
            self.app.copy_to_clipboard(digest)
            name = "candidate" if edit.candidate else "request"
            self.desk.tell(f"{name} digest copied: {digest}")

    def action_copy_commands(self) -> None:
        """Copy the commands that verify the edit's signatures."""
        edit = self.detail.shown_edit
        if edit is not None:
            self.copy_commands(edit.verify_lines)

    async def action_outside(self) -> None:
        """Open the contact sheet with the system's viewer; say where it is."""
        path = self._picture_path()
        if path is None:
            self.desk.tell("There are no images yet: check the candidate first (C).")
            return
        await open_outside(path, self.desk.tell)

    def _picture_path(self) -> Path | None:
        edit = self.detail.shown_edit
        if edit is None or edit.evidence_digest is None:
            return None
        try:
            sheets = self.desk.governance.sheets(edit.id)
        except GovernanceError:
            # Without sheets the picture in view is still worth opening.
            sheets = ()
        images = self.detail.compare.current()
        return sheets[0] if sheets else images.candidate if images else None

    def _look(self, sight: Sight) -> None:
        compare = self.detail.compare
        compare.stop_blinking()
        compare.look(sight)

    def action_seed(self, step: int) -> None:
        """Look at another seed."""
        self._look(self.detail.compare.sight.step_seed(step))

    def action_prompt(self, step: int) -> None:
        """Look at another prompt."""
        self._look(self.detail.compare.sight.step_prompt(step))

    def action_blink(self) -> None:
        """Alternate before and candidate, or stop."""
        self.detail.compare.toggle_blink()

    def action_flip(self) -> None:
        """Swap before and candidate once."""
        self._look(self.detail.compare.sight.flip())

    def action_wipe(self) -> None:
        """Put before and candidate into one picture."""
        self._look(self.detail.compare.sight.toggle(Mode.WIPE))

    def action_difference(self) -> None:
        """Show where before and candidate differ."""
        self._look(self.detail.compare.sight.toggle(Mode.DIFFERENCE))

    def action_layout(self) -> None:
        """Show fewer, larger pictures, or all again."""
        self._look(self.detail.compare.sight.next_layout())

    def action_slide(self, step: float) -> None:
        """Move the edge of the wipe."""
        self._look(self.detail.compare.sight.slide(step))

    def action_decide(self, name: str) -> None:
        """Open the panel for a decision, or say why it is impossible."""
        edit = self.detail.shown_edit
        if edit is None:
            return
        act = next(item for item in REVIEW_ACTS if item.name == name)
        try:
            reason = self._reasons(edit.id).get(name, "unknown action")
            if reason:
                self.desk.tell(f"{act.label} {edit.id}: {reason}", bad=True)
                return
            fresh = self.desk.governance.edit(edit.id)
            viewed = self.detail.compare.viewed_words()
            matter = edit_matter(self.desk.governance, fresh, act, viewed)
        except GovernanceError as error:
            self.desk.tell(error.message, bad=True)
            return
        self.add_class("-open")
        self.decide(matter)
