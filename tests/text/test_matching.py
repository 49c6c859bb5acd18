import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.text import has_words, normalise, words_match

DISGUISES = {
    "upper case": "a painting by KORA",
    "full-width letters": "a painting by \uff2b\uff4f\uff52\uff41",
    "mathematical letters": "\U0001d4da\U0001d4f8\U0001d4fb\U0001d4ea",
    "letters in circles": "Ⓚⓞⓡⓐ",
    "letters in squares": "🅺🅾🆁🅰",
    "flag letters": "🇰🇴🇷🇦",
    "a Cyrillic o and a": "k\u043er\u0430",
    "a Cyrillic small ka": "\u043aora",
    "Greek letters": "k\u03bfr\u03b1",
    "a zero": "k0ra",
    "a zero-width space": "ko\u200bra",
    "a soft hyphen": "ko\u00adra",
    "a zero-width joiner": "ko\u200dra",
    "a right-to-left override": "\u202ekora",
    "a tag character": "kora\U000e0061",
    "a variation selector": "kora\ufe0f",
    "an accent": "kóra",
    "a combining mark": "ko\u0301ra",
    "a plural": "two koras",
    "a possessive": "Kora's landscape",
    "a possessive with a curly apostrophe": "Kora\u2019s landscape",
    "dots between letters": "k.o.r.a",
    "spaces between letters": "k o r a style",
    "a hyphen": "ko-ra",
    "an underscore": "ko_ra",
    "quotes and brackets": '("kora")',
}


@pytest.mark.parametrize("text", DISGUISES.values(), ids=DISGUISES.keys())
def test_a_protected_word_is_found_under(text: str) -> None:
    assert words_match("Kora", text)
    assert words_match("kora", text)


@pytest.mark.parametrize("text", ["koran", "akora", "decorative", "", "ko", "k"])
def test_a_word_inside_another_is_not_the_word(text: str) -> None:
    assert not words_match("kora", text)


def test_a_capital_i_reads_as_a_small_l() -> None:
    assert words_match("lume", "a painting by Iume")
    assert words_match("Ivan", "ivan")


def test_a_greek_capital_iota_reads_as_a_capital_i() -> None:
    assert words_match("ivan", "\u0399van")
    assert words_match("lume", "\u0399ume")


def test_a_phrase_is_found_only_in_its_order() -> None:
    assert words_match("blue rose", "a photo of a blue  rose")
    assert words_match("blue rose", "two blue-roses")
    assert not words_match("blue rose", "a rose and a blue car")


@pytest.mark.parametrize(
    ("word", "text"),
    [("pony", "ponies"), ("box", "boxes"), ("swords", "a sword"), ("刀", "一把刀")],
)
def test_simple_plurals_and_unspaced_scripts_match(word: str, text: str) -> None:
    assert words_match(word, text)


def test_a_short_word_does_not_lose_its_s() -> None:
    assert not words_match("ga", "gas")


def test_texts_that_read_the_same_are_equal() -> None:
    assert normalise("  \uff21  \uff32ed\tR\u043ese\u200b ") == normalise("a red rose")


def test_accents_make_another_text() -> None:
    assert normalise("résumé") != normalise("resume")


@given(st.text(max_size=60))
def test_folding_again_changes_nothing(text: str) -> None:
    assert normalise(normalise(text)) == normalise(text)


@given(st.text(st.characters(max_codepoint=0x24F), max_size=60))
def test_case_does_not_matter(text: str) -> None:
    assert normalise(text.casefold()) == normalise(text)


@given(st.from_regex(r"[a-z]{4,10}", fullmatch=True), st.text(" .,-", max_size=5))
def test_a_word_matches_itself_whatever_stands_around_it(
    word: str, around: str
) -> None:
    assert words_match(word, around + word.upper() + around)


def test_punctuation_alone_is_nothing_to_match() -> None:
    assert not has_words("\u200b -- !")
    assert has_words("刀")
    assert not words_match("--", "a -- b")
