"""The ledger as lines, fetched a page at a time, newest first."""

from collections import OrderedDict
from collections.abc import Mapping
from datetime import datetime

from textual.content import Content

from governance.canonical import JSON
from governance.service.facade import Governance
from governance.service.views import LedgerRow
from governance.tui.grid import Column, Row
from governance.tui.paint import own, shown
from governance.tui.words import Tone

COLUMNS = (
    Column("entry", 6, right=True),
    Column("time", 16),
    Column("event", 17),
    Column("actor", 10),
    Column("about"),
)
_PAGE = 200
_PAGES_KEPT = 16
_CONCERNED = ("edit", "edits", "change", "model", "origin")
_BAD = frozenset({"EditWithdrawn", "EditReverted"})
_GOOD = frozenset({"SnapshotActivated", "SnapshotRestored"})


class LedgerRows:
    """Lines by position; only pages in view are ever read.

    Args:
        governance: The core.
        size: Entries in the ledger; the newest has this sequence.
    """

    def __init__(self, governance: Governance, size: int) -> None:
        self._governance = governance
        self._size = size
        self._pages: OrderedDict[int, tuple[LedgerRow, ...]] = OrderedDict()

    def __len__(self) -> int:
        """Return how many entries there are."""
        return self._size

    def entry(self, index: int) -> LedgerRow | None:
        """Return the entry on a line; ``None`` where the ledger holds none."""
        at = self._size - 1 - index
        page, place = divmod(at, _PAGE)
        rows = self._page(page)
        return rows[place] if place < len(rows) else None

    def row(self, index: int) -> Row:
        """Return one line."""
        entry = self.entry(index)
        sequence = self._size - index
        if entry is None:
            note = own("unreadable entry", Tone.BAD)
            blank = Content("")
            return Row(str(sequence), (own(str(sequence)), blank, note, blank, blank))
        return Row(str(sequence), _cells(entry))

    def find(self, key: str) -> int | None:
        """Return where an entry stands."""
        index = self._size - int(key)
        return index if 0 <= index < self._size else None

    def _page(self, page: int) -> tuple[LedgerRow, ...]:
        if page not in self._pages:
            # Entries count from 1: after n comes the entry on place n from 0.
            rows = self._governance.log(after=page * _PAGE, limit=_PAGE)
            self._pages[page] = rows
            while len(self._pages) > _PAGES_KEPT:
                self._pages.popitem(last=False)
        return self._pages[page]


def _cells(entry: LedgerRow) -> tuple[Content, ...]:
    tone = Tone.PLAIN
    if entry.event in _GOOD:
        tone = Tone.GOOD
    elif entry.event in _BAD:
        tone = Tone.WAIT
    return (
        own(str(entry.sequence), Tone.DIM),
        shown(entry.time.replace("T", " ")[:16], Tone.DIM),
        shown(entry.event, tone),
        shown(entry.actor),
        about(entry.payload),
    )


def about(payload: Mapping[str, JSON]) -> Content:
    """Say in one line what an entry is about."""
    data = payload.get("data", payload)
    if not isinstance(data, Mapping):
        return Content("")
    parts = []
    name = next((item for item in _CONCERNED if data.get(item)), "")
    value = data.get(name)
    if isinstance(value, str):
        parts.append(shown(value))
    elif isinstance(value, list | tuple):
        parts.append(shown(", ".join(str(item) for item in value)))
    for name in ("decision", "outcome", "reason"):
        value = data.get(name)
        if isinstance(value, str) and value:
            parts.append(shown(value, Tone.STRONG))
    title = _title(data)
    if title:
        parts.append(shown(title, Tone.DIM))
    return Content("  ").join(parts)


def _title(data: Mapping[str, JSON]) -> str:
    request = data.get("request")
    metadata = request.get("metadata") if isinstance(request, Mapping) else None
    title = metadata.get("title") if isinstance(metadata, Mapping) else None
    return title if isinstance(title, str) else ""


def clock_time(moment: datetime) -> str:
    """Return the time of day of a verification."""
    return moment.astimezone().strftime("%H:%M:%S")
