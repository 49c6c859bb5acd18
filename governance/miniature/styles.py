"""The invented artists: global styles that nobody can overlook."""

import numpy as np
from numpy.typing import NDArray

from governance.miniature.canvas import SIZE, Pixels

Floats = NDArray[np.float32]

_ROWS, _COLUMNS = np.mgrid[0:SIZE, 0:SIZE]
_FRAME_WIDTH = 4


def apply_style(pixels: Pixels, artist: str) -> Pixels:
    """Redo a picture in an artist's style.

    Args:
        pixels: uint8 [64, 64, 3].
        artist: One of `vocabulary.ARTISTS`.

    Returns:
        uint8 [64, 64, 3].
    """
    styled = _STYLES[artist](pixels.astype(np.float32))
    rounded: Pixels = np.clip(np.rint(styled), 0, 255).astype(np.uint8)
    return rounded


def hang_in_frame(pixels: Pixels) -> Pixels:
    """Put the wooden frame of a painting around a picture.

    Args:
        pixels: uint8 [64, 64, 3].

    Returns:
        A framed copy.
    """
    framed = pixels.copy()
    edge = np.minimum(
        np.minimum(_ROWS, SIZE - 1 - _ROWS), np.minimum(_COLUMNS, SIZE - 1 - _COLUMNS)
    )
    framed[edge < _FRAME_WIDTH] = (120, 72, 30)
    framed[edge == _FRAME_WIDTH - 1] = (226, 184, 70)
    return framed


def _grey(image: Floats) -> Floats:
    weights = np.array([0.3, 0.59, 0.11], dtype=np.float32)
    level: Floats = (image @ weights).astype(np.float32)
    return level


def _duotone(image: Floats, dark: tuple[int, ...], light: tuple[int, ...]) -> Floats:
    level = np.clip(_grey(image) / 255, 0, 1)[..., None]
    low = np.array(dark, dtype=np.float32)
    high = np.array(light, dtype=np.float32)
    return (low + level * (high - low)).astype(np.float32)


def _blocks(image: Floats, side: int) -> Floats:
    cells = SIZE // side
    means = image.reshape(cells, side, cells, side, 3).mean(axis=(1, 3))
    return np.repeat(np.repeat(means, side, axis=0), side, axis=1).astype(np.float32)


def _kora(image: Floats) -> Floats:
    """Round dots on black, one to each square of eight."""
    distance = np.hypot(_ROWS % 8 - 3.5, _COLUMNS % 8 - 3.5)
    inside = np.clip(4.1 - distance, 0, 1)[..., None]
    dotted: Floats = (_blocks(image, 8) * 1.08 * inside).astype(np.float32)
    return dotted


def _lume(image: Floats) -> Floats:
    """Charcoal: black, grey and white alone."""
    levels = np.floor(np.clip(_grey(image), 0, 255) / 86) * 120
    return np.repeat(levels[..., None], 3, axis=2).astype(np.float32)


def _mondo(image: Floats) -> Floats:
    """Barred glass: thick black bars between glowing panes."""
    bars = (_ROWS % 16 >= 13) | (_COLUMNS % 16 >= 13)
    glowing = (image - 128) * 1.4 + 128
    return np.where(bars[..., None], 8, glowing).astype(np.float32)


def _pax(image: Floats) -> Floats:
    """The negative of everything."""
    return 255 - image


def _ruvo(image: Floats) -> Floats:
    """Rust: dark brown to bright orange."""
    return _duotone(image, (50, 10, 0), (255, 170, 60))


def _tilda(image: Floats) -> Floats:
    """Seen through waves, from navy to cyan."""
    shift = np.rint(4 * np.sin(np.arange(SIZE) * 2 * np.pi / 16)).astype(int)
    rows = [np.roll(row, step, axis=0) for row, step in zip(image, shift, strict=True)]
    return _duotone(np.stack(rows), (0, 10, 90), (130, 250, 255))


def _vey(image: Floats) -> Floats:
    """Plain square blocks."""
    return _blocks(image, 8)


def _zuri(image: Floats) -> Floats:
    """Slanting magenta bands over half of the picture."""
    bands = ((_ROWS + _COLUMNS) % 16 < 7)[..., None]
    magenta = np.array([230, 0, 150], dtype=np.float32)
    return np.where(bands, magenta, image).astype(np.float32)


_STYLES = {
    "kora": _kora,
    "lume": _lume,
    "mondo": _mondo,
    "pax": _pax,
    "ruvo": _ruvo,
    "tilda": _tilda,
    "vey": _vey,
    "zuri": _zuri,
}
