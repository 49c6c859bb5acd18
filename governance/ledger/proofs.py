"""Inclusion and consistency proofs as in RFC 9162, section 2.1.

A proof is made from the hashes of complete, aligned subtrees and nothing else, so
the maker asks for those through a function: a list of leaves can answer it, and so
can a database that keeps one hash beside every entry.
"""

from collections.abc import Callable, Sequence
from typing import TypeAlias

from governance.ledger.merkle import HASH_BYTES, fold_peaks, node_hash

# (first leaf, height) -> hash of the 2**height leaves that begin there.
Subtrees: TypeAlias = Callable[[int, int], bytes]


def subtrees_of(leaves: Sequence[bytes]) -> Subtrees:
    """Return the subtree hashes of leaves held in memory.

    Args:
        leaves: Leaf hashes.
    """

    def subtree(start: int, height: int) -> bytes:
        if height == 0:
            return leaves[start]
        half = 1 << (height - 1)
        return node_hash(subtree(start, height - 1), subtree(start + half, height - 1))

    return subtree


def _range_hash(subtree: Subtrees, start: int, end: int) -> bytes:
    """Hash leaves ``start`` to ``end`` of a split the tree itself makes."""
    peaks: list[bytes] = []
    while start < end:
        height = (end - start).bit_length() - 1
        peaks.append(subtree(start, height))
        start += 1 << height
    return fold_peaks(peaks)


def _split(size: int) -> int:
    """Return the largest power of two smaller than ``size``."""
    return 1 << ((size - 1).bit_length() - 1)


def make_inclusion_proof(subtree: Subtrees, index: int, size: int) -> list[bytes]:
    """Prove that a leaf is in a tree.

    Args:
        subtree: Subtree hashes of a tree with at least ``size`` leaves.
        index: The leaf, counted from 0.
        size: Number of leaves of the tree the proof is for.

    Returns:
        Sibling hashes from the leaf up.

    Raises:
        ValueError: If the tree has no such leaf.
    """
    if not 0 <= index < size:
        message = f"a tree of {size} leaves has no leaf {index}"
        raise ValueError(message)
    proof: list[bytes] = []
    start, end = 0, size
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            proof.append(_range_hash(subtree, middle, end))
            end = middle
        else:
            proof.append(_range_hash(subtree, start, middle))
            start = middle
    return proof[::-1]


def make_consistency_proof(subtree: Subtrees, old: int, size: int) -> list[bytes]:
    """Prove that a tree only grew.

    Args:
        subtree: Subtree hashes of a tree with at least ``size`` leaves.
        old: Number of leaves it had, at least 1.
        size: Number of leaves it has.

    Returns:
        Hashes in the order of RFC 9162; none when the sizes are equal.

    Raises:
        ValueError: If ``old`` is no earlier size; nothing can be proven about an
            empty tree.
    """
    if not 1 <= old <= size:
        message = f"a tree of {size} leaves has no earlier size {old}"
        raise ValueError(message)
    proof: list[bytes] = []
    start, end = 0, size
    whole = True  # the old tree is, so far, a complete subtree from leaf 0
    while old != end:
        middle = start + _split(end - start)
        if old <= middle:
            proof.append(_range_hash(subtree, middle, end))
            end = middle
        else:
            proof.append(_range_hash(subtree, start, middle))
            start = middle
            whole = False
    if not whole:
        proof.append(_range_hash(subtree, start, end))
    return proof[::-1]


def verify_inclusion(
    index: int, size: int, leaf: bytes, proof: Sequence[bytes], root: bytes
) -> bool:
    """Check that a leaf is in a tree (RFC 9162, section 2.1.3.2).

    Args:
        index: The leaf, counted from 0.
        size: Number of leaves.
        leaf: The leaf's hash.
        proof: Sibling hashes from the leaf up.
        root: The tree's root hash.
    """
    if not 0 <= index < size or not _all_hashes(leaf, root, *proof):
        return False
    position, last, found = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            return False
        if position & 1 or position == last:
            found = node_hash(sibling, found)
            while position and not position & 1:
                position, last = position >> 1, last >> 1
        else:
            found = node_hash(found, sibling)
        position, last = position >> 1, last >> 1
    return last == 0 and found == root


def verify_consistency(
    old: int, size: int, old_root: bytes, root: bytes, proof: Sequence[bytes]
) -> bool:
    """Check that a tree only grew (RFC 9162, section 2.1.4.2).

    Args:
        old: Number of leaves of the earlier tree; nothing follows from an empty
            one, so 0 is never consistent.
        size: Number of leaves of the later tree.
        old_root: Root of the earlier tree.
        root: Root of the later tree.
        proof: Hashes in the order of RFC 9162.
    """
    if not 1 <= old <= size:
        return False
    if old == size:
        return not proof and old_root == root
    if not _all_hashes(old_root, root, *proof):
        return False
    path = list(proof) if old & (old - 1) else [old_root, *proof]
    if not path:
        return False
    position, last = old - 1, size - 1
    while position & 1:
        position, last = position >> 1, last >> 1
    return _climb(position, last, path) == (old_root, root)


def _all_hashes(*candidates: bytes) -> bool:
    """Say whether every one has the length of a hash."""
    return all(len(candidate) == HASH_BYTES for candidate in candidates)


def _climb(
    position: int, last: int, path: Sequence[bytes]
) -> tuple[bytes, bytes] | None:
    """Recompute both roots, or nothing where the path is too short or too long."""
    old_found = found = path[0]
    for sibling in path[1:]:
        if last == 0:
            return None
        if position & 1 or position == last:
            old_found, found = node_hash(sibling, old_found), node_hash(sibling, found)
            while position and not position & 1:
                position, last = position >> 1, last >> 1
        else:
            found = node_hash(found, sibling)
        position, last = position >> 1, last >> 1
    return (old_found, found) if last == 0 else None
