"""Silhouettes of the objects, no two of which are alike."""

import math
from collections.abc import Callable

from governance.miniature.canvas import INK, Canvas, Frame, Rgb, shade

_STEM: Rgb = (30, 110, 44)
_WHITE: Rgb = (250, 250, 246)
_STEEL: Rgb = (196, 204, 214)
_GOLD: Rgb = (222, 176, 40)
_WOOD: Rgb = (112, 66, 34)
_GLASS: Rgb = (196, 226, 240)


def rose(canvas: Canvas, f: Frame, colour: Rgb) -> None:
    """Draw a bloom of rolled petals on a stem with two leaves."""
    canvas.line([f.at(0, 0), f.at(0, 1)], _STEM, f.scale * 0.14)
    for side in (-1, 1):
        leaf = [f.at(0, 0.8), f.at(side * 0.35, 0.4), f.at(side * 0.72, 0.5)]
        canvas.polygon([*leaf, f.at(side * 0.4, 0.76)], _STEM, 0.6)
    s = f.scale
    for across, down in ((-0.34, -0.36), (0.34, -0.36), (0, -0.62), (0, -0.14)):
        canvas.ellipse(f.at(across, down), (s * 0.36, s * 0.34), colour)
    canvas.ellipse(f.at(0, -0.38), (s * 0.4, s * 0.38), shade(colour, 0.82))
    canvas.arc(f.at(0, -0.38), (s * 0.26, s * 0.24), (150, 420), INK, s * 0.07)
    canvas.ellipse(f.at(0.02, -0.38), (s * 0.1, s * 0.1), shade(colour, 0.5), 0)


def lemon(canvas: Canvas, f: Frame, colour: Rgb) -> None:
    """Draw a tilted fruit with a nub at both ends."""
    points = []
    for step in range(28):
        angle = 2 * math.pi * step / 28
        nub = 0.26 * max(0.0, abs(math.cos(angle)) - 0.86) / 0.14
        points.append(f.at((0.8 + nub) * math.cos(angle), 0.6 * math.sin(angle)))
    canvas.polygon(points, colour)
    shine = [f.at(-0.4, -0.24), f.at(-0.1, -0.4), f.at(0.2, -0.4), f.at(-0.1, -0.28)]
    canvas.polygon(shine, shade(colour, 1.7), 0)


def leaf(canvas: Canvas, f: Frame, colour: Rgb) -> None:
    """Draw one large almond-shaped leaf with veins and a stalk."""
    edge = [(math.sin(math.pi * t / 12) * 0.52, t / 6 - 1.0) for t in range(13)]
    right = [f.at(width, down * 0.9 - 0.1) for width, down in edge]
    left = [f.at(-width, down * 0.9 - 0.1) for width, down in reversed(edge)]
    canvas.polygon(right + left, colour)
    dark = shade(colour, 0.55)
    canvas.line([f.at(0, -0.8), f.at(0, 1.0)], dark, f.scale * 0.09)
    for down in (-0.4, 0.0, 0.4):
        for side in (-1, 1):
            vein = [f.at(0, down + 0.1), f.at(side * 0.34, down - 0.2)]
            canvas.line(vein, dark, f.scale * 0.06)


def fish(canvas: Canvas, f: Frame, colour: Rgb) -> None:
    """Draw a fish that swims to the left."""
    s = f.scale
    tail = [f.at(0.4, 0), f.at(1.0, -0.55), f.at(0.86, 0), f.at(1.0, 0.55)]
    canvas.polygon(tail, shade(colour, 0.75))
    canvas.polygon([f.at(-0.3, -0.4), f.at(0.1, -0.8), f.at(0.3, -0.35)], colour)
    canvas.ellipse(f.at(-0.22, 0), (s * 0.78, s * 0.5), colour)
    canvas.ellipse(f.at(-0.62, -0.1), (s * 0.13, s * 0.13), _WHITE, 0.5)
    canvas.ellipse(f.at(-0.64, -0.1), (s * 0.06, s * 0.06), INK, 0)
    canvas.arc(f.at(-0.5, 0), (s * 0.3, s * 0.4), (-60, 60), INK, s * 0.06)


def cup(canvas: Canvas, f: Frame, colour: Rgb) -> None:
    """Draw a cup with a handle and steam."""
    s = f.scale
    canvas.arc(f.at(0.56, 0.3), (s * 0.42, s * 0.38), (-100, 100), INK, s * 0.24)
    canvas.arc(f.at(0.56, 0.3), (s * 0.38, s * 0.34), (-100, 100), colour, s * 0.14)
    wall = [f.at(-0.7, -0.24), f.at(0.62, -0.24), f.at(0.46, 0.9), f.at(-0.54, 0.9)]
    canvas.polygon(wall, colour)
    canvas.ellipse(f.at(-0.04, -0.24), (s * 0.66, s * 0.16), shade(colour, 0.45))
    for across in (-0.3, 0.2):
        steam = [f.at(across + bend, -0.5 - 0.15 * i) for i, bend in _STEAM]
        canvas.line(steam, (150, 150, 160), s * 0.09)


_STEAM = ((0, 0.0), (1, 0.1), (2, 0.0), (3, 0.1))


def butterfly(canvas: Canvas, f: Frame, colour: Rgb) -> None:
    """Draw four wings around a dark body with feelers."""
    s = f.scale
    for side in (-1, 1):
        canvas.ellipse(f.at(side * 0.46, 0.42), (s * 0.38, s * 0.36), colour)
        upper = [f.at(0, 0.1), f.at(side * 0.3, -0.75), f.at(side * 0.98, -0.72)]
        canvas.polygon([*upper, f.at(side * 0.9, 0.1)], colour)
        canvas.ellipse(
            f.at(side * 0.6, -0.34), (s * 0.17, s * 0.17), shade(colour, 1.65), 0
        )
        canvas.line([f.at(0, -0.4), f.at(side * 0.24, -1)], INK, s * 0.08)
    canvas.ellipse(f.at(0, 0), (s * 0.12, s * 0.6), INK, 0)


def umbrella(canvas: Canvas, f: Frame, colour: Rgb) -> None:
    """Draw an open umbrella with a hooked handle."""
    s = f.scale
    canvas.line([f.at(0, -1), f.at(0, 0.78)], INK, s * 0.1)
    canvas.arc(f.at(0.16, 0.76), (s * 0.2, s * 0.2), (0, 180), INK, s * 0.11)
    canvas.pieslice(f.at(0, 0.05), (s, s * 0.95), (180, 360), colour)
    for across, width in ((-0.66, 0.34), (0.66, 0.34), (0, 0.33)):
        canvas.pieslice(
            f.at(across, 0.06), (s * width, s * 0.16), (180, 360), shade(colour, 0.55)
        )
    for across in (-0.33, 0.33):
        canvas.line([f.at(0, -0.9), f.at(across, 0.03)], INK, s * 0.05)


def balloon(canvas: Canvas, f: Frame, colour: Rgb) -> None:
    """Draw a round balloon with a knot and a wavy string."""
    s = f.scale
    string = [f.at(0.1 * math.sin(t * 1.3), 0.35 + t * 0.11) for t in range(7)]
    canvas.line(string, INK, s * 0.07)
    canvas.polygon([f.at(0, 0.2), f.at(-0.16, 0.44), f.at(0.16, 0.44)], colour)
    canvas.ellipse(f.at(0, -0.36), (s * 0.58, s * 0.64), colour)
    canvas.ellipse(f.at(-0.2, -0.6), (s * 0.13, s * 0.18), shade(colour, 1.75), 0)


def car(canvas: Canvas, f: Frame, colour: Rgb) -> None:
    """Draw a car from the side: cabin, body, two wheels."""
    s = f.scale
    cabin = [f.at(-0.6, -0.05), f.at(-0.36, -0.56), f.at(0.34, -0.56), f.at(0.6, -0.05)]
    canvas.polygon(cabin, colour)
    window = [
        f.at(-0.42, -0.1),
        f.at(-0.27, -0.42),
        f.at(0.25, -0.42),
        f.at(0.42, -0.1),
    ]
    canvas.polygon(window, _GLASS, 0.5)
    canvas.line([f.at(0, -0.5), f.at(0, 0)], INK, s * 0.08)
    body = [f.at(-1, -0.02), f.at(0.85, -0.08), f.at(1, 0.12), f.at(1, 0.42)]
    canvas.polygon([*body, f.at(-1, 0.42)], colour)
    for across in (-0.55, 0.55):
        canvas.ellipse(f.at(across, 0.44), (s * 0.27, s * 0.27), INK, 0)
        canvas.ellipse(f.at(across, 0.44), (s * 0.11, s * 0.11), _STEEL, 0)


def house(canvas: Canvas, f: Frame, colour: Rgb) -> None:
    """Draw a house with a dark roof, a door and a window."""
    canvas.box(f.at(0.3, -0.9), f.at(0.52, -0.3), _WOOD)
    canvas.box(f.at(-0.72, -0.2), f.at(0.72, 0.9), colour)
    canvas.polygon(
        [f.at(-0.95, -0.16), f.at(0, -0.92), f.at(0.95, -0.16)], (74, 60, 66)
    )
    canvas.box(f.at(-0.5, 0.2), f.at(-0.1, 0.9), _WOOD)
    canvas.box(f.at(0.12, 0.12), f.at(0.52, 0.5), _GLASS)


def boat(canvas: Canvas, f: Frame, colour: Rgb) -> None:
    """Draw a hull under a mast with two white sails."""
    canvas.line([f.at(0, -1), f.at(0, 0.4)], _WOOD, f.scale * 0.11)
    canvas.polygon([f.at(0.1, -0.9), f.at(0.82, 0.26), f.at(0.1, 0.26)], _WHITE)
    canvas.polygon([f.at(-0.1, -0.7), f.at(-0.62, 0.26), f.at(-0.1, 0.26)], _WHITE)
    hull = [f.at(-1, 0.38), f.at(1, 0.38), f.at(0.62, 0.9), f.at(-0.62, 0.9)]
    canvas.polygon(hull, colour)


def sword(canvas: Canvas, f: Frame, colour: Rgb) -> None:
    """Draw a broad blade, point up, with a guard and a grip."""
    blade = [f.at(-0.15, 0.45), f.at(-0.15, -0.8), f.at(0, -1.05), f.at(0.15, -0.8)]
    canvas.polygon([*blade, f.at(0.15, 0.45)], colour)
    canvas.line([f.at(0, -0.85), f.at(0, 0.4)], shade(colour, 0.6), f.scale * 0.05)
    canvas.line([f.at(0, 0.5), f.at(0, 0.92)], _WOOD, f.scale * 0.2)
    guard = [f.at(-0.45, 0.38), f.at(0.45, 0.38), f.at(0.45, 0.55), f.at(-0.45, 0.55)]
    canvas.polygon(guard, _GOLD)
    canvas.ellipse(f.at(0, 0.96), (f.scale * 0.13, f.scale * 0.13), _GOLD)


STEEL = _STEEL
SHAPES: dict[str, Callable[[Canvas, Frame, Rgb], None]] = {
    "rose": rose,
    "lemon": lemon,
    "leaf": leaf,
    "fish": fish,
    "cup": cup,
    "butterfly": butterfly,
    "umbrella": umbrella,
    "balloon": balloon,
    "car": car,
    "house": house,
    "boat": boat,
    "sword": sword,
}
# How far a thing is turned on average, and by how much that varies (radians).
TILTS = {"lemon": (-0.4, 0.1), "leaf": (0.6, 0.1), "sword": (0.6, 0.1)}
