"""Screen 5: the queue, each job's progress, and the tail of its log."""

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Static

from governance.tui.desk import Desk
from governance.tui.grid import Column, FixedRows, Grid, Row
from governance.tui.jobs import JobRecord
from governance.tui.paint import line, lines, own, shown
from governance.tui.screens.base import WorkScreen
from governance.tui.strip import progress_bar
from governance.tui.tabs import ScrollText
from governance.tui.words import Tone

COLUMNS = (
    Column("job", 4, right=True),
    Column("status", 12),
    Column("what", 24),
    Column("progress"),
)
ARMED_SECONDS = 3.0


class JobsScreen(WorkScreen):
    """Queue beside the chosen job's log."""

    NAME = "jobs"
    HINTS = "j k move   enter open   x x cancel   ? keys   q quit"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("x", "cancel", "Cancel job (press twice)"),
        Binding("escape", "back", "Back"),
        Binding("z", "zoom", "Zoom"),
    ]

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self._armed: tuple[int, float] | None = None

    def body(self) -> ComposeResult:
        """Put queue and log side by side."""
        yield Static("", id="jobs-title", classes="screen-title")
        with Horizontal(id="panes"):
            yield Grid(COLUMNS, id="queue")
            yield ScrollText(id="job")

    @property
    def queue(self) -> Grid:
        """The list."""
        return self.query_one("#queue", Grid)

    def on_mount(self) -> None:
        """Start in the list."""
        super().on_mount()
        self.queue.focus()

    def reload(self) -> None:
        """Show the queue as it is."""
        records = self.desk.queue.records
        waiting = sum(record.status == "QUEUED" for record in records)
        running = self.desk.queue.current is not None
        self.query_one("#jobs-title", Static).update(
            line(
                own("Jobs", Tone.STRONG),
                own(f"   {int(running)} running, {waiting} waiting", Tone.DIM),
            )
        )
        rows = [self._row(record) for record in reversed(records)]
        empty = "  no jobs since this program was opened"
        self.queue.show(FixedRows(rows), own(empty, Tone.DIM))
        self._tail(top=False)

    def jobs_changed(self) -> None:
        """Show that a job moved."""
        super().jobs_changed()
        self.reload()

    def _row(self, record: JobRecord) -> Row:
        doing = (
            shown(record.message, Tone.DIM)
            if record.over
            else progress_bar(record, self.desk, 16)
        )
        return Row(
            str(record.number),
            (
                own(str(record.number), Tone.DIM),
                self.desk.badge(record.status),
                shown(record.title),
                doing,
            ),
        )

    def _chosen(self) -> JobRecord | None:
        key = self.queue.key
        records = self.desk.queue.records
        return next((item for item in records if str(item.number) == key), None)

    def _tail(self, *, top: bool) -> None:
        record = self._chosen()
        text = Content("") if record is None else job_content(record, self.desk)
        self.query_one("#job", ScrollText).show(lambda _: text, top=top)

    @on(Grid.Moved, "#queue")
    def _moved(self) -> None:
        self._tail(top=True)

    @on(Grid.Opened, "#queue")
    def _opened(self) -> None:
        self.add_class("-open")
        self.query_one("#job").focus()

    def action_cancel(self) -> None:
        """Stop the chosen job; asks for the key a second time."""
        record = self._chosen()
        if record is None or record.over:
            self.desk.tell("There is nothing to cancel here.")
            return
        now = self.desk.clock()
        armed = self._armed
        if armed is None or armed[0] != record.number or now - armed[1] > ARMED_SECONDS:
            self._armed = (record.number, now)
            self.desk.tell(f"Press x again to cancel: {record.title}")
            return
        self._armed = None
        self.run_worker(self.desk.queue.cancel(record), group="cancel")

    def action_back(self) -> None:
        """Go back to the list."""
        self.remove_class("-open", "-zoomed")
        self.queue.focus()

    def action_zoom(self) -> None:
        """Give the log the whole width, or take it back."""
        self.toggle_class("-zoomed")
        self.query_one("#job").focus()


def job_content(record: JobRecord, desk: Desk) -> Content:
    """Lay out one job and the end of its log."""
    rows = [
        line(desk.badge(record.status), "  ", shown(record.title, Tone.STRONG)),
        Content("") if record.over else progress_bar(record, desk, 24),
    ]
    if record.message:
        tone = Tone.BAD if record.status == "FAILED" else Tone.PLAIN
        rows += [Content(""), shown(record.message, tone)]
    if record.hint:
        rows.append(shown(record.hint, Tone.DIM))
    rows += [Content(""), line(own("log  ", Tone.DIM), shown(str(record.log)))]
    rows += [shown(text, Tone.DIM) for text in record.tail]
    return lines(rows)
