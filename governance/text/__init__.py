"""Hostile text: shown safely, compared as a reader sees it."""

from governance.text.display import forbidden_character, safe
from governance.text.matching import has_words, normalise, words_match

__all__ = ["forbidden_character", "has_words", "normalise", "safe", "words_match"]
