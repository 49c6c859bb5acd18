"""An entry has exactly one encoding, and anything else is refused."""

import hashlib
import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from governance.errors import IntegrityError, UsageError
from governance.ledger.entry import Entry, parse_entry, read_entry, timestamp
from tests.ledger.conftest import NOW

PLAIN = Entry(1, NOW, "EditProposed", "ada", {"b": 1, "a": ["x"]})

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8"), max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(codec="utf-8")), inner, max_size=4)
    ),
    max_leaves=12,
)


def test_the_payload_is_canonical_json_with_the_format_in_it() -> None:
    assert PLAIN.payload == (
        b'{"actor":"ada","data":{"a":["x"],"b":1},"event":"EditProposed",'
        b'"format":"governance/entry/v1","sequence":1,"time":"2026-03-01T12:00:00Z"}'
    )
    assert PLAIN.digest == hashlib.sha256(b"\x00" + PLAIN.payload).hexdigest()


@given(st.dictionaries(st.text(st.characters(codec="utf-8")), json_values, max_size=5))
def test_an_entry_is_read_back_as_it_was_written(data: dict[str, object]) -> None:
    entry = Entry(7, NOW, "ThingHappened", "ada", data)  # type: ignore[arg-type]
    assert parse_entry(entry.payload).payload == entry.payload


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"time": "2026-03-01 12:00:00Z"}, "expected YYYY-MM-DDTHH:MM:SSZ"),
        ({"time": "2026-03-01T12:00:00+00:00"}, "expected YYYY-MM-DDTHH:MM:SSZ"),
        ({"time": "2026-02-30T12:00:00Z"}, "expected YYYY-MM-DDTHH:MM:SSZ"),
        ({"time": "\uff12026-03-01T12:00:00Z"}, "expected YYYY-MM-DDTHH:MM:SSZ"),
        ({"sequence": 0}, "expected 1 or more, found 0"),
        ({"event": "two words"}, "expected a plain name"),
        ({"event": ""}, "expected a plain name"),
        ({"actor": ""}, "expected 1 to 256 characters, found 0"),
        ({"actor": "a" * 257}, "expected 1 to 256 characters, found 257"),
    ],
)
def test_a_field_that_could_mislead_is_refused(
    change: dict[str, object], problem: str
) -> None:
    fields: dict[str, object] = {
        "sequence": 1,
        "time": NOW,
        "event": "EditProposed",
        "actor": "ada",
        "data": {},
    }
    with pytest.raises(UsageError, match=problem):
        Entry(**(fields | change))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "data",
    [
        {"x": float("nan")},
        {"x": float("inf")},
        {"x": 2**60},
        {"x": b"bytes"},
        {"x": "\ud800"},
        {1: "x"},
    ],
)
def test_data_that_is_no_canonical_json_is_refused(data: dict[str, object]) -> None:
    entry = Entry(1, NOW, "EditProposed", "ada", data)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="no canonical JSON"):
        _ = entry.payload


def test_data_too_large_for_an_entry_belongs_in_the_object_store() -> None:
    entry = Entry(1, NOW, "EditProposed", "ada", {"x": "a" * (17 * 1024 * 1024)})
    with pytest.raises(UsageError, match="too large") as refused:
        _ = entry.payload
    assert "object" in refused.value.hint


@given(st.dictionaries(st.text(st.characters(codec="utf-8")), json_values, max_size=5))
def test_json_that_only_looks_canonical_is_told_apart(data: dict[str, object]) -> None:
    document = PLAIN.document() | {"data": data}
    payload = json.dumps(
        document, sort_keys=True, separators=(",", ":"), ensure_ascii=False
    ).encode()
    canonical = rfc8785.dumps(document) == payload  # type: ignore[arg-type]
    try:
        parse_entry(payload)
        accepted = True
    except IntegrityError:
        accepted = False
    assert accepted is canonical


def test_a_large_float_stays_one() -> None:
    entry = Entry(1, NOW, "EditProposed", "ada", {"condition": 1e17})
    assert parse_entry(entry.payload).data == {"condition": 1e17}


def altered(**change: object) -> bytes:
    return json.dumps(PLAIN.document() | change, separators=(",", ":")).encode()


@pytest.mark.parametrize(
    ("payload", "problem"),
    [
        (b"", "no JSON"),
        (b"\xff", "no JSON"),
        (b"[" * 100_000, "no JSON"),
        (b"[]", "its keys differ"),
        (b"{}", "its keys differ"),
        (altered(extra=1), "its keys differ"),
        (altered(format="governance/entry/v2"), "format is not governance/entry/v1"),
        (altered(sequence=True), "another type"),
        (altered(sequence="1"), "another type"),
        (altered(data=[]), "another type"),
        (altered(actor=None), "another type"),
        (altered(event="a b"), "expected a plain name"),
        (PLAIN.payload + b" ", "not in canonical form"),
        (b"\xef\xbb\xbf" + PLAIN.payload, "no JSON"),
        (PLAIN.payload.decode().encode("utf-16"), "no JSON"),
        (PLAIN.payload.replace(b'"b":1', b'"b":NaN'), "no JSON"),
        (PLAIN.payload.replace(b'"b":1', b'"b":-Infinity'), "no JSON"),
        (PLAIN.payload.replace(b'"b":1', b'"b":1.0'), "not in canonical form"),
        (PLAIN.payload.replace(b'"b":1', b'"b":1e2'), "not in canonical form"),
        (PLAIN.payload.replace(b'"b":1', b'"b":1e-07'), "not in canonical form"),
        (PLAIN.payload.replace(b'"b":1', b'"b":1.5e+20'), "not in canonical form"),
        (PLAIN.payload.replace(b'"b":1', b'"b":[-0.0]'), "not in canonical form"),
        (PLAIN.payload.replace(b'"b":1', b'"b":0.10'), "not in canonical form"),
        (PLAIN.payload.replace(b'"b":1', b'"b":-0'), "not in canonical form"),
        (PLAIN.payload.replace(b'"b":1', b'"b":01'), "no JSON"),
        (PLAIN.payload.replace(b'"b":1', b'"b":9007199254740993'), "canonical form"),
        (PLAIN.payload.replace(b'"x"', b'"\\u00e9"'), "not in canonical form"),
        (PLAIN.payload.replace(b'"x"', b'"\\ud800"'), "no canonical JSON"),
        (PLAIN.payload.replace(b'"x"', b'"\\/"'), "not in canonical form"),
        (
            PLAIN.payload.replace(b'"actor"', b'"actor":"eve","actor"'),
            "not in canonical form",
        ),
        (PLAIN.payload.replace(b'"x"', b'"\\u0078"'), "not in canonical form"),
    ],
)
def test_bytes_that_no_entry_is_written_as_are_refused(
    payload: bytes, problem: str
) -> None:
    with pytest.raises(IntegrityError, match=problem):
        parse_entry(payload)


def test_a_moment_becomes_utc_with_whole_seconds() -> None:
    berlin = timezone(timedelta(hours=2))
    moment = datetime(2026, 3, 1, 14, 0, 0, 999_999, tzinfo=berlin)
    assert timestamp(moment) == NOW
    assert timestamp(datetime(2026, 3, 1, 12, tzinfo=UTC)) == NOW


def test_a_moment_without_a_zone_is_refused() -> None:
    naive = datetime(2026, 3, 1, 12)  # noqa: DTZ001 - the point of the test
    with pytest.raises(UsageError, match="ambiguous"):
        timestamp(naive)


def test_a_payload_beyond_the_limit_is_no_entry() -> None:
    document = PLAIN.document() | {"data": {"x": "a" * (16 * 1024 * 1024)}}
    payload = rfc8785.dumps(document)
    for read in (parse_entry, read_entry):
        with pytest.raises(IntegrityError, match="larger than"):
            read(payload)
