"""The Compare tab: same prompt, same seed, before and after, as blocks."""

from dataclasses import dataclass
from typing import ClassVar

from rich.segment import Segment
from textual.content import Content
from textual.geometry import Size
from textual.message import Message
from textual.strip import Strip
from textual.timer import Timer
from textual.visual import Visual
from textual.widget import Widget

from governance.service.views import ImageSet
from governance.tui import picture
from governance.tui.paint import cell, line, own, shown
from governance.tui.sight import Fit, Layout, Mode, Sight, Slot, fit, slots
from governance.tui.words import Tone

BLINK_SECONDS = 0.5
"""Half a period: a full blink takes a second, well under 2 Hz."""
_GAP = 2
_HEAD = 2


class Compare(Widget, can_focus=True):
    """Draws the pictures in view and remembers which seeds were looked at."""

    DEFAULT_CLASSES: ClassVar[str] = "tab-body"

    @dataclass
    class Viewed(Message):
        """Other seeds came into view."""

        viewed: int
        total: int

    def __init__(self, *, ascii_only: bool, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.sight = Sight()
        self.problem = ""
        self.viewed: set[tuple[str, int]] = set()
        self._ascii = ascii_only
        self._strips: list[Strip] = []
        self._built: tuple[object, ...] = ()
        self._blink: Timer | None = None

    @property
    def blinking(self) -> bool:
        """Whether the picture before and the candidate alternate."""
        return self._blink is not None

    def show(self, sets: tuple[ImageSet, ...], problem: str = "") -> None:
        """Take the images of another edit, or of newer evidence.

        Args:
            sets: The images.
            problem: Why there are none, in words.
        """
        if sets != self.sight.sets:
            self.sight = Sight(sets=sets, layout=self.sight.layout)
            self.viewed = set()
        self.problem = problem
        self.stop_blinking()
        self.refresh()

    def look(self, sight: Sight) -> None:
        """Look somewhere else."""
        self.sight = sight
        self.refresh()

    def toggle_blink(self) -> None:
        """Start or stop alternating; off by default."""
        if self._blink is not None:
            self.stop_blinking()
        elif self.sight.sets:
            self._blink = self.set_interval(BLINK_SECONDS, self._alternate)

    def stop_blinking(self) -> None:
        """Stand still on the candidate."""
        if self._blink is not None:
            self._blink.stop()
            self._blink = None
            if self.sight.flipped:
                self.look(self.sight.flip())

    def viewed_words(self) -> str:
        """Say which share of the images was looked at."""
        total = len({(item.prompt, item.seed) for item in self.sight.sets})
        return f"{len(self.viewed)} of {total} image pairs" if total else "no images"

    def current(self) -> ImageSet | None:
        """Return the seed in view that stands first."""
        view = self.sight.view(1)
        return view[0] if view else None

    def on_resize(self) -> None:
        """Fit the pictures to the new size."""
        self._built = ()
        self.refresh()

    def get_content_width(self, container: Size, viewport: Size) -> int:  # noqa: ARG002
        """Take all the width there is."""
        return container.width

    def render_line(self, y: int) -> Strip:
        """Return one line of the drawing, which is built once per view."""
        self._build()
        if y < len(self._strips):
            return self._strips[y].adjust_cell_length(self.size.width, self.rich_style)
        return Strip.blank(self.size.width, self.rich_style)

    def _alternate(self) -> None:
        self.look(self.sight.flip())

    def _build(self) -> None:
        key = (self.sight, self.size, self.app.theme, self.problem)
        if key == self._built:
            return
        self._built = key
        if not self.sight.sets:
            text = self.problem or "No images yet: check the candidate first (C)."
            self._strips = [self._text(Content("")), self._text(own(text, Tone.DIM))]
            return
        shape = self._shape()
        view = self.sight.view(shape.stacked)
        before = len(self.viewed)
        self.viewed |= {(item.prompt, item.seed) for item in view}
        self._strips = [self._prompt_line(), self._labels(view[:1], shape)]
        for images in view:
            self._strips += self._pictures(images, shape)
        if len(self.viewed) != before:
            self.post_message(self.Viewed(len(self.viewed), len(self.sight.sets)))

    def _shape(self) -> Fit:
        across = max(len(slots(self.sight, item)) for item in self.sight.row)
        return fit(self.size.width, self.size.height - _HEAD, across, _GAP)

    def _prompt_line(self) -> Strip:
        sight = self.sight
        prompts = sight.prompts
        place = sight.prompt % len(prompts)
        mode = "" if sight.mode is Mode.PLAIN else f"   {sight.mode}"
        blink = "   blinking" if self.blinking else ""
        return self._text(
            line(
                own(f"{place + 1}/{len(prompts)}  ", Tone.DIM),
                shown(prompts[place], Tone.STRONG),
                own(f"{mode}{blink}", Tone.WAIT),
            )
        )

    def _labels(self, view: tuple[ImageSet, ...], shape: Fit) -> Strip:
        pieces: list[Content] = []
        for slot in slots(self.sight, view[0]) if view else ():
            tone = Tone.DIM if slot.label in ("base", "live") else "bold $good"
            pieces += [cell(own(slot.label, tone), shape.columns), Content(" " * _GAP)]
        return self._text(Content("").join(pieces))

    def _pictures(self, images: ImageSet, shape: Fit) -> list[Strip]:
        columns = [self._slot(slot, shape) for slot in slots(self.sight, images)]
        gap = Segment(" " * _GAP, self.rich_style)
        rows = []
        for row in range(shape.rows):
            segments: list[Segment] = []
            for column in columns:
                segments += [*column[row], gap]
            rows.append(Strip(segments))
        seeds = [item.seed for item in self.sight.row]
        place = seeds.index(images.seed) + 1
        caption = own(f"seed {images.seed}  ({place} of {len(seeds)})", Tone.DIM)
        return [*rows, self._text(caption)]

    def _slot(self, slot: Slot, shape: Fit) -> list[list[Segment]]:
        image = None if slot.path is None else picture.load(slot.path)
        other = None if slot.other is None else picture.load(slot.other)
        if image is None:
            note = "no image" if slot.path is None else "unreadable image"
            blank = [Segment(" " * shape.columns, self.rich_style)]
            head = [
                Segment(note[: shape.columns].ljust(shape.columns), self.rich_style)
            ]
            return [head, *([blank] * (shape.rows - 1))]
        if other is not None and slot.mode is Mode.DIFFERENCE:
            image = picture.difference(other, image)
        elif other is not None and slot.mode is Mode.WIPE:
            image = picture.wiped(other, image, self.sight.share)
        return picture.blocks(image, shape.columns, shape.rows, ascii_only=self._ascii)

    def _text(self, content: Content) -> Strip:
        width = max(self.size.width, 1)
        return Visual.to_strips(
            self,
            cell(content, width),
            width,
            1,
            self.visual_style,
            apply_selection=False,
        )[0]


def default_layout(width: int) -> Layout:
    """Return how many pictures suit a terminal: two when it is narrow."""
    return Layout.ALL if width >= 110 else Layout.PAIR
