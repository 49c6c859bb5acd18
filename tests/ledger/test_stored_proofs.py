"""Proofs from a handful of stored rows are the proofs of the whole tree."""

import sqlite3
from pathlib import Path

import pytest

from governance.errors import IntegrityError, NotFoundError
from governance.ledger.database import sqlite_url
from governance.ledger.log import Ledger
from governance.ledger.proofs import (
    make_consistency_proof,
    make_inclusion_proof,
    subtrees_of,
    verify_consistency,
    verify_inclusion,
)
from tests.ledger.conftest import NOW, fill

SIZE = 21


@pytest.fixture
def grown(ledger: Ledger) -> Ledger:
    with ledger.write() as transaction:
        for number in range(SIZE):
            transaction.append("ThingHappened", "ada", {"number": number}, now=NOW)
    return ledger


def raw(proof: list[str]) -> list[bytes]:
    return [bytes.fromhex(node) for node in proof]


def test_every_stored_proof_is_the_one_made_from_all_leaves(grown: Ledger) -> None:
    leaves = [bytes.fromhex(entry.digest) for entry in grown.entries()]
    subtree = subtrees_of(leaves)
    for size in (1, 2, 7, 8, 13, SIZE):
        root = bytes.fromhex(grown.head_at(size).root)
        for sequence in range(1, size + 1):
            proof = raw(grown.inclusion_proof(sequence, size))
            assert proof == make_inclusion_proof(subtree, sequence - 1, size)
            leaf = leaves[sequence - 1]
            assert verify_inclusion(sequence - 1, size, leaf, proof, root)
        for old in range(1, size + 1):
            proof = raw(grown.consistency_proof(old, size))
            assert proof == make_consistency_proof(subtree, old, size)
            before = bytes.fromhex(grown.head_at(old).root)
            assert verify_consistency(old, size, before, root, proof)


def test_a_head_of_long_ago_is_the_one_it_was(ledger: Ledger) -> None:
    seen = []
    for _ in range(12):
        seen.append(ledger.head())
        fill(ledger, 1)
    assert [ledger.head_at(head.size) for head in seen] == seen


def test_what_is_not_there_is_not_proven(grown: Ledger) -> None:
    for ask in (
        lambda: grown.inclusion_proof(0, SIZE),
        lambda: grown.inclusion_proof(8, 7),
        lambda: grown.inclusion_proof(1, SIZE + 1),
        lambda: grown.consistency_proof(0, SIZE),
        lambda: grown.consistency_proof(8, 7),
        lambda: grown.consistency_proof(1, SIZE + 1),
        lambda: grown.head_at(SIZE + 1),
        lambda: grown.head_at(-1),
    ):
        with pytest.raises(NotFoundError):
            ask()


def test_no_proof_is_handed_out_for_an_edited_entry(grown: Ledger, file: Path) -> None:
    assert len(grown.inclusion_proof(6, SIZE)) == 5
    with sqlite3.connect(file) as connection:
        (sql,) = connection.execute(
            "SELECT sql FROM sqlite_master WHERE name = 'entries_no_update'"
        ).fetchone()
        connection.execute("DROP TRIGGER entries_no_update")
        connection.execute("UPDATE entries SET payload = x'7b7d' WHERE sequence = 6")
        connection.execute(sql)
    connection.close()
    with Ledger.open(sqlite_url(file)) as edited:
        with pytest.raises(IntegrityError, match="prove nothing"):
            edited.inclusion_proof(6, SIZE)
        edited.inclusion_proof(5, SIZE)
