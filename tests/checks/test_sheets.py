"""Contact sheets show what was drawn, and hostile prompts reach no font unguarded."""

import io

import numpy as np
from PIL import Image

from governance.checks.drawing import Picture
from governance.checks.images import SIDES, Drawn
from governance.checks.plan import Row
from governance.checks.questions import Question
from governance.checks.sheets import contact_sheet

COLOURS = {"base": (250, 0, 0), "live": (0, 250, 0), "candidate": (0, 0, 250)}


def drawn(prompt: str = "a rose", seeds: int = 3) -> Drawn:
    def picture(side: str) -> Picture:
        return np.full((64, 64, 3), COLOURS[side], dtype=np.uint8)

    return Drawn(
        "E-0001",
        Row("efficacy", prompt, seeds, Question("same")),
        tuple(range(seeds)),
        {side: [picture(side)] * seeds for side in SIDES},
    )


def pixels(sheet: bytes) -> Picture:
    with Image.open(io.BytesIO(sheet)) as image:
        return np.asarray(image.convert("RGB"))


def area(sheet: Picture, side: str) -> int:
    return int((sheet == np.array(COLOURS[side])).all(axis=2).sum())


def test_every_picture_of_every_side_is_on_the_sheet() -> None:
    sheet = pixels(contact_sheet("A title", [drawn(), drawn("a lemon", 2)]))
    for side in SIDES:
        assert area(sheet, side) == 5 * 64 * 64


def test_sides_stand_below_each_other_from_base_to_candidate() -> None:
    sheet = pixels(contact_sheet("A title", [drawn()]))
    first = [
        int(np.argwhere((sheet == np.array(COLOURS[s])).all(axis=2))[0, 0])
        for s in SIDES
    ]
    assert first == sorted(first)


def test_a_row_is_cut_to_the_seeds_asked_for() -> None:
    sheet = pixels(contact_sheet("A title", [drawn(seeds=9)], seeds=4))
    assert area(sheet, "candidate") == 4 * 64 * 64


def test_the_same_pictures_give_the_same_bytes() -> None:
    assert contact_sheet("A", [drawn()]) == contact_sheet("A", [drawn()])
    assert contact_sheet("A", [drawn()]) != contact_sheet("B", [drawn()])


def test_hostile_text_is_drawn_escaped() -> None:
    hostile = "\x1b[31mred\u202e \N{CJK UNIFIED IDEOGRAPH-4E00}\n" + "x" * 100_000
    escaped = contact_sheet(hostile, [drawn(hostile)])
    assert area(pixels(escaped), "base") == 3 * 64 * 64
    assert escaped == contact_sheet(hostile, [drawn(hostile)])


def test_nothing_drawn_is_a_sheet_with_a_title_only() -> None:
    assert pixels(contact_sheet("A title", [])).shape[2] == 3
