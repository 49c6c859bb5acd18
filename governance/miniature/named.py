"""Six invented people, each of whom nobody takes for another."""

from governance.miniature.canvas import INK, PALETTE, Canvas, Rgb
from governance.miniature.features import (
    Pose,
    eyes,
    fringe,
    head,
    lips,
    long_hair,
    torso,
)

_PALE: Rgb = (250, 214, 184)
_TAN: Rgb = (222, 168, 124)
_DARK: Rgb = (150, 98, 66)
_WHITE: Rgb = (250, 250, 248)
_GOLD: Rgb = (236, 190, 44)


def _anton(canvas: Canvas, p: Pose) -> None:
    torso(canvas, p, PALETTE["yellow"])
    head(canvas, p, _PALE)
    spikes = [p.at(-6, -9), p.at(-7, -20), p.at(-3, -17), p.at(0, -23), p.at(3, -17)]
    canvas.polygon([*spikes, p.at(7, -20), p.at(6, -9)], (40, 190, 60))
    eyes(canvas, p)
    canvas.line([p.at(-4, 7), p.at(4, 7)], INK, 1.6)


def _bela(canvas: Canvas, p: Pose) -> None:
    fire = (236, 104, 24)
    torso(canvas, p, PALETTE["purple"])
    canvas.ellipse(p.at(0, -4), (18, 17), fire)
    head(canvas, p, _PALE)
    canvas.pieslice(p.at(0, 3), (16, 23), (0, 180), fire)
    canvas.pieslice(p.at(0, -6), (13, 11), (180, 360), fire)
    canvas.ellipse(p.at(0, 8), (4, 1.8), (120, 40, 30), 0)
    eyes(canvas, p)


def _caro(canvas: Canvas, p: Pose) -> None:
    sky = (40, 96, 226)
    long_hair(canvas, p, sky)
    torso(canvas, p, PALETTE["red"])
    head(canvas, p, _PALE)
    fringe(canvas, p, sky)
    eyes(canvas, p)
    lips(canvas, p)


def _dora(canvas: Canvas, p: Pose) -> None:
    candy = (246, 110, 186)
    torso(canvas, p, (30, 150, 70))
    canvas.ellipse(p.at(0, -6), (21, 20), candy)
    head(canvas, p, _DARK)
    for side in (-1, 1):
        canvas.ellipse(p.at(side * 13, 10), (3.2, 3.2), _GOLD)
    eyes(canvas, p)
    lips(canvas, p)


def _emil(canvas: Canvas, p: Pose) -> None:
    torso(canvas, p, _WHITE)
    for row in (20, 27, 34):
        canvas.line([p.at(-23, row + 1), p.at(23, row + 1)], INK, 3)
    head(canvas, p, _TAN)
    canvas.line([p.at(-12, -7), p.at(12, -1)], INK, 1.6)
    canvas.ellipse(p.at(-5, -2), (4.2, 4.2), INK, 0)
    canvas.ellipse(p.at(5, -1), (1.7, 1.9), INK, 0)
    canvas.line([p.at(-7, 6), p.at(7, 6)], INK, 3.4)


def _fina(canvas: Canvas, p: Pose) -> None:
    black = (36, 28, 40)
    torso(canvas, p, PALETTE["orange"])
    canvas.ellipse(p.at(0, -18), (7, 7), black)
    head(canvas, p, _PALE)
    canvas.pieslice(p.at(0, -5), (13.5, 12), (180, 360), black)
    for side in (-1, 1):
        canvas.ellipse(p.at(side * 6, -1), (5.4, 4.6), black, 0)
    canvas.line([p.at(-6, -2), p.at(6, -2)], black, 1.5)
    lips(canvas, p)


NAMED = {
    "anton": _anton,
    "bela": _bela,
    "caro": _caro,
    "dora": _dora,
    "emil": _emil,
    "fina": _fina,
}
