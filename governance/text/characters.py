"""Which characters a reader cannot see, and which move what stands around them."""

import unicodedata

# Drawn as nothing, yet not in the categories that say so (Unicode's
# Default_Ignorable_Code_Point outside Cf, and the blank braille cell).
_BLANK = frozenset(
    (
        *(0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x2800, 0x3164, 0xFFA0),
        *range(0x180B, 0x1810),
        *range(0xFE00, 0xFE10),
        *range(0xE0100, 0xE01F0),
    )
)
# Cc controls, Cf formats (bidi, zero-width, tags), Cs surrogates, Co private use,
# Cn unassigned, Zl and Zp line and paragraph separators.
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
# Embeddings, overrides and isolates: they reorder what others wrote.
_BIDI = frozenset([*range(0x202A, 0x202F), *range(0x2066, 0x206A)])
_TAGS = range(0xE0000, 0xE0080)
_HARD = frozenset({"Cc", "Cs", "Zl", "Zp"})


def unseen(char: str) -> bool:
    """Say whether a terminal would show nothing for it, or obey it.

    Args:
        char: One character.

    Returns:
        True for controls, invisible and unassigned characters.
    """
    return ord(char) in _BLANK or unicodedata.category(char) in _UNSEEN


def forbidden(char: str) -> bool:
    """Say whether no text of a request may hold it.

    Zero-width joiners stay allowed: Persian, Hindi and emoji need them.

    Args:
        char: One character.

    Returns:
        True for controls, surrogates, line separators, bidi and tag characters.
    """
    point = ord(char)
    if point in _BIDI or point in _TAGS:
        return True
    return unicodedata.category(char) in _HARD
