"""Images as blocks, and what a reviewer looks at."""

from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image
from rich.segment import Segment

from governance.service.views import ImageSet
from governance.tui import picture
from governance.tui.app import GovernanceApp
from governance.tui.compare import BLINK_SECONDS, Compare
from governance.tui.sight import Layout, Mode, Sight, fit, slots
from tests.tui.conftest import screen_text
from tests.tui.fake import FakeGovernance, pngs

RED, BLUE = (255, 0, 0), (0, 0, 255)


def colours(segment: Segment) -> tuple[object, object]:
    assert segment.style is not None
    assert segment.style.color is not None
    assert segment.style.bgcolor is not None
    return segment.style.color.triplet, segment.style.bgcolor.triplet


def test_four_samples_of_two_colours_become_one_quadrant_character() -> None:
    for mask, expected in enumerate(" ▗▖▄▝▐▞▟▘▚▌▙▀▜▛█"):
        image = Image.new("RGB", (2, 2), BLUE)
        for place, bit in enumerate((8, 4, 2, 1)):
            if mask & bit:
                image.putpixel((place % 2, place // 2), RED)
        [[segment]] = picture.blocks(image, 1, 1)
        if mask in (0, 15):
            assert segment.text == " "
            assert colours(segment)[1] == (RED if mask else BLUE)
        else:
            # Either colour may be in front; the picture is the same.
            swapped = " ▗▖▄▝▐▞▟▘▚▌▙▀▜▛█"[15 - mask]
            pair = (segment.text, colours(segment))
            assert pair in ((expected, (RED, BLUE)), (swapped, (BLUE, RED)))


def test_blocks_fill_exactly_the_cells_they_were_given() -> None:
    image = Image.effect_noise((64, 64), 90).convert("RGB")
    for ascii_only in (False, True):
        rows = picture.blocks(image, 26, 13, ascii_only=ascii_only)
        assert [len(row) for row in rows] == [26] * 13
        assert all(len(segment.text) == 1 for row in rows for segment in row)
    assert {segment.text for row in rows for segment in row} == {" "}


def test_a_difference_is_black_where_nothing_changed_and_bright_where_it_did() -> None:
    first = Image.new("RGB", (4, 4), (100, 100, 100))
    second = first.copy()
    second.putpixel((1, 1), (150, 100, 100))
    result = picture.difference(first, second)
    assert result.getpixel((0, 0)) == (0, 0, 0)
    assert result.getpixel((1, 1)) == (150, 0, 0)


def test_a_wipe_shows_the_first_image_left_of_its_edge() -> None:
    result = picture.wiped(
        Image.new("RGB", (10, 2), RED), Image.new("RGB", (10, 2), BLUE), 0.3
    )
    assert [result.getpixel((x, 0)) for x in (0, 2, 3, 9)] == [RED, RED, BLUE, BLUE]


@pytest.mark.parametrize("content", [b"", b"\x89PNG\r\n\x1a\n garbage", b"GIF89a"])
def test_a_damaged_file_is_no_picture(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "image.png"
    path.write_bytes(content)
    assert picture.load(path) is None


def test_an_absurdly_large_picture_is_not_decoded(tmp_path: Path) -> None:
    path = tmp_path / "image.png"
    Image.new("1", (5000, 1)).save(path)
    assert picture.load(path) is None


def sight(folder: Path) -> Sight:
    sets = tuple(
        ImageSet(prompt, seed, *pngs(folder, seed))
        for prompt in ("one", "two")
        for seed in (7, 8, 9)
    )
    return Sight(sets=sets)


def test_seeds_go_round_within_a_prompt(tmp_path: Path) -> None:
    start = sight(tmp_path)
    assert [item.seed for item in start.view(2)] == [7, 8]
    assert start.step_seed(-1).view(1)[0].seed == 9
    other = start.step_seed(2).step_prompt(1)
    assert (other.view(1)[0].prompt, other.view(1)[0].seed) == ("two", 7)
    assert other.step_prompt(1).view(1)[0].prompt == "one"


def test_an_edit_without_images_has_nothing_in_view() -> None:
    empty = Sight()
    assert empty.step_seed(1).step_prompt(-1).view(3) == ()


def test_layouts_show_three_then_two_then_one(tmp_path: Path) -> None:
    start = sight(tmp_path)
    images = start.view(1)[0]
    labels = []
    for _ in range(3):
        labels.append([slot.label for slot in slots(start, images)])
        start = start.next_layout()
    assert labels == [
        ["base", "live", "candidate"],
        ["live", "candidate"],
        ["candidate"],
    ]
    assert start.layout is Layout.ALL


def test_without_a_live_picture_the_base_stands_before_the_candidate(
    tmp_path: Path,
) -> None:
    start = replace(sight(tmp_path), layout=Layout.PAIR)
    images = replace(start.view(1)[0], live=None)
    assert [slot.label for slot in slots(start, images)] == ["base", "candidate"]
    assert slots(start.flip(), images)[-1].path == images.base


def test_a_mode_is_left_by_its_own_key(tmp_path: Path) -> None:
    start = sight(tmp_path).toggle(Mode.WIPE)
    assert start.mode is Mode.WIPE
    assert start.toggle(Mode.DIFFERENCE).mode is Mode.DIFFERENCE
    assert start.toggle(Mode.WIPE).mode is Mode.PLAIN
    assert start.slide(9.0).share == 1.0


@pytest.mark.parametrize(
    ("width", "height", "across"),
    [(78, 12, 2), (74, 28, 3), (200, 50, 3), (40, 5, 1), (20, 3, 3)],
)
def test_pictures_fit_the_room_they_have(width: int, height: int, across: int) -> None:
    shape = fit(width, height, across)
    assert shape.columns == shape.rows * 2
    assert shape.columns * across + 2 * (across - 1) <= width
    assert (shape.rows + 1) * shape.stacked <= height
    assert shape.stacked >= 1


def test_where_nothing_fits_nothing_is_drawn() -> None:
    assert fit(5, 40, 3).stacked == 0
    assert fit(80, 2, 1).stacked == 0


def test_blinking_stays_under_two_hertz() -> None:
    assert 1 / (2 * BLINK_SECONDS) <= 2


async def test_keys_move_through_seeds_prompts_and_modes(
    app: GovernanceApp, fake: FakeGovernance
) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause()
        compare = app.screen.query_one(Compare)
        assert "seed 0" in screen_text(app)
        await pilot.press("right_square_bracket")
        await pilot.pause()
        assert "seed 0" not in screen_text(app)
        await pilot.press("left_square_bracket", "right_curly_bracket")
        await pilot.pause()
        assert "2/2  a rose on the beach" in screen_text(app)
        await pilot.press("left_curly_bracket", "m")
        await pilot.pause()
        assert "difference to live" in screen_text(app)
        await pilot.press("m", "w", "greater_than_sign")
        await pilot.pause()
        assert "live | candidate" in screen_text(app)
        assert compare.sight.share == pytest.approx(0.6)
        await pilot.press("w", "B")
        await pilot.pause()
        assert "live, flipped" in screen_text(app)
        assert not compare.blinking
        await pilot.press("b")
        states = [compare.blinking]
        await pilot.press("b")
        assert [*states, compare.blinking] == [True, False]
        await pilot.press("c", "c")
        await pilot.pause()
        assert compare.sight.layout is Layout.ONE
        assert fake.written == []


async def test_only_seeds_that_were_drawn_count_as_viewed(
    app: GovernanceApp, fake: FakeGovernance
) -> None:
    fake.image_count = 10
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause()
        compare = app.screen.query_one(Compare)
        first = len(compare.viewed)
        assert 0 < first < 10
        assert compare.viewed_words() == f"{first} of 20 image pairs"
        await pilot.press("right_square_bracket")
        await pilot.pause()
        assert len(compare.viewed) == first + 1
