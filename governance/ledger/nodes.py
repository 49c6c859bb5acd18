"""Proofs from the nodes kept beside the entries, in a few rows each.

The row of entry ``n`` keeps the hash of the largest complete subtree that ends there,
which is as large as the lowest one-bit of ``n``. Any other aligned subtree is the
right half of a larger one, and is put together from its own left halves.
"""

from sqlalchemy import Connection, select

from governance.ledger.merkle import leaf_hash, node_hash
from governance.ledger.proofs import (
    Subtrees,
    make_consistency_proof,
    make_inclusion_proof,
    verify_consistency,
    verify_inclusion,
)
from governance.ledger.rows import BadEntryError, position_at
from governance.ledger.tables import entries


def stored_subtrees(connection: Connection) -> Subtrees:
    """Return the subtree hashes of a log, as stored.

    Args:
        connection: An open connection.
    """

    def subtree(start: int, height: int) -> bytes:
        span = 1 << height
        end = start + span
        if end & -end == span:
            return _cell(connection, end, "node")
        if height == 0:
            return _cell(connection, end, "digest")
        half = span >> 1
        return node_hash(subtree(start, height - 1), subtree(start + half, height - 1))

    return subtree


def _cell(connection: Connection, sequence: int, column: str) -> bytes:
    """Return one hash of one row."""
    chosen = select(entries.c[column]).where(entries.c.sequence == sequence)
    found = connection.execute(chosen).scalar()
    if not isinstance(found, bytes):
        raise BadEntryError(sequence, f"its {column} is missing")
    return found


def prove_inclusion(connection: Connection, sequence: int, size: int) -> list[bytes]:
    """Prove that an entry is among the first ``size``.

    Args:
        connection: An open connection.
        sequence: The entry.
        size: Number of entries the proof is for.

    Returns:
        Sibling hashes from the leaf up, checked against payload and root.

    Raises:
        BadEntryError: If what is stored proves nothing.
    """
    proof = make_inclusion_proof(stored_subtrees(connection), sequence - 1, size)
    leaf = leaf_hash(_cell(connection, sequence, "payload"))
    root = position_at(connection, size).frontier.root
    if not verify_inclusion(sequence - 1, size, leaf, proof, root):
        raise BadEntryError(sequence, "its stored tree nodes prove nothing")
    return proof


def prove_consistency(connection: Connection, old: int, size: int) -> list[bytes]:
    """Prove that the first ``old`` entries are the beginning of the first ``size``.

    Args:
        connection: An open connection.
        old: Number of entries of the earlier head.
        size: Number of entries of the later one.

    Returns:
        Hashes in the order of RFC 9162, checked.

    Raises:
        BadEntryError: If what is stored proves nothing.
    """
    proof = make_consistency_proof(stored_subtrees(connection), old, size)
    before = position_at(connection, old).frontier.root
    after = position_at(connection, size).frontier.root
    if not verify_consistency(old, size, before, after, proof):
        raise BadEntryError(old, "its stored tree nodes prove nothing")
    return proof
