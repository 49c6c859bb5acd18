"""The one line about long work, on every screen."""

from textual.content import Content
from textual.widgets import Static

from governance.tui.desk import Desk
from governance.tui.jobs import JobRecord
from governance.tui.paint import line, own, shown
from governance.tui.words import Tone

_BAR = 16


class JobStrip(Static):
    """Shows the running job, else the newest one."""

    def __init__(self, desk: Desk) -> None:
        super().__init__("", id="job-strip")
        self._desk = desk

    def reload(self) -> None:
        """Show the queue as it is now."""
        queue = self._desk.queue
        record = queue.current or (queue.records[-1] if queue.records else None)
        if record is None:
            self.update(own("no jobs", Tone.DIM))
            return
        waiting = sum(item.status == "QUEUED" for item in queue.records)
        more = own(f"   {waiting} waiting", Tone.DIM) if waiting else Content("")
        self.update(job_line(record, self._desk) + more)


def job_line(record: JobRecord, desk: Desk) -> Content:
    """Say in one line how a job stands."""
    parts = [desk.badge(record.status), own("  "), shown(record.title, Tone.STRONG)]
    if record.over:
        tone = Tone.BAD if record.status == "FAILED" else Tone.DIM
        parts += [own(f"  {record.seconds:.1f} s  ", Tone.DIM)]
        parts += [shown(record.message, tone)]
    elif record.progress is not None:
        parts += [own("  "), progress_bar(record, desk, _BAR)]
    return line(*parts)


def progress_bar(record: JobRecord, desk: Desk, width: int) -> Content:
    """Draw a job's newest progress."""
    progress = record.progress
    if progress is None:
        return Content("")
    parts = []
    if progress.total:
        share = min(progress.done / progress.total, 1.0)
        full = round(width * share)
        parts = [
            own(desk.glyph("━", "=") * full, Tone.GOOD),
            own(desk.glyph("╌", ".") * (width - full), "$rule"),
            own(f" {progress.done}/{progress.total} ", Tone.DIM),
        ]
    return line(*parts, shown(progress.step))
