"""A map that grows without being copied is the dict it stands for."""

from hypothesis import given
from hypothesis import strategies as st

from governance.domain.persistent import PersistentMap, grown

ITEMS = st.dictionaries(st.integers(0, 30), st.integers(), max_size=4)


@given(ITEMS, st.lists(ITEMS, max_size=30))
def test_it_is_the_dict_that_was_updated_in_that_order(
    base: dict[int, int], updates: list[dict[int, int]]
) -> None:
    expected, found = dict(base), PersistentMap(base)
    for items in updates:
        before, expected = found, {**expected, **items}
        kept = dict(before)
        found = grown(found, items)
        assert list(found.items()) == list(expected.items())
        assert len(found) == len(expected)
        assert dict(before) == kept, "the one before is as it was"
    assert found == expected
    assert all((key in found) == (key in expected) for key in range(31))


def test_ten_thousand_items_lie_in_few_layers_and_the_base_is_left_alone() -> None:
    base = dict.fromkeys(range(10_000), 0)
    found = PersistentMap(base)
    for number in range(5_000, 15_000):
        found = found.plus({number: 1})
    assert len(found) == 15_000
    assert len(found.layers) <= 15
    assert found.base is base
    assert sum(base.values()) == 0
    assert sum(found.values()) == 10_000
