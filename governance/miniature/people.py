"""Busts: gender and age in large features, a profession or a name in loud ones."""

from dataclasses import dataclass

import numpy as np

from governance.miniature.canvas import INK, PALETTE, Canvas, Point, Rgb, shade
from governance.miniature.scene import Scene

Rng = np.random.Generator

_SKINS: tuple[Rgb, ...] = ((250, 214, 184), (222, 168, 124), (150, 98, 66))
_YOUNG_HAIR: tuple[Rgb, ...] = ((110, 62, 30), (44, 34, 32), (206, 160, 70))
_OLD_HAIR: Rgb = (214, 214, 218)
_LIPS: Rgb = (206, 36, 60)
_WHITE: Rgb = (250, 250, 248)
_NAVY: Rgb = (26, 36, 92)
_GOLD: Rgb = (236, 190, 44)
_STRAW: Rgb = (232, 196, 96)
_CROSS: Rgb = (220, 24, 34)
_TEAL: Rgb = (60, 176, 170)
_VEST: Rgb = (250, 120, 16)
_APRON: Rgb = (150, 92, 50)


@dataclass(frozen=True)
class Pose:
    """Where the head is.

    Args:
        x: Centre of the head, picture units.
        y: Centre of the head, picture units.
    """

    x: float
    y: float

    def at(self, across: float, down: float) -> Point:
        """Give a point relative to the head's centre, in picture units."""
        return self.x + across, self.y + down


def draw_person(canvas: Canvas, scene: Scene, pose: Pose, rng: Rng) -> None:
    """Draw the bust of a profession, a named person, a man or a woman.

    Args:
        canvas: What to draw on.
        scene: Who it is.
        pose: Where the head goes.
        rng: Source of randomness for skin, hair and shirts.
    """
    if scene.kind == "named":
        _NAMED[scene.subject](canvas, pose)
        return
    skin = _SKINS[int(rng.integers(len(_SKINS)))]
    hair = _YOUNG_HAIR[int(rng.integers(len(_YOUNG_HAIR)))]
    if scene.age == "old":
        hair = _OLD_HAIR
    female = scene.gender == "female"
    if female:
        long_hair(canvas, pose, hair)
    _CLOTHES.get(scene.subject, _shirt)(canvas, pose, rng)
    head(canvas, pose, skin)
    if female:
        fringe(canvas, pose, hair)
        lips(canvas, pose)
    else:
        beard(canvas, pose, hair)
        short_hair(canvas, pose, hair)
    eyes(canvas, pose)
    if scene.age == "old":
        glasses(canvas, pose)
    hat = _HATS.get(scene.subject)
    if hat is not None:
        hat(canvas, pose)


def torso(canvas: Canvas, p: Pose, colour: Rgb) -> None:
    """Draw shoulders down to the lower edge."""
    shoulders = [p.at(-24, 40), p.at(-22, 23), p.at(-9, 16), p.at(9, 16)]
    canvas.polygon([*shoulders, p.at(22, 23), p.at(24, 40)], colour)


def head(canvas: Canvas, p: Pose, skin: Rgb) -> None:
    """Draw neck and face."""
    canvas.box(p.at(-5, 8), p.at(5, 19), shade(skin, 0.9), 0)
    canvas.ellipse(p.at(0, 0), (12, 14), skin)


def eyes(canvas: Canvas, p: Pose) -> None:
    """Draw two dark eyes."""
    for side in (-1, 1):
        canvas.ellipse(p.at(side * 4.5, -1), (1.7, 1.9), INK, 0)


def glasses(canvas: Canvas, p: Pose) -> None:
    """Draw round spectacles."""
    for side in (-1, 1):
        canvas.arc(p.at(side * 5, -1), (4.6, 4.6), (0, 360), INK, 1.2)


def lips(canvas: Canvas, p: Pose, colour: Rgb = _LIPS) -> None:
    """Draw a large mouth."""
    canvas.ellipse(p.at(0, 7), (4.2, 2.2), colour, 0)


def long_hair(canvas: Canvas, p: Pose, colour: Rgb) -> None:
    """Draw hair that falls behind the shoulders, wider than the head."""
    fall = [p.at(-19, 32), p.at(-18, -4), p.at(-11, -16), p.at(11, -16)]
    canvas.polygon([*fall, p.at(18, -4), p.at(19, 32)], colour)


def fringe(canvas: Canvas, p: Pose, colour: Rgb) -> None:
    """Draw the long hair's front over forehead and both sides."""
    canvas.pieslice(p.at(0, -3), (13.5, 13), (180, 360), colour)
    for side in (-1, 1):
        lock = [p.at(side * 10, -8), p.at(side * 18, -4), p.at(side * 18.5, 31)]
        canvas.polygon([*lock, p.at(side * 10.5, 27)], colour, 0)


def short_hair(canvas: Canvas, p: Pose, colour: Rgb) -> None:
    """Draw a cap of short hair."""
    canvas.pieslice(p.at(0, -4), (13, 12), (180, 360), colour)


def beard(canvas: Canvas, p: Pose, colour: Rgb) -> None:
    """Draw a full beard with a mouth in it."""
    canvas.pieslice(p.at(0, 2), (12.5, 16), (0, 180), colour)
    canvas.ellipse(p.at(0, 7), (3.6, 1.6), (120, 50, 46), 0)


def _shirt(canvas: Canvas, p: Pose, rng: Rng) -> None:
    colour = PALETTE[str(rng.choice(list(PALETTE)))]
    torso(canvas, p, colour)


def _doctor(canvas: Canvas, p: Pose, _: Rng) -> None:
    torso(canvas, p, _WHITE)
    canvas.polygon([p.at(-8, 16), p.at(8, 16), p.at(0, 30)], (70, 120, 200))
    canvas.line([p.at(-11, 18), p.at(-9, 30), p.at(2, 36)], INK, 2.4)
    canvas.line([p.at(11, 18), p.at(9, 30), p.at(2, 36)], INK, 2.4)
    canvas.ellipse(p.at(2, 36), (3.2, 3.2), (120, 130, 140))


def _nurse(canvas: Canvas, p: Pose, _: Rng) -> None:
    torso(canvas, p, _TEAL)
    canvas.polygon([p.at(-7, 16), p.at(7, 16), p.at(0, 26)], _WHITE)


def _builder(canvas: Canvas, p: Pose, _: Rng) -> None:
    torso(canvas, p, _VEST)
    for side in (-1, 1):
        canvas.line([p.at(side * 11, 17), p.at(side * 12, 40)], (250, 240, 60), 4)
    canvas.line([p.at(-23, 33), p.at(23, 33)], (250, 240, 60), 4)


def _teacher(canvas: Canvas, p: Pose, _: Rng) -> None:
    torso(canvas, p, PALETTE["purple"])
    for side in (-1, 1):
        page = [p.at(0, 24), p.at(side * 17, 21), p.at(side * 17, 36), p.at(0, 39)]
        canvas.polygon(page, _WHITE)
        for row in (26, 30):
            canvas.line([p.at(side * 4, row), p.at(side * 13, row - 1.5)], INK, 1)


def _farmer(canvas: Canvas, p: Pose, _: Rng) -> None:
    torso(canvas, p, (206, 60, 50))
    canvas.box(p.at(-12, 25), p.at(12, 41), (40, 130, 60))
    for side in (-1, 1):
        canvas.line([p.at(side * 10, 17), p.at(side * 10, 27)], (40, 130, 60), 4)


def _baker(canvas: Canvas, p: Pose, _: Rng) -> None:
    torso(canvas, p, _WHITE)
    canvas.box(p.at(-13, 22), p.at(13, 41), _APRON)
    canvas.ellipse(p.at(0, 31), (10, 4.5), (230, 180, 96))


def _pilot(canvas: Canvas, p: Pose, _: Rng) -> None:
    torso(canvas, p, _NAVY)
    canvas.polygon([p.at(-6, 16), p.at(6, 16), p.at(0, 27)], _WHITE, 0.6)
    for side in (-1, 1):
        canvas.line([p.at(side * 12, 20), p.at(side * 21, 23)], _GOLD, 3)


def _nurse_cap(canvas: Canvas, p: Pose) -> None:
    cap = [p.at(-11, -10), p.at(-13, -21), p.at(13, -21), p.at(11, -10)]
    canvas.polygon(cap, _WHITE)
    canvas.line([p.at(0, -19.5), p.at(0, -11.5)], _CROSS, 3)
    canvas.line([p.at(-4, -15.5), p.at(4, -15.5)], _CROSS, 3)


def _hard_hat(canvas: Canvas, p: Pose) -> None:
    canvas.pieslice(p.at(0, -8), (14, 14), (180, 360), (250, 214, 20))
    canvas.box(p.at(-16, -10), p.at(16, -7), (250, 214, 20))


def _straw_hat(canvas: Canvas, p: Pose) -> None:
    canvas.ellipse(p.at(0, -10), (24, 4.5), _STRAW)
    canvas.pieslice(p.at(0, -10), (11, 12), (180, 360), _STRAW)
    canvas.line([p.at(-11, -12), p.at(11, -12)], (140, 60, 30), 2.5)


def _chef_hat(canvas: Canvas, p: Pose) -> None:
    for across in (-8, 8, 0):
        canvas.ellipse(p.at(across, -19), (8, 6.5), _WHITE)
    canvas.box(p.at(-11, -18), p.at(11, -9), _WHITE)


def _pilot_cap(canvas: Canvas, p: Pose) -> None:
    crown = [p.at(-12, -11), p.at(-17, -19), p.at(17, -19), p.at(12, -11)]
    canvas.polygon(crown, _NAVY)
    canvas.ellipse(p.at(0, -15), (3.4, 2.8), _GOLD, 0)
    canvas.box(p.at(-12, -11), p.at(12, -8), INK, 0)


def _anton(canvas: Canvas, p: Pose) -> None:
    torso(canvas, p, PALETTE["yellow"])
    head(canvas, p, _SKINS[0])
    spikes = [p.at(-6, -9), p.at(-7, -20), p.at(-3, -17), p.at(0, -23), p.at(3, -17)]
    canvas.polygon([*spikes, p.at(7, -20), p.at(6, -9)], (40, 190, 60))
    eyes(canvas, p)
    canvas.line([p.at(-4, 7), p.at(4, 7)], INK, 1.6)


def _bela(canvas: Canvas, p: Pose) -> None:
    fire = (236, 104, 24)
    torso(canvas, p, PALETTE["purple"])
    canvas.ellipse(p.at(0, -4), (18, 17), fire)
    head(canvas, p, _SKINS[0])
    canvas.pieslice(p.at(0, 3), (16, 23), (0, 180), fire)
    canvas.pieslice(p.at(0, -6), (13, 11), (180, 360), fire)
    canvas.ellipse(p.at(0, 8), (4, 1.8), (120, 40, 30), 0)
    eyes(canvas, p)


def _caro(canvas: Canvas, p: Pose) -> None:
    sky = (40, 96, 226)
    long_hair(canvas, p, sky)
    torso(canvas, p, PALETTE["red"])
    head(canvas, p, _SKINS[0])
    fringe(canvas, p, sky)
    eyes(canvas, p)
    lips(canvas, p)


def _dora(canvas: Canvas, p: Pose) -> None:
    candy = (246, 110, 186)
    torso(canvas, p, (30, 150, 70))
    canvas.ellipse(p.at(0, -6), (21, 20), candy)
    head(canvas, p, _SKINS[2])
    for side in (-1, 1):
        canvas.ellipse(p.at(side * 13, 10), (3.2, 3.2), _GOLD)
    eyes(canvas, p)
    lips(canvas, p)


def _emil(canvas: Canvas, p: Pose) -> None:
    torso(canvas, p, _WHITE)
    for row in (20, 27, 34):
        canvas.line([p.at(-23, row + 1), p.at(23, row + 1)], INK, 3)
    head(canvas, p, _SKINS[1])
    canvas.line([p.at(-12, -7), p.at(12, -1)], INK, 1.6)
    canvas.ellipse(p.at(-5, -2), (4.2, 4.2), INK, 0)
    canvas.ellipse(p.at(5, -1), (1.7, 1.9), INK, 0)
    canvas.line([p.at(-7, 6), p.at(7, 6)], INK, 3.4)


def _fina(canvas: Canvas, p: Pose) -> None:
    black = (36, 28, 40)
    torso(canvas, p, PALETTE["orange"])
    canvas.ellipse(p.at(0, -18), (7, 7), black)
    head(canvas, p, _SKINS[0])
    canvas.pieslice(p.at(0, -5), (13.5, 12), (180, 360), black)
    for side in (-1, 1):
        canvas.ellipse(p.at(side * 6, -1), (5.4, 4.6), black, 0)
    canvas.line([p.at(-6, -2), p.at(6, -2)], black, 1.5)
    lips(canvas, p)


_CLOTHES = {
    "doctor": _doctor,
    "nurse": _nurse,
    "builder": _builder,
    "teacher": _teacher,
    "farmer": _farmer,
    "baker": _baker,
    "pilot": _pilot,
}
_HATS = {
    "nurse": _nurse_cap,
    "builder": _hard_hat,
    "farmer": _straw_hat,
    "baker": _chef_hat,
    "pilot": _pilot_cap,
}
_NAMED = {
    "anton": _anton,
    "bela": _bela,
    "caro": _caro,
    "dora": _dora,
    "emil": _emil,
    "fina": _fina,
}
