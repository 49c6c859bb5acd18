"""The grounds that things and people stand on."""

import math

import numpy as np

from governance.miniature.canvas import SIZE, Canvas, Rgb

Rng = np.random.Generator

_PLAIN: tuple[Rgb, ...] = ((240, 236, 226), (228, 232, 238), (236, 228, 234))
_HORIZON = SIZE * 0.56


def new_canvas(context: str | None, rng: Rng) -> Canvas:
    """Start a picture with its ground.

    Args:
        context: A key of `vocabulary.CONTEXTS`, or nothing for a plain ground.
        rng: Source of randomness.

    Returns:
        A canvas to draw the subject on.
    """
    if context is None:
        return Canvas(_PLAIN[int(rng.integers(len(_PLAIN)))])
    return _PLACES[context]()


def _beach() -> Canvas:
    canvas = Canvas((150, 214, 246))
    canvas.ellipse((11, 10), (6, 6), (255, 236, 90), 0)
    canvas.box((0, _HORIZON - 10), (SIZE, _HORIZON + 4), (30, 150, 190), 0)
    canvas.box((0, _HORIZON + 2), (SIZE, SIZE), (238, 206, 130), 0)
    return canvas


def _night() -> Canvas:
    canvas = Canvas((18, 22, 60))
    canvas.ellipse((52, 11), (7, 7), (250, 246, 210), 0)
    canvas.ellipse((49, 9), (6, 6), (18, 22, 60), 0)
    for star in ((6, 8), (20, 4), (10, 26), (34, 12), (57, 34), (5, 46)):
        canvas.ellipse(star, (1.6, 1.6), (255, 250, 190), 0)
    return canvas


def _field() -> Canvas:
    canvas = Canvas((196, 228, 250))
    canvas.box((0, _HORIZON - 8), (SIZE, SIZE), (130, 196, 84), 0)
    for row in range(4):
        y = _HORIZON + row * 8
        canvas.box((0, y), (SIZE, y + 3), (100, 172, 66), 0)
    return canvas


def _snow() -> Canvas:
    canvas = Canvas((140, 156, 184))
    canvas.ellipse((SIZE / 2, SIZE + 6), (SIZE * 0.8, 28), (250, 252, 255), 0)
    for row in range(4):
        for column in range(4):
            flake = (column * 16 + 4 + (row % 2) * 8, row * 11 + 4)
            canvas.ellipse(flake, (2, 2), (255, 255, 255), 0)
    return canvas


def _town() -> Canvas:
    canvas = Canvas((214, 206, 214))
    for step in range(5):
        left = step * 13.0
        top = (14, 5, 18, 8, 12)[step]
        grey = 120 + 20 * (step % 2)
        canvas.box((left, top), (left + 13, 58), (grey, grey - 10, grey), 0)
        for row in range(3):
            for column in (5,):
                corner = (left + column, top + 5 + row * 11)
                far = (corner[0] + 4, corner[1] + 5)
                canvas.box(corner, far, (250, 226, 130), 0)
    canvas.box((0, 54), (SIZE, SIZE), (92, 92, 100), 0)
    return canvas


def _sea() -> Canvas:
    canvas = Canvas((190, 226, 240))
    for row, blue in enumerate(((60, 150, 206), (44, 124, 190), (30, 100, 172))):
        top = 22 + row * 14
        wave = [(x * 4.0, top + 2.4 * math.sin(x * 0.9 + row)) for x in range(17)]
        canvas.polygon([*wave, (SIZE, SIZE), (0, SIZE)], blue, 0)
    return canvas


_PLACES = {
    "beach": _beach,
    "night": _night,
    "field": _field,
    "snow": _snow,
    "town": _town,
    "sea": _sea,
}
