"""A list that grows without being copied is the tuple it stands for."""

from hypothesis import given
from hypothesis import strategies as st

from governance.domain.persistent_list import PersistentList

ITEMS = st.lists(st.integers(), max_size=4)


@given(ITEMS, st.lists(ITEMS, max_size=30))
def test_it_is_the_tuple_that_was_added_to(
    start: list[int], additions: list[list[int]]
) -> None:
    expected, found = tuple(start), PersistentList(start)
    for items in additions:
        before, kept = found, tuple(found)
        expected, found = (*expected, *items), found.plus(items)
        assert tuple(before) == kept, "the one before is as it was"
    assert tuple(found) == expected
    assert len(found) == len(expected)
    assert [found[at] for at in range(-len(expected), len(expected))] == [
        expected[at] for at in range(-len(expected), len(expected))
    ]
    assert found[1:3] == expected[1:3]
    # However it came about.
    assert found == PersistentList(expected)
    assert hash(found) == hash(PersistentList(expected))
    assert found != PersistentList((*expected, 0))


def test_it_equals_no_other_items() -> None:
    assert PersistentList([1, 2]) != PersistentList([2, 1])
    assert PersistentList([1]) != (1,)


def test_ten_thousand_items_added_one_by_one_lie_in_few_layers() -> None:
    found = PersistentList[int]()
    for number in range(10_000):
        found = found.plus((number,))
    assert len(found._layers) <= 14
    assert list(found) == list(range(10_000))
