"""One way to bytes and one way to digests."""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from typing import TypeAlias, Union

import orjson
import rfc8785

JSON: TypeAlias = Union[
    bool, int, float, str, "Sequence[JSON]", "Mapping[str, JSON]", None
]

# Numbers that encoders write in several ways, as they stand in compact JSON: integers
# beyond 2^53, whole floats, and exponents other than those of RFC 8785 below 1e-6.
_ODD_NUMBER = re.compile(
    rb"[:,\[]-?[0-9]+"
    rb"(?:(?<=[0-9]{16})|\.0[,\]}]|(?:\.[0-9]+)?(?:E|e(?!-(?:[7-9]|[1-9][0-9]))))"
)
# Most entries hold none of these. Without digits, signs and points an exponent stands
# right behind what comes before a number; integers beyond 2^53 are refused anyway.
_NO_DIGITS = b"0123456789-."
_BEFORE_NUMBERS = bytes.maketrans(b",[E", b"::e")
_EXPONENT = b":e"
_WHOLE_FLOAT = re.compile(rb"\.0[,\]}]")
_STRICT = (
    orjson.OPT_SORT_KEYS
    | orjson.OPT_STRICT_INTEGER
    | orjson.OPT_PASSTHROUGH_DATACLASS
    | orjson.OPT_PASSTHROUGH_DATETIME
    | orjson.OPT_PASSTHROUGH_SUBCLASS
)
_PLAIN = json.JSONEncoder(
    ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False
)


def canonical_bytes(value: JSON) -> bytes:
    """Encode a JSON value as RFC 8785 canonical JSON.

    Args:
        value: Any JSON value; integers outside +-2^53 and NaN are refused by RFC 8785.

    Returns:
        UTF-8 bytes that are equal exactly when the values are equal.
    """
    # An encoder in C writes ASCII without odd numbers as RFC 8785 does, in a tenth of
    # the time. It writes NaN as null; where one is found, another looks that refuses it.
    try:
        quick = orjson.dumps(value, option=_STRICT)
        if _unambiguous(quick) and (
            b"null" not in quick or _PLAIN.encode(value).encode() == quick
        ):
            return quick
    except (TypeError, ValueError, RecursionError):
        pass
    return rfc8785.dumps(value)


def decoded_if_plain(data: bytes) -> JSON:
    """Decode bytes of canonical JSON, where telling that they are takes no time.

    Args:
        data: Any bytes.

    Returns:
        What they say; ``None`` where they are not canonical, or hold what one encoder
        writes otherwise than another, so that somebody slower has to look.
    """
    if not _unambiguous(data):
        return None
    try:
        value: JSON = orjson.loads(data)
        return value if orjson.dumps(value, option=_STRICT) == data else None
    except (TypeError, ValueError):
        return None


def decoded(data: bytes) -> JSON:
    """Decode JSON whose form somebody else checks, as fast as can be.

    Raises:
        ValueError: It is no JSON.
    """
    value: JSON = orjson.loads(data)
    return value


def _unambiguous(data: bytes) -> bool:
    """Say whether compact JSON holds only what every encoder writes alike."""
    if data[:1] not in (b"{", b"[") or not data.isascii():
        return False
    skimmed = data.translate(_BEFORE_NUMBERS, _NO_DIGITS)
    if _EXPONENT not in skimmed and _WHOLE_FLOAT.search(data) is None:
        return True
    return _ODD_NUMBER.search(data) is None


def sha256_hex(data: bytes) -> str:
    """Return the SHA-256 of ``data`` as 64 lower-case hex digits."""
    return hashlib.sha256(data).hexdigest()


def digest_of(value: JSON) -> str:
    """Return the SHA-256 of a value's canonical JSON as hex."""
    return sha256_hex(canonical_bytes(value))
