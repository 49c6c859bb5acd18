"""Heads recomputed from payloads: whatever else is stored has no say in them."""

import sqlite3
from pathlib import Path

import pytest

from governance.domain.signoff import Head
from governance.ledger import rehashing
from governance.ledger.log import Ledger
from governance.ledger.merkle import EMPTY_ROOT, leaf_hash, root_of
from governance.ledger.rows import BadEntryError
from tests.ledger.conftest import fill
from tests.ledger.test_tampering import EDIT, attacked, rehash_all


def heads(ledger: Ledger, *sizes: int) -> list[Head]:
    return list(ledger.rehashed_heads(sizes))


@pytest.mark.parametrize("page", [1, 2, 3, 500])
def test_each_head_is_the_root_over_the_payloads_before_it(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch, page: int
) -> None:
    monkeypatch.setattr(rehashing, "_PAYLOADS", rehashing._PAYLOADS.limit(page))
    fill(ledger, 7)
    leaves = [leaf_hash(entry.payload) for entry in ledger.entries()]
    expected = [Head(size, root_of(leaves[:size]).hex()) for size in range(8)]
    assert heads(ledger, *range(8)) == expected
    assert heads(ledger, 6, 2, 6) == [expected[2], expected[6]]
    assert heads(ledger, 0) == [Head(0, EMPTY_ROOT.hex())]
    assert heads(ledger) == []


def test_sizes_the_log_does_not_reach_are_left_out(ledger: Ledger) -> None:
    fill(ledger, 3)
    assert [head.size for head in heads(ledger, 2, 3, 4, 9)] == [2, 3]


def test_a_changed_payload_is_named_though_the_stored_tree_is_as_it_was(
    ledger: Ledger, file: Path
) -> None:
    fill(ledger, 9)
    with attacked(ledger, file, lambda base: base.execute(EDIT)) as copy:
        assert [head.size for head in heads(copy, 4)] == [4]
        with pytest.raises(BadEntryError, match=r"entry 5 .* does not match"):
            heads(copy, 4, 9)


def test_a_rewritten_log_has_other_heads_from_the_change_on(
    ledger: Ledger, file: Path
) -> None:
    fill(ledger, 9)
    before = heads(ledger, 4, 5, 9)

    def rewrite(base: sqlite3.Connection) -> None:
        base.execute(EDIT)
        rehash_all(base)

    with attacked(ledger, file, rewrite) as copy:
        after = heads(copy, 4, 5, 9)
    assert after[0] == before[0]
    assert after[1].root != before[1].root
    assert after[2].root != before[2].root


@pytest.mark.parametrize(
    ("statement", "problem"),
    [
        ("DELETE FROM entries WHERE sequence = 5", "entry 5 .* is missing"),
        ("UPDATE entries SET digest = zeroblob(32) WHERE sequence = 5", "entry 5 "),
    ],
)
def test_a_missing_row_or_a_bent_digest_is_named(
    ledger: Ledger, file: Path, statement: str, problem: str
) -> None:
    fill(ledger, 9)
    with (
        attacked(ledger, file, lambda base: base.execute(statement)) as copy,
        pytest.raises(BadEntryError, match=problem),
    ):
        heads(copy, 9)
