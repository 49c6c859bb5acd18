"""Photograph a screen of a real workspace, cell by cell, with a local font.

``python -m tests.tui.photograph WORKSPACE PICTURE.png --keys j,l --regular FONT.ttf``

Textual's own SVG names a font on somebody's server and is no evidence of what a
terminal shows; this draws exactly the cells that were composed.
"""

import argparse
import asyncio
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont
from rich.cells import cell_len
from rich.color import Color
from rich.segment import Segment

from governance.settings import Settings
from governance.tui.app import GovernanceApp
from governance.wiring import open_workspace

RGB = tuple[int, int, int]
WIDE, HIGH = 11, 22
QUADRANTS = " ▗▖▄▝▐▞▟▘▚▌▙▀▜▛█"
INK, PAPER = (216, 222, 230), (14, 18, 23)


class Camera:
    """Draws cells.

    Args:
        regular: Font file.
        bold: Font file for bold text.
        fallback: Font file for glyphs the others lack.
    """

    def __init__(self, regular: str, bold: str, fallback: str) -> None:
        size = 18
        self._fonts = {
            False: ImageFont.truetype(regular, size),
            True: ImageFont.truetype(bold, size),
        }
        self._fallback = ImageFont.truetype(fallback, size)
        # What a font draws for a character it does not know, to the pixel.
        self._nothing = {bytes(font.getmask("\ufffe")) for font in self._fonts.values()}

    def shoot(self, app: GovernanceApp) -> Image.Image:
        """Draw what is on screen now."""
        strips = app.screen._compositor.render_strips()
        picture = Image.new("RGB", (app.size.width * WIDE, len(strips) * HIGH), PAPER)
        draw = ImageDraw.Draw(picture)
        for row, strip in enumerate(strips):
            column = 0
            for segment in strip:
                for char in segment.text:
                    self._cell(draw, column, row, char, segment)
                    column += cell_len(char)
        return picture

    def _cell(
        self,
        draw: ImageDraw.ImageDraw,
        column: int,
        row: int,
        char: str,
        segment: Segment,
    ) -> None:
        style = segment.style
        ink = colour(style.color if style else None, INK)
        paper = colour(style.bgcolor if style else None, PAPER)
        left, top = column * WIDE, row * HIGH
        draw.rectangle((left, top, left + WIDE - 1, top + HIGH - 1), fill=paper)
        if char in QUADRANTS:
            quadrants(draw, left, top, QUADRANTS.index(char), ink)
        else:
            font = self._fonts[bool(style and style.bold)]
            if char != " " and bytes(font.getmask(char)) in self._nothing:
                font = self._fallback
            draw.text((left, top - 1), char, font=font, fill=ink)
        for drawn, line in (
            (style and style.underline, top + HIGH - 3),
            (style and style.strike, top + HIGH // 2),
        ):
            if drawn:
                draw.line((left, line, left + WIDE - 1, line), fill=ink)


def quadrants(
    draw: ImageDraw.ImageDraw, left: int, top: int, mask: int, ink: RGB
) -> None:
    """Fill the quarters of a cell that a block character fills."""
    middle, waist = left + WIDE // 2, top + HIGH // 2
    right, bottom = left + WIDE - 1, top + HIGH - 1
    quarters = (
        (8, (left, top, middle - 1, waist - 1)),
        (4, (middle, top, right, waist - 1)),
        (2, (left, waist, middle - 1, bottom)),
        (1, (middle, waist, right, bottom)),
    )
    for bit, box in quarters:
        if mask & bit:
            draw.rectangle(box, fill=ink)


def colour(value: Color | None, default: RGB) -> RGB:
    """Return a cell's colour."""
    if value is None or value.is_default:
        return default
    found = value.get_truecolor()
    return found.red, found.green, found.blue


async def photograph(options: argparse.Namespace) -> None:
    """Open the workspace for reading, press keys, save the picture."""
    settings = Settings.load(
        workspace=options.workspace, principal=options.principal, key=options.key
    )
    app = GovernanceApp(open_workspace(settings))
    width, height = (int(number) for number in options.size.split("x"))
    async with app.run_test(size=(width, height), notifications=True) as pilot:
        await pilot.pause(1)
        for key in options.keys.split(",") if options.keys else ():
            await pilot.press(key)
        await pilot.pause(1)
        camera = Camera(options.regular, options.bold, options.fallback)
        camera.shoot(app).save(options.picture, optimize=True)


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description="Photograph the terminal UI")
    parser.add_argument("workspace", type=Path)
    parser.add_argument("picture", type=Path)
    parser.add_argument("--keys", default="")
    parser.add_argument("--size", default="120x40")
    parser.add_argument("--principal")
    parser.add_argument("--key", type=Path)
    parser.add_argument("--regular", default="DejaVuSansMono.ttf")
    parser.add_argument("--bold", default="DejaVuSansMono-Bold.ttf")
    parser.add_argument("--fallback", default="DejaVuSansMono.ttf")
    asyncio.run(photograph(parser.parse_args()))


if __name__ == "__main__":
    main()
