"""Which bits of which byte are flipped, the same ones in every run.

Usually each byte is flipped by one of four patterns, and some bytes by each single bit
and by all of them. With ``EVERY_BIT=1`` in the environment every byte is flipped by
each single bit and by all of them, in about ten minutes.
"""

import os
import zlib

EVERY_BIT = os.environ.get("EVERY_BIT") == "1"
PATTERNS = (0x01, 0x20, 0x80, 0xFF)
BITS = (*(1 << bit for bit in range(8)), 0xFF)
LONGEST = 6 * 3600 if EVERY_BIT else 300
"""Seconds a sweep may take."""


def patterns(position: int, sample: int) -> tuple[int, ...]:
    """Return what a byte is flipped by.

    Args:
        position: Where it stands.
        sample: Every so many bytes, each bit is flipped alone.
    """
    if EVERY_BIT or position % sample == 0:
        return BITS
    # Not by the position itself: fields of four bytes stand one behind the other.
    return (PATTERNS[zlib.crc32(position.to_bytes(8, "big")) % len(PATTERNS)],)
