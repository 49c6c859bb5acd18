import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.canonical import JSON, canonical_bytes, digest_of

json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(st.dictionaries(st.text(), json_values))
def test_key_order_does_not_change_the_bytes(value: dict[str, JSON]) -> None:
    turned = dict(reversed(value.items()))
    assert canonical_bytes(turned) == canonical_bytes(value)


def test_keys_sort_by_utf16_units_as_rfc_8785_says() -> None:
    # U+1F600 sorts before U+FB33 in UTF-16, after it by code point.
    assert canonical_bytes({"\ufb33": 1, "\U0001f600": 2}).index(b"2") < 9


def test_digest_is_sha256_of_the_canonical_bytes() -> None:
    known = "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
    assert digest_of({}) == known


def test_a_number_that_json_cannot_hold_is_refused() -> None:
    with pytest.raises(ValueError, match="nan"):
        canonical_bytes(math.nan)
