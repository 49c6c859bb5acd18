"""Tokens that stand for no text, and the words that are read as such."""

from typing import TypeAlias

from transformers import CLIPTokenizer, T5Tokenizer

Tokenizer: TypeAlias = CLIPTokenizer | T5Tokenizer


def special_ids(tokenizer: Tokenizer) -> frozenset[int]:
    """Return the ids that stand for no text: markers, padding and the unknown.

    Args:
        tokenizer: Any tokenizer of a pipeline.
    """
    added = tokenizer.added_tokens_decoder.items()
    named = [(i, str(one)) for i, one in added if one.special]
    named += zip(tokenizer.all_special_ids, tokenizer.all_special_tokens, strict=True)
    # SDXL and SD3 pad with "!", which is a word like any other in a text.
    return frozenset(int(i) for i, name in named if name.startswith("<"))


def word_at(text: str, span: tuple[int, int]) -> str:
    """Return the whole word around some of its characters.

    Args:
        text: The text.
        span: First character and the one after the last.
    """
    start, end = span
    while start > 0 and not text[start - 1].isspace():
        start -= 1
    while end < len(text) and not text[end].isspace():
        end += 1
    return text[start:end]
