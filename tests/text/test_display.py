import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.text import forbidden_character, safe

HOSTILE = {
    "an escape sequence": ("\x1b[31mred", "\\x1b[31mred"),
    "a clipboard write": ("\x1b]52;c;aGk=\x07", "\\x1b]52;c;aGk=\\x07"),
    "a C1 control sequence introducer": ("\x9b2J", "\\x9b2J"),
    "delete": ("a\x7f", "a\\x7f"),
    "a new line": ("one\ntwo", "one\\ntwo"),
    "a carriage return": ("good\rbad", "good\\rbad"),
    "a right-to-left override": ("\u202egpj.exe", "\\u202egpj.exe"),
    "an isolate": ("\u2066x\u2069", "\\u2066x\\u2069"),
    "a zero-width space": ("a\u200bb", "a\\u200bb"),
    "a tag character": ("\U000e0041", "\\U000e0041"),
    "a Hangul filler": ("\u3164", "\\u3164"),
    "a variation selector": ("a\ufe0f", "a\\ufe0f"),
    "a lone surrogate": ("\ud800", "\\ud800"),
    "a line separator": ("a\u2028b", "a\\u2028b"),
}


@pytest.mark.parametrize(("text", "shown"), HOSTILE.values(), ids=HOSTILE.keys())
def test_what_a_terminal_would_obey_or_hide_is_shown(text: str, shown: str) -> None:
    assert safe(text) == shown


def test_letters_of_every_script_and_markup_are_left_as_they_are() -> None:
    text = "[bold]Kóra[/] 刀 עברית क्षि 🌹"

    assert safe(text) == text


def test_a_long_text_is_cut_and_says_so() -> None:
    assert safe("x" * 50, limit=10) == "xxxxxxx..."
    assert safe("x" * 10, limit=10) == "x" * 10


@given(st.text(st.characters(codec=None)), st.integers(3, 40))
def test_safe_text_holds_nothing_a_terminal_obeys(text: str, limit: int) -> None:
    shown = safe(text, limit)

    seen = {unicodedata.category(char) for char in shown}
    assert not seen & {"Cc", "Cf", "Cs", "Zl", "Zp"}
    assert len(shown) <= limit
    shown.encode("utf-8")


@given(st.text(), st.integers(3, 40))
def test_safe_text_stays_as_it_is(text: str, limit: int) -> None:
    assert safe(safe(text, limit), limit) == safe(text, limit)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("\x1b[2J", "U+001B"),
        ("a\x00", "U+0000"),
        ("\x85", "U+0085"),
        ("\u202e", "U+202E"),
        ("\U000e0041", "U+E0041"),
        ("\ud800", "U+D800"),
        ("a\nb", "U+000A"),
    ],
)
def test_a_forbidden_character_is_named(text: str, found: str) -> None:
    assert forbidden_character(text) == found


def test_scripts_that_need_joiners_are_not_forbidden() -> None:
    assert (
        forbidden_character("\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645") is None
    )


def test_line_feeds_are_allowed_where_lines_are() -> None:
    assert forbidden_character("a\nb", lines=True) is None
    assert forbidden_character("a\rb", lines=True) == "U+000D"
