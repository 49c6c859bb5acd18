import pytest

from governance.engine.aligned import align


def test_a_subsequence_is_matched_left_to_right() -> None:
    rows = align(["<", "a", "rose", ">"], ["<", "a", "blue", "rose", ">"], 8)
    assert rows == (0, 1, 3, 4, 5, 6, 7, 7)


def test_equal_texts_are_matched_row_by_row() -> None:
    assert align(["<", "x", ">"], ["<", "x", ">"], 6) == (0, 1, 2, 3, 4, 5)


def test_the_first_match_wins_when_a_word_repeats() -> None:
    assert align(["<", "x", ">"], ["<", "x", "y", "x", ">"], 6) == (0, 1, 4, 5, 5, 5)


@pytest.mark.parametrize("destination", [["<", ">"], ["<", "b", "a", ">"]])
def test_a_source_that_is_no_subsequence_is_not_matched(destination: list[str]) -> None:
    assert align(["<", "a", "b", ">"], destination, 6) is None


def test_a_prompt_that_fills_the_context_has_no_pads_to_match() -> None:
    assert align(["<", "a", ">"], ["<", "b", "a", ">"], 4) == (0, 2, 3, 3)
