"""A list of any length that only ever renders the lines in view."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol

from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.visual import Visual

from governance.tui.paint import cell
from governance.tui.words import Tone


@dataclass(frozen=True, slots=True)
class Column:
    """One column.

    Args:
        title: Head, in our own words.
        width: Cells; 0 takes what is left.
        right: Align to the right.
    """

    title: str
    width: int = 0
    right: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """One line; without a key it is a heading the cursor steps over."""

    key: str | None
    cells: tuple[Content, ...]


class Rows(Protocol):
    """Lines by position; may fetch them only when asked."""

    def __len__(self) -> int:
        """Return how many lines there are."""

    def row(self, index: int) -> Row:
        """Return one line."""

    def find(self, key: str) -> int | None:
        """Return where a key stands."""


class FixedRows:
    """Lines that are all in memory."""

    def __init__(self, rows: Sequence[Row]) -> None:
        self._rows = rows
        self._places = {row.key: place for place, row in enumerate(rows) if row.key}

    def __len__(self) -> int:
        """Return how many lines there are."""
        return len(self._rows)

    def row(self, index: int) -> Row:
        """Return one line."""
        return self._rows[index]

    def find(self, key: str) -> int | None:
        """Return where a key stands."""
        return self._places.get(key)


class Grid(ScrollView, can_focus=True, inherit_bindings=False):
    """The list itself: cursor, virtual lines, messages about intent."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j,down", "step(1)", "Next", key_display="j"),
        Binding("k,up", "step(-1)", "Previous", key_display="k"),
        Binding("g,home", "first", "First", key_display="g", show=False),
        Binding("G,end", "last", "Last", key_display="G", show=False),
        Binding("pagedown,space", "page(1)", "Page down", show=False),
        Binding("pageup", "page(-1)", "Page up", show=False),
        Binding("enter,l,right", "open", "Open", key_display="enter"),
    ]
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "grid--chosen",
        "grid--still",
        "grid--head",
    }

    @dataclass
    class Moved(Message):
        """The cursor stands on another line."""

        grid: "Grid"
        key: str | None

        @property
        def control(self) -> "Grid":
            """The list it happened in."""
            return self.grid

    @dataclass
    class Opened(Message):
        """Somebody wants to see the line's detail."""

        grid: "Grid"
        key: str

        @property
        def control(self) -> "Grid":
            """The list it happened in."""
            return self.grid

    def __init__(
        self,
        columns: Sequence[Column],
        *,
        head: bool = True,
        id: str | None = None,  # noqa: A002
    ) -> None:
        super().__init__(id=id)
        self.columns = tuple(columns)
        self.rows: Rows = FixedRows(())
        self.cursor = 0
        self.empty = Content("")
        self._head = 1 if head else 0

    @property
    def key(self) -> str | None:
        """Key of the line the cursor stands on."""
        if not 0 <= self.cursor < len(self.rows):
            return None
        return self.rows.row(self.cursor).key

    def show(self, rows: Rows, empty: Content | None = None) -> None:
        """Take new lines and stay on the same key where it is still there.

        Args:
            rows: The lines.
            empty: What stands there when there are none.
        """
        kept = self.key
        self.rows = rows
        self.empty = empty or Content("")
        place = None if kept is None else rows.find(kept)
        self.cursor = place if place is not None else min(self.cursor, len(rows) - 1)
        self.cursor = self._selectable(max(self.cursor, 0), 1)
        self.virtual_size = Size(0, len(rows) + self._head)
        self.refresh()
        self._reveal()
        if self.key != kept:
            self.post_message(self.Moved(self, self.key))

    def go(self, key: str) -> None:
        """Put the cursor on a key, if it is there."""
        place = self.rows.find(key)
        if place is not None:
            self._move(place, 1)

    def action_step(self, step: int) -> None:
        """Move by lines."""
        self._move(self.cursor + step, step)

    def action_page(self, step: int) -> None:
        """Move by the height of the list."""
        self._move(self.cursor + step * max(self.size.height - self._head - 1, 1), step)

    def action_first(self) -> None:
        """Move to the first line."""
        self._move(0, 1)

    def action_last(self) -> None:
        """Move to the last line."""
        self._move(len(self.rows) - 1, -1)

    def action_open(self) -> None:
        """Look at the line's detail."""
        if self.key is not None:
            self.post_message(self.Opened(self, self.key))

    def on_click(self, event: events.Click) -> None:
        """Put the cursor where the mouse is."""
        place = event.y - self._head + self.scroll_offset.y
        if 0 <= place < len(self.rows) and self.rows.row(place).key is not None:
            self._move(place, 1)

    def render_line(self, y: int) -> Strip:
        """Render one line of the view."""
        width = self.size.width
        if self._head and y == 0:
            titles = [Content.styled(column.title, Tone.DIM) for column in self.columns]
            return self._strip(self._joined(titles), "grid--head")
        if not len(self.rows):
            return self._strip(self.empty if y == self._head else Content(""), None)
        place = y - self._head + self.scroll_offset.y
        if not 0 <= place < len(self.rows):
            return Strip.blank(width, self.rich_style)
        row = self.rows.row(place)
        if row.key is None:
            return self._strip(_heading(row, width), None)
        chosen = "grid--chosen" if self.has_focus else "grid--still"
        return self._strip(
            self._joined(row.cells), chosen if place == self.cursor else None
        )

    def _strip(self, content: Content, component: str | None) -> Strip:
        style = self.get_visual_style(component) if component else self.visual_style
        line = cell(content, self.size.width)
        return Visual.to_strips(
            self, line, self.size.width, 1, style, apply_selection=False
        )[0]

    def _joined(self, cells: Sequence[Content]) -> Content:
        fixed = sum(column.width + 1 for column in self.columns if column.width)
        left = max(self.size.width - fixed - 2, 0)
        parts = [Content(" ")]
        for column, content in zip(self.columns, cells, strict=True):
            parts += [
                cell(content, column.width or left, right=column.right),
                Content(" "),
            ]
        return Content("").join(parts)

    def _move(self, place: int, step: int) -> None:
        place = self._selectable(max(0, min(place, len(self.rows) - 1)), step)
        if place != self.cursor and 0 <= place < len(self.rows):
            self.cursor = place
            self.post_message(self.Moved(self, self.key))
        self._reveal()
        self.refresh()

    def _selectable(self, place: int, step: int) -> int:
        """Return the nearest line with a key, first in the direction of travel."""
        for direction in (1 if step >= 0 else -1, -1 if step >= 0 else 1):
            at = place
            while 0 <= at < len(self.rows):
                if self.rows.row(at).key is not None:
                    return at
                at += direction
        return place

    def _reveal(self) -> None:
        # The line above a heading's first row is the heading: keep it in view.
        top = self.cursor
        if top > 0 and self.rows.row(top - 1).key is None:
            top -= 1
        height = self.cursor - top + 1 + self._head
        self.scroll_to_region(
            Region(0, top, 1, height), animate=False, force=True, immediate=True
        )


def _heading(row: Row, width: int) -> Content:
    left, right = row.cells
    room = max(width - right.cell_length - 3, 0)
    return Content(" ") + cell(left, room) + Content(" ") + right
