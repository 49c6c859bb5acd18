"""A tokenizer built in code, and short prompts it reads as real ones are read.

Its alphabet is every byte, so that no text is unknown, and it knows all words of two
syllables: a made-up name of two words takes two tokens, as real names do.
"""

from collections.abc import Iterator
from functools import cache
from itertools import product
from typing import Any

from transformers import CLIPTokenizer

_SYLLABLES = tuple(a + b for a, b in product("bdfgklmnprstvz", "aeiou"))
_KNOWN = ("a", "of", "art", "photo", "an", "image", "picture", "red")
LENGTH = 77
NAMES = len(_SYLLABLES) ** 2


@cache
def _pieces() -> tuple[tuple[str, ...], tuple[tuple[str, str], ...]]:
    single = [chr(code) for code in _byte_letters()]
    pieces = dict.fromkeys([*single, *(f"{letter}</w>" for letter in single)])
    merges: dict[tuple[str, str], None] = {}

    def learn(first: str, second: str) -> str:
        merges.setdefault((first, second))
        pieces.setdefault(first + second)
        return first + second

    for syllable in _SYLLABLES:
        learn(syllable[0], syllable[1])
        learn(syllable[0], f"{syllable[1]}</w>")
    for first, second in product(_SYLLABLES, _SYLLABLES):
        learn(first, f"{second}</w>")
    for word in _KNOWN:
        letters = [*word[:-1], f"{word[-1]}</w>"]
        found = letters[0]
        for letter in letters[1:]:
            found = learn(found, letter)
    return tuple(pieces), tuple(merges)


def _byte_letters() -> Iterator[int]:
    # Byte-level tokenizers write a byte as the character of its number where that can
    # be printed, and as one from 256 on where it cannot.
    printed = [*range(33, 127), *range(161, 173), *range(174, 256)]
    yield from printed
    yield from range(256, 256 + 256 - len(printed))


def tokenizer(size: int) -> CLIPTokenizer:
    """Build a tokenizer whose last two tokens begin and end a text.

    Args:
        size: Tokens of the text encoder it is for.
    """
    pieces, merges = _pieces()
    vocabulary = {piece: number for number, piece in enumerate(pieces)}
    vocabulary["<|startoftext|>"], vocabulary["<|endoftext|>"] = size - 2, size - 1
    given: Any = list(merges)
    return CLIPTokenizer(vocab=vocabulary, merges=given, model_max_length=LENGTH)


def name(number: int) -> str:
    """Return a made-up name of two words, another one for every number."""
    turn, place = divmod(number, NAMES)
    words = (place * 7919 % NAMES, (place * 31 + turn * 101 + 17) % NAMES)
    return " ".join(
        _SYLLABLES[word // len(_SYLLABLES)] + _SYLLABLES[word % len(_SYLLABLES)]
        for word in words
    )
