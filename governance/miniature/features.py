"""Faces, hair and shoulders: what every person is put together from."""

from dataclasses import dataclass

from governance.miniature.canvas import INK, Canvas, Point, Rgb, shade

LIPS: Rgb = (206, 36, 60)


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


def lips(canvas: Canvas, p: Pose, colour: Rgb = LIPS) -> None:
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
