"""A small canvas in units of the finished picture, drawn at twice its size."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

SIZE = 64
_OVERSAMPLING = 2

Rgb = tuple[int, int, int]
Point = tuple[float, float]
Pixels = NDArray[np.uint8]

INK: Rgb = (32, 26, 34)

# Outlines are a darker shade of what they enclose.
_EDGE = 0.5

PALETTE: dict[str, Rgb] = {
    "red": (214, 30, 36),
    "orange": (246, 134, 18),
    "yellow": (246, 220, 30),
    "green": (38, 160, 62),
    "blue": (34, 84, 220),
    "purple": (130, 44, 178),
    "pink": (250, 140, 196),
}


def shade(colour: Rgb, factor: float) -> Rgb:
    """Darken (factor below 1) or lighten (above 1) a colour.

    Args:
        colour: 8-bit red, green, blue.
        factor: 0 gives black, 1 the colour, 2 white.

    Returns:
        The shaded colour.
    """
    if factor <= 1:
        mixed = [channel * factor for channel in colour]
    else:
        mixed = [channel + (255 - channel) * (factor - 1) for channel in colour]
    red, green, blue = (round(channel) for channel in mixed)
    return red, green, blue


@dataclass(frozen=True)
class Frame:
    """Where a thing stands: its centre, half size and tilt.

    Args:
        x: Centre, in picture units (0 to 64).
        y: Centre, in picture units (0 to 64).
        scale: Half of the thing's height, in picture units.
        tilt: Rotation in radians.
    """

    x: float
    y: float
    scale: float
    tilt: float = 0.0

    def at(self, across: float, down: float) -> Point:
        """Map a point of the thing (-1 to 1 both ways) to the picture.

        Args:
            across: -1 at the left edge, 1 at the right.
            down: -1 at the top, 1 at the bottom.

        Returns:
            Picture coordinates.
        """
        cos, sin = float(np.cos(self.tilt)), float(np.sin(self.tilt))
        return (
            self.x + self.scale * (across * cos - down * sin),
            self.y + self.scale * (across * sin + down * cos),
        )


class Canvas:
    """Drawing primitives with an optional dark outline."""

    def __init__(self, ground: Rgb) -> None:
        side = SIZE * _OVERSAMPLING
        self._image = Image.new("RGB", (side, side), ground)
        self._draw = ImageDraw.Draw(self._image)

    def polygon(self, points: list[Point], fill: Rgb, outline: float = 1.0) -> None:
        """Fill a polygon.

        Args:
            points: Corners in picture units.
            fill: Colour.
            outline: Outline width in picture units; 0 for none.
        """
        scaled = [(x * _OVERSAMPLING, y * _OVERSAMPLING) for x, y in points]
        self._draw.polygon(scaled, fill=fill)
        if outline:
            width = round(outline * _OVERSAMPLING)
            closed = [*scaled, scaled[0], scaled[1]]
            self._draw.line(closed, fill=shade(fill, _EDGE), width=width, joint="curve")

    def ellipse(
        self, centre: Point, radii: Point, fill: Rgb, outline: float = 1.0
    ) -> None:
        """Fill an axis-parallel ellipse.

        Args:
            centre: Picture units.
            radii: Horizontal and vertical radius, picture units.
            fill: Colour.
            outline: Outline width in picture units; 0 for none.
        """
        (x, y), (a, b) = centre, radii
        box = [x - a, y - b, x + a, y + b]
        self._draw.ellipse(
            [edge * _OVERSAMPLING for edge in box],
            fill=fill,
            outline=shade(fill, _EDGE) if outline else None,
            width=round(outline * _OVERSAMPLING),
        )

    def pieslice(self, centre: Point, radii: Point, angles: Point, fill: Rgb) -> None:
        """Fill a sector of an ellipse, outlined.

        Args:
            centre: Picture units.
            radii: Horizontal and vertical radius, picture units.
            angles: Start and end in degrees, clockwise from the right.
            fill: Colour.
        """
        (x, y), (a, b) = centre, radii
        box = [edge * _OVERSAMPLING for edge in (x - a, y - b, x + a, y + b)]
        self._draw.pieslice(
            box,
            angles[0],
            angles[1],
            fill=fill,
            outline=shade(fill, _EDGE),
            width=_OVERSAMPLING,
        )

    def arc(
        self, centre: Point, radii: Point, angles: Point, fill: Rgb, width: float
    ) -> None:
        """Draw part of an ellipse's edge.

        Args:
            centre: Picture units.
            radii: Horizontal and vertical radius, picture units.
            angles: Start and end in degrees, clockwise from the right.
            fill: Colour.
            width: Picture units.
        """
        (x, y), (a, b) = centre, radii
        box = [edge * _OVERSAMPLING for edge in (x - a, y - b, x + a, y + b)]
        thick = round(width * _OVERSAMPLING)
        self._draw.arc(box, angles[0], angles[1], fill=fill, width=thick)

    def line(self, points: list[Point], fill: Rgb, width: float) -> None:
        """Draw connected segments.

        Args:
            points: Picture units.
            fill: Colour.
            width: Picture units.
        """
        scaled = [(x * _OVERSAMPLING, y * _OVERSAMPLING) for x, y in points]
        thick = round(width * _OVERSAMPLING)
        self._draw.line(scaled, fill=fill, width=thick, joint="curve")

    def box(
        self, left_top: Point, right_bottom: Point, fill: Rgb, outline: float = 1.0
    ) -> None:
        """Fill an axis-parallel rectangle.

        Args:
            left_top: Picture units.
            right_bottom: Picture units.
            fill: Colour.
            outline: Outline width in picture units; 0 for none.
        """
        (left, top), (right, bottom) = left_top, right_bottom
        corners = [(left, top), (right, top), (right, bottom), (left, bottom)]
        self.polygon(list(corners), fill, outline)

    def pixels(self) -> Pixels:
        """Scale the drawing down to the picture.

        Returns:
            uint8 array [64, 64, 3].
        """
        small = self._image.resize((SIZE, SIZE), Image.Resampling.BOX)
        return np.asarray(small, dtype=np.uint8)
