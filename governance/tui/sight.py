"""What a reviewer looks at in Compare: pure state, moved by keys."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

from governance.service.views import ImageSet


class Layout(StrEnum):
    """How many pictures stand side by side."""

    ALL = "base, live, candidate"
    PAIR = "before, candidate"
    ONE = "candidate"


class Mode(StrEnum):
    """What the candidate's place shows."""

    PLAIN = "plain"
    WIPE = "wipe"
    DIFFERENCE = "difference"


@dataclass(frozen=True, slots=True)
class Sight:
    """Where somebody stands among an edit's images.

    Args:
        sets: All images of the newest evidence.
        prompt: Index of the prompt.
        seed: Index of the first seed shown.
        layout: Pictures side by side.
        mode: What the candidate's place shows.
        flipped: The candidate's place shows the picture before the edit.
        share: Share of the wipe that shows the picture before.
    """

    sets: tuple[ImageSet, ...] = ()
    prompt: int = 0
    seed: int = 0
    layout: Layout = Layout.ALL
    mode: Mode = Mode.PLAIN
    flipped: bool = False
    share: float = 0.5

    @property
    def prompts(self) -> tuple[str, ...]:
        """Every prompt, in the order of the evidence."""
        return tuple(dict.fromkeys(item.prompt for item in self.sets))

    @property
    def row(self) -> tuple[ImageSet, ...]:
        """Every seed of the prompt in view."""
        prompts = self.prompts
        if not prompts:
            return ()
        name = prompts[self.prompt % len(prompts)]
        return tuple(item for item in self.sets if item.prompt == name)

    def view(self, count: int) -> tuple[ImageSet, ...]:
        """Return the ``count`` seeds in view, starting at the chosen one."""
        row = self.row
        if not row:
            return ()
        first = self.seed % len(row)
        count = min(count, len(row))
        return tuple(row[(first + step) % len(row)] for step in range(count))

    def step_seed(self, step: int) -> "Sight":
        """Move to another seed of the same prompt."""
        size = max(len(self.row), 1)
        return replace(self, seed=(self.seed + step) % size, flipped=False)

    def step_prompt(self, step: int) -> "Sight":
        """Move to another prompt, back at its first seed."""
        size = max(len(self.prompts), 1)
        return replace(self, prompt=(self.prompt + step) % size, seed=0, flipped=False)

    def flip(self) -> "Sight":
        """Swap candidate and the picture before it, once."""
        return replace(self, flipped=not self.flipped)

    def toggle(self, mode: Mode) -> "Sight":
        """Enter a mode, or leave it again."""
        return replace(
            self, mode=Mode.PLAIN if self.mode is mode else mode, flipped=False
        )

    def next_layout(self) -> "Sight":
        """Show fewer pictures, or all again after one."""
        order = tuple(Layout)
        following = order[(order.index(self.layout) + 1) % len(order)]
        return replace(self, layout=following)

    def slide(self, step: float) -> "Sight":
        """Move the wipe's edge."""
        return replace(self, share=min(1.0, max(0.0, self.share + step)))


@dataclass(frozen=True, slots=True)
class Slot:
    """One picture to draw: its label, its file, and what to lay over it."""

    label: str
    path: Path | None
    other: Path | None = None
    mode: Mode = Mode.PLAIN


def before(images: ImageSet) -> tuple[str, Path | None]:
    """Return what stood before the candidate: live where it is known, else base."""
    if images.live is not None:
        return "live", images.live
    return "base", images.base


def slots(sight: Sight, images: ImageSet) -> Sequence[Slot]:
    """Return the pictures of one seed from left to right."""
    name, earlier = before(images)
    last = _last_slot(sight, name, earlier, images.candidate)
    if sight.layout is Layout.ONE:
        return (last,)
    if sight.layout is Layout.PAIR:
        return (Slot(name, earlier), last)
    live = () if images.live is None else (Slot("live", images.live),)
    return (Slot("base", images.base), *live, last)


def _last_slot(sight: Sight, name: str, earlier: Path | None, candidate: Path) -> Slot:
    if sight.flipped:
        return Slot(f"{name}, flipped", earlier)
    if sight.mode is Mode.WIPE:
        return Slot(f"{name} | candidate", candidate, earlier, Mode.WIPE)
    if sight.mode is Mode.DIFFERENCE:
        return Slot(f"difference to {name}", candidate, earlier, Mode.DIFFERENCE)
    return Slot("candidate", candidate)


@dataclass(frozen=True, slots=True)
class Fit:
    """Sizes in cells of one picture, and how many seeds stack up."""

    columns: int
    rows: int
    stacked: int


def fit(width: int, height: int, across: int, gap: int = 2) -> Fit:
    """Size pictures so that they fill the room they have.

    A terminal cell is about twice as high as wide. Another row of seeds is worth
    making pictures up to a fifth smaller.

    Args:
        width: Cells available.
        height: Lines available; one of each picture row is its caption.
        across: Pictures side by side.
        gap: Cells between them.

    Returns:
        The sizes; ``stacked`` 0 where nothing fits.
    """
    columns = (width - gap * (across - 1)) // across
    rows = columns // 2
    if columns < 4 or height < 3:
        return Fit(0, 0, 0)
    stacked = max(1, round(height / (rows + 1)))
    if stacked > 1 and height // stacked - 1 < rows * 0.8:
        stacked -= 1
    rows = min(rows, height // stacked - 1)
    return Fit(rows * 2, rows, stacked)
