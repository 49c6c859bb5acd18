"""One way to bytes and one way to digests."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import TypeAlias, Union

import rfc8785

JSON: TypeAlias = Union[
    bool, int, float, str, "Sequence[JSON]", "Mapping[str, JSON]", None
]


def canonical_bytes(value: JSON) -> bytes:
    """Encode a JSON value as RFC 8785 canonical JSON.

    Args:
        value: Any JSON value; integers outside +-2^53 and NaN are refused by RFC 8785.

    Returns:
        UTF-8 bytes that are equal exactly when the values are equal.
    """
    return rfc8785.dumps(value)


def sha256_hex(data: bytes) -> str:
    """Return the SHA-256 of ``data`` as 64 lower-case hex digits."""
    return hashlib.sha256(data).hexdigest()


def digest_of(value: JSON) -> str:
    """Return the SHA-256 of a value's canonical JSON as hex."""
    return sha256_hex(canonical_bytes(value))
