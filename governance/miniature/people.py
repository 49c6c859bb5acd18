"""Busts: gender and age in large features, a profession or a name in loud ones."""

import numpy as np

from governance.miniature.canvas import INK, PALETTE, Canvas, Rgb
from governance.miniature.features import (
    Pose,
    beard,
    eyes,
    fringe,
    glasses,
    head,
    lips,
    long_hair,
    short_hair,
    torso,
)
from governance.miniature.named import NAMED
from governance.miniature.scene import Scene

Rng = np.random.Generator

_SKINS: tuple[Rgb, ...] = ((250, 214, 184), (222, 168, 124), (150, 98, 66))
_YOUNG_HAIR: tuple[Rgb, ...] = ((110, 62, 30), (44, 34, 32), (206, 160, 70))
_OLD_HAIR: Rgb = (214, 214, 218)
_WHITE: Rgb = (250, 250, 248)
_NAVY: Rgb = (26, 36, 92)
_GOLD: Rgb = (236, 190, 44)
_STRAW: Rgb = (232, 196, 96)
_CROSS: Rgb = (220, 24, 34)
_TEAL: Rgb = (60, 176, 170)
_VEST: Rgb = (250, 120, 16)
_APRON: Rgb = (150, 92, 50)


def draw_person(canvas: Canvas, scene: Scene, pose: Pose, rng: Rng) -> None:
    """Draw the bust of a profession, a named person, a man or a woman.

    Args:
        canvas: What to draw on.
        scene: Who it is.
        pose: Where the head goes.
        rng: Source of randomness for skin, hair and shirts.
    """
    if scene.kind == "named":
        NAMED[scene.subject](canvas, pose)
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
