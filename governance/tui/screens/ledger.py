"""Screen 2: the timeline, and whether it still is what was written."""

from functools import partial
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Static

from governance.errors import GovernanceError
from governance.service.views import LedgerRow, LedgerVerdict
from governance.tui.desk import Desk
from governance.tui.evidence import tree
from governance.tui.grid import Grid
from governance.tui.ledger_rows import COLUMNS, LedgerRows, clock_time
from governance.tui.paint import line, lines, own, shown
from governance.tui.screens.base import WorkScreen
from governance.tui.tabs import ScrollText
from governance.tui.words import Tone


class LedgerScreen(WorkScreen):
    """Timeline beside the chosen entry; the title always tells of the last check."""

    NAME = "ledger"
    HINTS = "j k move   enter open   g G newest, oldest   v verify   ? keys   q quit"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("v", "verify", "Verify now"),
        Binding("y", "copy", "Copy digest"),
        Binding("escape", "back", "Back"),
        Binding("z", "zoom", "Zoom"),
    ]

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self._verified: tuple[LedgerVerdict, str] | None = None
        self._verifying = False
        self._rows = LedgerRows(desk.governance, 0)

    def body(self) -> ComposeResult:
        """Put the verdict above timeline and entry."""
        yield Static("", id="ledger-title", classes="screen-title")
        with Horizontal(id="panes"):
            yield Grid(COLUMNS, id="timeline")
            yield ScrollText(id="entry")

    @property
    def timeline(self) -> Grid:
        """The list."""
        return self.query_one("#timeline", Grid)

    def on_mount(self) -> None:
        """Start in the list."""
        super().on_mount()
        self.timeline.focus()

    def reload(self) -> None:
        """Show the entries there are, and verify them if any is new."""
        try:
            size = self.desk.governance.head().size
        except GovernanceError as error:
            self._title(shown(error.message, Tone.BAD))
            return
        fresh = self._verified is None or self._verified[0].head.size != size
        if len(self._rows) != size:
            self._rows = LedgerRows(self.desk.governance, size)
        self.timeline.show(self._rows, own("  no entries", Tone.DIM))
        self._say()
        self._entry()
        if fresh:
            self.action_verify()

    def action_verify(self) -> None:
        """Re-hash every entry and re-check every object and signature."""
        if not self._verifying:
            self._verifying = True
            self._say()
            self._verify()

    @work(thread=True, exclusive=True, group="verify")
    def _verify(self) -> None:
        try:
            verdict = self.desk.governance.verify()
        except GovernanceError as error:
            self.app.call_from_thread(partial(self._failed, error))
        else:
            self.app.call_from_thread(partial(self._found, verdict))

    def _found(self, verdict: LedgerVerdict) -> None:
        self._verifying = False
        self._verified = (verdict, clock_time(self.desk.now()))
        self._say()

    def _failed(self, error: GovernanceError) -> None:
        self._verifying = False
        self._title(line(own("BROKEN  ", "bold $bad"), shown(error.message, Tone.BAD)))

    def _say(self) -> None:
        self._title(verdict_line(self._verified, len(self._rows), self._verifying))

    def _title(self, content: Content) -> None:
        self.query_one("#ledger-title", Static).update(content)

    @on(Grid.Moved, "#timeline")
    def _moved(self) -> None:
        self._entry()

    @on(Grid.Opened, "#timeline")
    def _opened(self) -> None:
        self.add_class("-open")
        self.query_one("#entry").focus()

    def _chosen(self) -> LedgerRow | None:
        key = self.timeline.key
        place = None if key is None else self._rows.find(key)
        return None if place is None else self._rows.entry(place)

    def _entry(self) -> None:
        entry = self._chosen()
        self.query_one("#entry", ScrollText).show(
            lambda width: Content("") if entry is None else entry_content(entry, width),
            top=True,
        )

    def action_copy(self) -> None:
        """Copy the entry's digest."""
        entry = self._chosen()
        if entry is not None:
            self.app.copy_to_clipboard(entry.digest)
            self.desk.tell(f"entry digest copied: {entry.digest}")

    def action_back(self) -> None:
        """Go back to the list."""
        self.remove_class("-open", "-zoomed")
        self.timeline.focus()

    def action_zoom(self) -> None:
        """Give the entry the whole width, or take it back."""
        self.toggle_class("-zoomed")
        self.query_one("#entry").focus()


def verdict_line(
    verified: tuple[LedgerVerdict, str] | None,
    size: int,
    verifying: bool,  # noqa: FBT001
) -> Content:
    """Say when the ledger was verified, and to which entry.

    Args:
        verified: Newest verdict and its time of day, if there is one.
        size: Entries on screen.
        verifying: A verification is under way.
    """
    parts = [own("Ledger", Tone.STRONG), own(f"   {size} entries   ", Tone.DIM)]
    if verified is not None:
        verdict, when = verified
        if verdict.ok:
            parts.append(own(f"verified to entry {verdict.entries}", Tone.GOOD))
        else:
            place = "?" if verdict.first_bad is None else str(verdict.first_bad)
            parts.append(own(f"BROKEN at {place}", "bold $bad"))
        parts.append(own(f" at {when}", Tone.DIM))
        newer = size - verdict.head.size
        if newer > 0:
            parts.append(own(f"   {newer} newer not verified yet", Tone.WAIT))
        if verdict.message:
            parts += [own("   "), shown(verdict.message, Tone.BAD)]
    if verifying:
        parts.append(own("   verifying", Tone.WAIT))
    elif verified is None:
        parts.append(own("not verified", Tone.WAIT))
    return line(*parts)


def entry_content(entry: LedgerRow, width: int) -> Content:
    """Lay out one entry: its event's fields, without what the head says already."""
    data = entry.payload.get("data", entry.payload)
    return lines(
        [
            line(own(f"{entry.sequence}  ", Tone.DIM), shown(entry.event, Tone.STRONG)),
            line(shown(entry.time, Tone.DIM), own("  by "), shown(entry.actor)),
            shown(entry.digest, Tone.DIM),
            Content(""),
            *tree(data, width),
        ]
    )
