"""The tree is the one of RFC 6962, and its proofs prove what they should."""

import base64
import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from governance.ledger.merkle import (
    EMPTY_ROOT,
    Frontier,
    leaf_hash,
    node_hash,
    peak_ends,
    root_of,
)
from governance.ledger.proofs import (
    make_consistency_proof,
    make_inclusion_proof,
    subtrees_of,
    verify_consistency,
    verify_inclusion,
)
from tests.ledger.conftest import vectors


def naive_root(data: list[bytes]) -> bytes:
    """RFC 6962, section 2.1, word for word."""
    if not data:
        return hashlib.sha256(b"").digest()
    if len(data) == 1:
        return hashlib.sha256(b"\x00" + data[0]).digest()
    k = 1
    while k * 2 < len(data):
        k *= 2
    left, right = naive_root(data[:k]), naive_root(data[k:])
    return hashlib.sha256(b"\x01" + left + right).digest()


def leaves_of(count: int) -> list[bytes]:
    return [leaf_hash(str(number).encode()) for number in range(count)]


@given(st.lists(st.binary(max_size=40), max_size=70))
@settings(max_examples=60)
def test_the_growing_root_is_the_one_the_rfc_defines(data: list[bytes]) -> None:
    assert root_of(leaf_hash(leaf) for leaf in data) == naive_root(data)


def test_the_root_of_two_leaves_by_hand() -> None:
    left, right = leaf_hash(b"a"), leaf_hash(b"b")
    assert root_of([left, right]) == hashlib.sha256(b"\x01" + left + right).digest()
    assert root_of([]) == EMPTY_ROOT == hashlib.sha256(b"").digest()


def test_a_leaf_cannot_pass_for_a_node() -> None:
    left, right = leaf_hash(b"a"), leaf_hash(b"b")
    assert leaf_hash(left + right) != node_hash(left, right)


@given(st.integers(1, 2**40))
def test_a_tree_ends_its_subtrees_where_its_size_has_ones(size: int) -> None:
    ends = peak_ends(size)
    spans = [end - start for start, end in zip([0, *ends], ends, strict=False)]
    assert sum(spans) == size
    assert spans == sorted(set(spans), reverse=True)
    assert all(span & (span - 1) == 0 for span in spans)


def test_the_node_of_each_entry_is_the_subtree_that_ends_there() -> None:
    frontier, nodes = Frontier(), {}
    for number, leaf in enumerate(leaves_of(64), start=1):
        frontier = frontier.append(leaf)
        nodes[number] = frontier.node
        assert frontier.peaks == tuple(nodes[end] for end in peak_ends(number))


def test_every_proof_up_to_65_leaves_verifies() -> None:
    leaves = leaves_of(65)
    roots = [root_of(leaves[:size]) for size in range(66)]
    subtree = subtrees_of(leaves)
    for size in range(1, 66):
        for index in range(size):
            proof = make_inclusion_proof(subtree, index, size)
            assert verify_inclusion(index, size, leaves[index], proof, roots[size])
        for old in range(1, size + 1):
            proof = make_consistency_proof(subtree, old, size)
            assert verify_consistency(old, size, roots[old], roots[size], proof)


@given(st.integers(1, 65), st.data())
@settings(max_examples=80)
def test_a_changed_inclusion_proof_fails(size: int, data: st.DataObject) -> None:
    leaves = leaves_of(size)
    index = data.draw(st.integers(0, size - 1))
    proof = make_inclusion_proof(subtrees_of(leaves), index, size)
    root = root_of(leaves)
    other = data.draw(st.integers(0, size + 3).filter(lambda i: i != index))
    assert not verify_inclusion(other, size, leaves[index], proof, root)
    assert not verify_inclusion(index, size, leaf_hash(b"other"), proof, root)
    assert not verify_inclusion(index, size, leaves[index], [*proof, root], root)
    if proof:
        assert not verify_inclusion(index, size, leaves[index], proof[:-1], root)
        at = data.draw(st.integers(0, len(proof) - 1))
        bent = [*proof[:at], leaf_hash(proof[at]), *proof[at + 1 :]]
        assert not verify_inclusion(index, size, leaves[index], bent, root)


@given(st.integers(2, 65), st.data())
@settings(max_examples=80)
def test_a_rewritten_history_is_not_consistent(size: int, data: st.DataObject) -> None:
    leaves = leaves_of(size)
    old = data.draw(st.integers(1, size - 1))
    edited = data.draw(st.integers(0, old - 1))
    forged = [*leaves[:edited], leaf_hash(b"forged"), *leaves[edited + 1 :]]
    proof = make_consistency_proof(subtrees_of(forged), old, size)
    seen = root_of(leaves[:old])
    assert not verify_consistency(old, size, seen, root_of(forged), proof)
    honest = make_consistency_proof(subtrees_of(leaves), old, size)
    assert not verify_consistency(old, size, seen, root_of(leaves), honest[:-1])
    assert not verify_consistency(old, size, seen, root_of(leaves), [*honest, seen])


def test_nothing_is_proven_about_leaves_that_are_not_there() -> None:
    subtree = subtrees_of(leaves_of(3))
    with pytest.raises(ValueError, match="has no leaf 3"):
        make_inclusion_proof(subtree, 3, 3)
    with pytest.raises(ValueError, match="no earlier size 0"):
        make_consistency_proof(subtree, 0, 3)
    with pytest.raises(ValueError, match="no earlier size 4"):
        make_consistency_proof(subtree, 4, 3)


def decode(text: str | None) -> bytes:
    return base64.b64decode(text or "")


def test_the_public_inclusion_vectors_agree() -> None:
    cases = vectors("inclusion.json")
    assert len(cases) == 98
    for case in cases:
        proof = [decode(part) for part in case["proof"] or []]
        found = verify_inclusion(
            case["leafIdx"],
            case["treeSize"],
            decode(case["leafHash"]),
            proof,
            decode(case["root"]),
        )
        assert found is not case["wantErr"], case["name"]


def test_the_public_consistency_vectors_agree() -> None:
    cases = vectors("consistency.json")
    assert len(cases) == 98
    for case in cases:
        proof = [decode(part) for part in case["proof"] or []]
        found = verify_consistency(
            case["size1"],
            case["size2"],
            decode(case["root1"]),
            decode(case["root2"]),
            proof,
        )
        assert found is not case["wantErr"], case["name"]
