"""Compare texts as a reader sees them, not as they are encoded."""

import re
import unicodedata
from functools import cache, lru_cache
from itertools import pairwise

from governance.text.characters import unseen

# Runs of words are joined up to the protected word's length, in steps of this, so
# that one list of runs serves most words of a policy.
_STEP = 16

# Ideographs, kana and Hangul are written without spaces: each is a word.
_WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]|[^\W_]")
_WORDS = re.compile(
    r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]"
    r"|(?:(?![\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af])[^\W_])+"
)
_COMBINING = re.compile("[\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff]")
# Unicode calls these confusable with a letter; everything else in ASCII stays.
_ASCII_LOOKALIKES = str.maketrans({"0": "o", "1": "l", "|": "l"})
# Letters in boxes and flags have no compatibility form.
_ENCLOSED = {
    first + offset: chr(ord("a") + offset)
    for first in (0x1F150, 0x1F170, 0x1F1E6)
    for offset in range(26)
}


def normalise(text: str) -> str:
    """Fold a text to what it is compared by.

    NFKC, invisible characters dropped, look-alikes of Latin letters folded to them,
    case folded, spaces collapsed. Accents stay: they make another word.

    Args:
        text: Anything.

    Returns:
        A key: equal for texts that a reader would call the same. Folding a key
        again changes nothing.
    """
    return _settled(text, "I")


def words_match(protected: str, text: str) -> bool:
    """Say whether a text holds a protected word or phrase.

    Whole words are compared, so ``art`` is not in ``cart``. Full-width letters,
    homoglyphs, zero-width characters, accents, case, plural and possessive forms,
    and letters or words split or joined by spaces and punctuation do not hide it.
    That last rule can also match two innocent neighbours (``no vice``, ``novice``):
    a protected word errs towards protection.

    Args:
        protected: Word or phrase.
        text: Where it is looked for.

    Returns:
        True if some run of whole words reads as the protected one.
    """
    forms = _protected_forms(protected)
    if not forms:
        return False
    # A plural in the text may be two letters longer than what is protected.
    longest = max(map(len, forms)) + 2
    return not forms.isdisjoint(_runs(text, -(-longest // _STEP) * _STEP))


def letters_of(text: str) -> frozenset[str]:
    """Return the letters of a text as they are compared, in every reading."""
    return frozenset("".join(_WORDS.findall(each)) for each in _readings(text))


def pairs_of_letters(protected: str) -> frozenset[str]:
    """Return every two neighbouring letters of a word, its plural included."""
    forms = _protected_forms(protected)
    spelt = forms | {form[:-1] + "ies" for form in forms if form.endswith("y")}
    return frozenset(a + b for form in spelt for a, b in pairwise(form))


def has_words(text: str) -> bool:
    """Say whether there is anything in a text that can be matched."""
    return _WORD.search(_bare(normalise(text))) is not None


def _settled(text: str, capital_i: str) -> str:
    folded = _fold(text, capital_i)
    while (again := _fold(folded, capital_i)) != folded:
        folded = again
    return folded


def _fold(text: str, capital_i: str) -> str:
    if text.isascii() and text.isprintable():
        folded = text.replace("I", capital_i).casefold().translate(_ASCII_LOOKALIKES)
        return " ".join(folded.split())
    text = unicodedata.normalize("NFKC", text.translate(_ENCLOSED))
    text = "".join(char for char in text if char.isspace() or not unseen(char))
    text = "".join(map(_latin, text)).replace("I", capital_i).casefold()
    text = "".join(map(_latin, text)).translate(_ASCII_LOOKALIKES)
    return " ".join(unicodedata.normalize("NFKC", text).split())


@lru_cache(maxsize=4096)
def _latin(char: str) -> str:
    """Return the Latin letter a character looks like, or the character."""
    if char.isascii():
        return char
    found = _lookalike(char)
    if found == "l" and char.casefold() != char:
        # Unicode draws every capital I as "l": keep it the capital that it is.
        return "I"
    if found is not None:
        return found
    # Small Cyrillic ka is no Latin k to Unicode, but its capital is: fold by it.
    capital = _lookalike(char.upper()) if len(char.upper()) == 1 else None
    return char if capital is None else capital.casefold()


def _lookalike(char: str) -> str | None:
    for found in _confusables().get(char, ()):
        letters = _bare(found.replace("\u200e", ""))
        if letters.isascii() and letters.isalpha():
            return letters
    return None


@cache
def _confusables() -> dict[str, tuple[str, ...]]:
    # 10,000 rows: loaded only when the first letter outside ASCII is compared.
    from confusable_homoglyphs.confusables import (  # type: ignore[import-untyped]
        confusables_data,
    )

    return {
        char: tuple(found["c"] for found in rows)
        for char, rows in confusables_data.items()
    }


def _bare(text: str) -> str:
    if text.isascii():
        return text
    return _COMBINING.sub("", unicodedata.normalize("NFKD", text))


@lru_cache(maxsize=1024)
def _protected_forms(protected: str) -> frozenset[str]:
    return frozenset(
        form
        for reading in _readings(protected)
        for form in _forms("".join(_WORDS.findall(reading)))
    )


@lru_cache(maxsize=1024)
def _runs(text: str, longest: int) -> frozenset[str]:
    """List every run of neighbouring words, joined, in every form."""
    found: set[str] = set()
    for reading in _readings(text):
        words = _WORDS.findall(reading)
        for start in range(len(words)):
            joined = ""
            for word in words[start:]:
                joined += word
                if len(joined) > longest:
                    break
                found.update(_forms(joined))
    return frozenset(found)


def _readings(text: str) -> set[str]:
    # A capital I reads as "i" and as "l"; case folding alone would settle on "i".
    return {_bare(_settled(text, capital_i)) for capital_i in "Il"}


def _forms(word: str) -> set[str]:
    """Return a word and what it may be the plural or possessive of."""
    found = {word} if word else set()
    if len(word) > 3 and word.endswith("s"):
        found.add(word[:-1])
    if len(word) > 4 and word.endswith("es"):
        found.add(word[:-2])
    if len(word) > 4 and word.endswith("ies"):
        found.add(word[:-3] + "y")
    return found
