import json
import math
from datetime import UTC, datetime
from decimal import Decimal

import orjson
import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from governance.canonical import JSON, canonical_bytes, decoded_if_plain, digest_of

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


numbers = (
    st.integers(-(2**60), 2**60)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from([1e16, 1e21, 1e-7, 1e-6, -0.0, 2.0**53, 9007199254740993.0])
)
everything = st.recursive(
    st.none() | st.booleans() | numbers | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=12,
)


def by_the_slow_library(value: JSON) -> bytes | type[BaseException]:
    try:
        return rfc8785.dumps(value)
    except ValueError as error:
        return type(error)


@given(everything)
def test_the_fast_way_writes_and_refuses_what_rfc_8785_does(value: JSON) -> None:
    expected = by_the_slow_library(value)
    if isinstance(expected, bytes):
        assert canonical_bytes(value) == expected
    else:
        with pytest.raises(expected):
            canonical_bytes(value)


@given(everything)
def test_what_is_decoded_as_plain_has_one_form_only(value: JSON) -> None:
    canonical = by_the_slow_library(value)
    for spelled in (
        orjson.dumps(value, option=orjson.OPT_SORT_KEYS),
        json.dumps(value, separators=(",", ":"), sort_keys=True).encode(),
        json.dumps(value).encode(),
    ):
        found = decoded_if_plain(spelled)
        if spelled != canonical:
            assert found is None
        elif found is not None:
            assert repr(found) == repr(json.loads(spelled))


@pytest.mark.parametrize(
    "spelled",
    [
        b"1e16",
        b"[1.0]",
        b"-0",
        b'{"a":1,"a":1}',
        b'{"b":1,"a":1}',
        b"[1e-5]",
        b"12345678901234567",
        b"NaN",
        b"[1e-07]",
        b'"\\u0041"',
        b'"\xc3\xa9"',
        b"[1,]",
    ],
)
def test_other_spellings_are_not_plain(spelled: bytes) -> None:
    assert decoded_if_plain(spelled) is None


@pytest.mark.parametrize("value", [{1: 2}, {None: 1}, Decimal(1), datetime.now(UTC)])
def test_what_is_no_json_is_refused_and_not_made_json(value: object) -> None:
    with pytest.raises((TypeError, ValueError)):
        canonical_bytes(value)  # type: ignore[arg-type]
