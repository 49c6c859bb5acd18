"""A row of tabs, and a tab's scrolling text."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.widgets import Static

from governance.tui.paint import own
from governance.tui.words import Tone


class TabRow(Static):
    """Names side by side, the chosen one underlined."""

    @dataclass
    class Chosen(Message):
        """Somebody clicked another tab."""

        name: str

    def __init__(self, names: Sequence[str], *, id: str | None = None) -> None:  # noqa: A002
        super().__init__("", id=id)
        self._names = tuple(names)
        self.chosen = self._names[0]

    def on_mount(self) -> None:
        """Draw the first state."""
        self.choose(self.chosen)

    def choose(self, name: str) -> None:
        """Mark a tab as chosen."""
        self.chosen = name
        parts = [
            own(item, "bold $good underline" if item == name else Tone.DIM)
            for item in self._names
        ]
        self.update(Content("   ").join(parts))

    def step(self, step: int) -> str | None:
        """Return the neighbour of the chosen tab, ``None`` past either end."""
        place = self._names.index(self.chosen) + step
        return self._names[place] if 0 <= place < len(self._names) else None

    def on_click(self, event: events.Click) -> None:
        """Choose the tab under the mouse."""
        left = self.content_region.x - self.region.x
        for name in self._names:
            if left <= event.x < left + len(name):
                self.post_message(self.Chosen(name))
            left += len(name) + 3


class ScrollText(VerticalScroll, can_focus=True, inherit_bindings=False):
    """Text that is laid out for its width and scrolls with j and k."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j,down", "scroll_down", "Scroll down", show=False),
        Binding("k,up", "scroll_up", "Scroll up", show=False),
        Binding("g,home", "scroll_home", "Top", show=False),
        Binding("G,end", "scroll_end", "Bottom", show=False),
        Binding("pagedown,space", "page_down", "Page down", show=False),
        Binding("pageup", "page_up", "Page up", show=False),
    ]

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._layout: Callable[[int], Content] = lambda _: Content("")

    def compose(self) -> ComposeResult:
        """Hold one text."""
        yield Static("")

    def show(self, layout: Callable[[int], Content], *, top: bool) -> None:
        """Take a new text.

        Args:
            layout: Lays it out for a width in cells.
            top: Scroll back to the top; else stay.
        """
        self._layout = layout
        if top:
            self.scroll_home(animate=False)
        self._draw()

    def on_resize(self) -> None:
        """Lay the text out for the new width."""
        self._draw()

    def _draw(self) -> None:
        width = self.scrollable_content_region.width
        if width > 0:
            self.query_one(Static).update(self._layout(width))
