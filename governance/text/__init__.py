"""Hostile text: shown safely, compared as a reader sees it."""

from governance.text.display import forbidden_character, safe
from governance.text.matching import (
    has_words,
    letters_of,
    normalise,
    pairs_of_letters,
    words_match,
)

__all__ = [
    "forbidden_character",
    "has_words",
    "letters_of",
    "normalise",
    "pairs_of_letters",
    "safe",
    "words_match",
]
