"""Files that hold a key: nothing of them is shown, stored or guessed at."""

import re

_KEY = re.compile(
    rb"-----BEGIN |PRIVATE\+KEY\+|PuTTY-User-Key-File-|AGE-SECRET-KEY-", re.IGNORECASE
)
KEY_FOUND = "found a key or certificate, of which nothing is shown"
KEY_HINT = "Check the path; keep private keys away from files that are read or stored."


def holds_key(data: bytes) -> bool:
    """Say whether data looks like a key file, however it begins.

    Args:
        data: A file's bytes.
    """
    return _KEY.search(data) is not None
