"""Merkle trees as in RFC 6962, section 2.1: roots and growth.

Leaves and nodes are hashed under different prefixes, so that no node can pass for
a leaf. Everything here is pure and speaks in raw 32-byte hashes.
"""

import hashlib
from collections.abc import Iterable, Sequence
from typing import NamedTuple

EMPTY_ROOT = hashlib.sha256(b"").digest()
HASH_BYTES = 32
_LEAF = b"\x00"
_NODE = b"\x01"


def leaf_hash(data: bytes) -> bytes:
    """Return the hash of a leaf, ``SHA-256(0x00 || data)``."""
    return hashlib.sha256(_LEAF + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of an inner node, ``SHA-256(0x01 || left || right)``."""
    return hashlib.sha256(_NODE + left + right).digest()


def fold_peaks(peaks: Sequence[bytes]) -> bytes:
    """Return the root over complete subtrees that stand side by side.

    Args:
        peaks: Their hashes, largest subtree first; sizes are distinct powers of two.
    """
    if not peaks:
        return EMPTY_ROOT
    root = peaks[-1]
    for peak in reversed(peaks[:-1]):
        root = node_hash(peak, root)
    return root


def peak_ends(size: int) -> list[int]:
    """Return after how many leaves each complete subtree of a tree ends.

    Args:
        size: Number of leaves.

    Returns:
        Leaf counts, ascending, the last one ``size``. Thirteen gives 8, 12, 13.
    """
    ends: list[int] = []
    while size:
        ends.append(size)
        size &= size - 1
    return ends[::-1]


class Frontier(NamedTuple):
    """What a tree must remember in order to grow: its complete subtrees.

    Args:
        size: Number of leaves.
        peaks: Hashes of the complete subtrees, largest first; as many as ``size``
            has one-bits.
    """

    size: int = 0
    peaks: tuple[bytes, ...] = ()

    def append(self, leaf: bytes) -> "Frontier":
        """Return the frontier with one more leaf.

        Args:
            leaf: The leaf's hash.
        """
        size, peaks = self
        if not size & 1:
            return Frontier(size + 1, (*peaks, leaf))
        kept, node, rest = len(peaks), leaf, size
        while rest & 1:
            kept -= 1
            node = node_hash(peaks[kept], node)
            rest >>= 1
        return Frontier(size + 1, (*peaks[:kept], node))

    @property
    def node(self) -> bytes:
        """The smallest complete subtree: the largest one that ends at the last leaf."""
        return self.peaks[-1]

    @property
    def root(self) -> bytes:
        """The tree's root hash."""
        return fold_peaks(self.peaks)


EMPTY = Frontier()


def root_of(leaves: Iterable[bytes]) -> bytes:
    """Return the root over leaf hashes."""
    frontier = EMPTY
    for leaf in leaves:
        frontier = frontier.append(leaf)
    return frontier.root
