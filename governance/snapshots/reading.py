"""Reading files that somebody hostile may have put there."""

import errno
import hashlib
import json
import math
import os
import re
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO

from governance.canonical import JSON, digest_of
from governance.errors import IntegrityError
from governance.text import safe

DOCUMENT_LIMIT = 48 * 1024 * 1024
"""Most bytes that are read of a document.

A thousand edits of an SDXL, each applied and approved alone, have proofs of 34 MB; the
other documents stay below 4 MB.
"""
MARKS_LIMIT = 2_500_000
"""Most commas, colons and opening brackets that are parsed; those proofs have 1.6
million. What a small file holds can be large: an empty object takes 30 times the bytes
it is written with."""
MANIFEST_LIMIT = 8 * 1024 * 1024
MANIFEST_MARKS_LIMIT = 500_000
"""The manifest's digest is computed before anything it says is believed. Of a thousand
edits of an SDXL it has 1.2 MB and 45 thousand marks."""
EDITS_MARKS_LIMIT = 1_000_000
POLICY_LIMIT = 1024 * 1024
POLICY_MARKS_LIMIT = 100_000
"""A policy that protects 10,000 names has 250 KB and 10 to 20 thousand marks."""
SUITE_LIMIT = 8 * 1024 * 1024
SUITE_MARKS_LIMIT = 200_000
"""The longest suite that loads has 1,000 checks."""
SIGNERS_LIMIT = 1024 * 1024
"""About 9,000 reviewers."""
_CHUNK = 1 << 20
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


def open_regular(path: Path) -> BinaryIO:
    """Open a regular file that is no link, without waiting on pipes.

    Raises:
        OSError: If it cannot be opened; ELOOP where it is a link or no file.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.ELOOP, "not a regular file", str(path))
    return os.fdopen(descriptor, "rb")


def read_limited(path: Path, shown: str, limit: int) -> bytes:
    """Read a whole small file.

    Args:
        path: The file.
        shown: How messages name it.
        limit: Most bytes that are read.

    Raises:
        IntegrityError: If it is missing, no regular file, unreadable or larger.
    """
    try:
        with open_regular(path) as file:
            data = file.read(limit + 1)
    except OSError as error:
        raise IntegrityError(f"{shown} cannot be read: {error.strerror}") from error
    if len(data) > limit:
        raise IntegrityError(f"{shown} is larger than {limit} bytes")
    return data


def read_document(
    folder: Path, path: str, most: int = MARKS_LIMIT
) -> Mapping[str, JSON]:
    """Read a JSON object of an export.

    Args:
        folder: The export.
        path: Relative path of the file.
        most: Most commas, colons and opening brackets.

    Raises:
        IntegrityError: If it cannot be read, or is none.
    """
    found = parse_json(read_limited(folder / path, path, DOCUMENT_LIMIT), path, most)
    if not isinstance(found, dict):
        raise IntegrityError(f"{path} is no object")
    return found


def refuse_crowded(data: bytes, shown: str, most: int, marks: bytes = b",:[{") -> None:
    """Refuse a document of more values than any export has, before it is parsed.

    Args:
        data: Bytes.
        shown: How messages name them.
        most: Most marks.
        marks: What stands before, or behind, every value.

    Raises:
        IntegrityError: If there are more.
    """
    found = sum(data.count(mark) for mark in marks)
    if found > most:
        raise IntegrityError(
            f"{shown} has {found} commas, colons and brackets: expected at most {most}"
        )


def parse_json(data: bytes, shown: str, most: int = MARKS_LIMIT) -> JSON:
    """Parse JSON that means the same to everybody who reads it.

    Args:
        data: Bytes.
        shown: How messages name them.
        most: Most commas, colons and opening brackets.

    Raises:
        IntegrityError: If it holds too many values, is no UTF-8 JSON, a key stands
            twice, a number is none, half a surrogate pair stands alone, or it is
            nested too deep.
    """
    refuse_crowded(data, shown, most)
    try:
        text = data.decode()
        found: JSON = json.loads(
            text,
            object_pairs_hook=_unique,
            parse_constant=_no_number,
            parse_float=_finite,
        )
        if _SURROGATE.search(text):
            # Half a pair is no character: it can be neither hashed nor shown.
            json.dumps(found, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        reason = str(error) if isinstance(error, _NotStrictError) else ""
        message = f"{shown} is no JSON with unique keys"
        raise IntegrityError(f"{message}: {reason}" if reason else message) from error
    return found


def digest_or_none(value: JSON) -> str | None:
    """Return a value's digest, or ``None`` where it has no canonical form."""
    try:
        return digest_of(value)
    except (ValueError, TypeError, RecursionError):
        # NaN, a lone surrogate, an integer beyond 2^53, a date, a bottomless list.
        return None


def hash_regular(path: Path) -> str:
    """Return the SHA-256 of a regular file that is no link.

    Raises:
        OSError: If it cannot be read.
    """
    with open_regular(path) as file:
        return hash_span(file, 0, None)


def hash_span(file: BinaryIO, start: int, end: int | None) -> str:
    """Return the SHA-256 of a part of a file.

    Args:
        file: An open file.
        start: First byte.
        end: One past the last byte; the file's end where ``None``.
    """
    file.seek(start)
    hasher = hashlib.sha256()
    left = _CHUNK if end is None else end - start
    while left > 0 and (piece := file.read(min(_CHUNK, left))):
        hasher.update(piece)
        left -= 0 if end is None else len(piece)
    return hasher.hexdigest()


class _NotStrictError(ValueError):
    """JSON that readers may take in different ways."""


def _unique(pairs: list[tuple[str, JSON]]) -> dict[str, JSON]:
    found: dict[str, JSON] = {}
    for key, value in pairs:
        if key in found:
            raise _NotStrictError(f"{safe(repr(key), 80)} stands twice")
        found[key] = value
    return found


def _no_number(name: str) -> JSON:
    raise _NotStrictError(f"{name} is no number")


def _finite(digits: str) -> float:
    value = float(digits)
    if not math.isfinite(value):
        raise _NotStrictError(f"{safe(digits, 40)} is too large")
    return value
