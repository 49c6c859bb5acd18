"""Contact sheets: prompts down, seeds across, base over live over candidate."""

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw

from governance.checks.drawing import png_bytes
from governance.checks.images import SIDES, Drawn
from governance.text import safe

_GAP, _LINE, _MARGIN = 4, 14, 8
_INK, _PAPER, _FAINT = (20, 20, 20), (255, 255, 255), (110, 110, 110)
SEEDS = 6


def contact_sheet(title: str, drawn: Sequence[Drawn], seeds: int = SEEDS) -> bytes:
    """Lay pictures out for a person to look at.

    Args:
        title: First line.
        drawn: One block of three rows each.
        seeds: Pictures in a row at most.

    Returns:
        A PNG; the same bytes for the same pictures.
    """
    blocks = [item for item in drawn if item.seeds]
    side = blocks[0].pictures["base"][0].shape[0] if blocks else 64
    across = min(seeds, max((len(item.seeds) for item in blocks), default=1))
    label = 64
    width = _MARGIN * 2 + label + across * (side + _GAP)
    height = _MARGIN * 2 + _LINE + len(blocks) * (_LINE + 3 * (side + _GAP) + _GAP)
    sheet = Image.new("RGB", (width, height), _PAPER)
    pen = ImageDraw.Draw(sheet)
    top = _MARGIN
    pen.text((_MARGIN, top), _printable(title), fill=_INK)
    top += _LINE
    for item in blocks:
        pen.text((_MARGIN, top), _printable(_caption(item)), fill=_INK)
        top += _LINE
        for name in SIDES:
            pen.text((_MARGIN, top + side // 2), name, fill=_FAINT)
            for at, picture in enumerate(item.pictures[name][:across]):
                left = _MARGIN + label + at * (side + _GAP)
                sheet.paste(Image.fromarray(picture), (left, top))
            top += side + _GAP
        top += _GAP
    return png_bytes(np.asarray(sheet, dtype=np.uint8))


def _caption(item: Drawn) -> str:
    return f"{item.row.metric}: {item.row.prompt}"


def _printable(text: str) -> str:
    # Pillow's built-in font knows Latin letters only.
    return safe(text, 120).encode("ascii", "backslashreplace").decode("ascii")
