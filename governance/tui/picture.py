"""Images as quadrant blocks: 2 x 2 samples and two colours in every cell."""

from functools import lru_cache
from pathlib import Path

from PIL import Image, ImageChops, UnidentifiedImageError
from rich.color import Color
from rich.segment import Segment
from rich.style import Style

# Index: top left 8, top right 4, bottom left 2, bottom right 1; set = foreground.
_QUADRANTS = " ▗▖▄▝▐▞▟▘▚▌▙▀▜▛█"
_LARGEST = 4096
_GAIN = 3


@lru_cache(maxsize=64)
def load(path: Path) -> Image.Image | None:
    """Read a PNG; ``None`` where it is missing, damaged or absurdly large.

    Args:
        path: A file of the object store, so that its content never changes.
    """
    try:
        with Image.open(path, formats=["PNG"]) as image:
            if max(image.size) > _LARGEST or min(image.size) < 1:
                return None
            return image.convert("RGB")
    except (OSError, UnidentifiedImageError, ValueError, SyntaxError):
        # Pillow reports damage with all four; the caller shows "unreadable".
        return None


def difference(first: Image.Image, second: Image.Image) -> Image.Image:
    """Return where two images differ, brightened; black where they are equal."""
    other = second if second.size == first.size else second.resize(first.size)
    return ImageChops.difference(first, other).point(
        lambda value: min(255, value * _GAIN)
    )


def wiped(left: Image.Image, right: Image.Image, share: float) -> Image.Image:
    """Return ``left`` up to ``share`` of the width and ``right`` beyond it."""
    other = right if right.size == left.size else right.resize(left.size)
    result = other.copy()
    edge = round(left.width * share)
    if edge > 0:
        result.paste(left.crop((0, 0, edge, left.height)), (0, 0))
    return result


def blocks(
    image: Image.Image, columns: int, rows: int, *, ascii_only: bool = False
) -> list[list[Segment]]:
    """Draw an image on ``columns`` x ``rows`` cells.

    Args:
        image: RGB.
        columns: Width in cells, at least 1.
        rows: Height in cells, at least 1.
        ascii_only: One coloured space per cell, for fonts without blocks.

    Returns:
        One list of segments per line, each exactly ``columns`` cells wide.
    """
    if ascii_only:
        return _spaces(image, columns, rows)
    small = image.resize((columns * 2, rows * 2), Image.Resampling.HAMMING)
    data = small.tobytes()
    stride = columns * 6
    return [
        [
            _cell(data, row * 2 * stride + column * 6, stride)
            for column in range(columns)
        ]
        for row in range(rows)
    ]


def _spaces(image: Image.Image, columns: int, rows: int) -> list[list[Segment]]:
    data = image.resize((columns, rows), Image.Resampling.BOX).tobytes()
    return [
        [
            Segment(" ", _style(pixel, pixel))
            for pixel in (
                (data[at], data[at + 1], data[at + 2])
                for at in range(row * columns * 3, (row + 1) * columns * 3, 3)
            )
        ]
        for row in range(rows)
    ]


def _cell(data: bytes, top: int, stride: int) -> Segment:
    """Split four samples at the middle of their widest channel."""
    low = top + stride
    samples = (
        data[top : top + 3],
        data[top + 3 : top + 6],
        data[low : low + 3],
        data[low + 3 : low + 6],
    )
    widest, middle, spread = 0, 0, -1
    for channel in (1, 0, 2):
        values = [sample[channel] for sample in samples]
        least, most = min(values), max(values)
        if most - least > spread:
            widest, middle, spread = channel, (least + most) // 2, most - least
    bright: list[bytes] = []
    dark: list[bytes] = []
    mask = 0
    for sample in samples:
        above = sample[widest] > middle
        mask = mask * 2 + above
        (bright if above else dark).append(sample)
    if not bright:
        return Segment(" ", _style(_mean(dark), _mean(dark)))
    return Segment(_QUADRANTS[mask], _style(_mean(bright), _mean(dark)))


def _mean(samples: list[bytes]) -> tuple[int, int, int]:
    count = len(samples)
    return (
        sum(sample[0] for sample in samples) // count,
        sum(sample[1] for sample in samples) // count,
        sum(sample[2] for sample in samples) // count,
    )


@lru_cache(maxsize=65_536)
def _style(front: tuple[int, int, int], back: tuple[int, int, int]) -> Style:
    return Style(color=Color.from_rgb(*front), bgcolor=Color.from_rgb(*back))
