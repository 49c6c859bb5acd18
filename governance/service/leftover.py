"""What killed actions stored and nobody recorded: objects that no entry names.

An entry names an object by its digest, or by saying what it holds, as it does with
statements and signatures; and what a named document speaks of is named too. Whatever
could be a digest counts as one: in doubt an object stays.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import BinaryIO

from governance.canonical import JSON, canonical_bytes, sha256_hex
from governance.ledger.entry import Entry
from governance.ledger.store import ObjectStore

_DIGEST = re.compile(rb"[0-9a-f]{64}")
_DOCUMENT = (b"{", b"[")
_CHUNK = 1024 * 1024
# A digest may lie across two chunks.
_OVERLAP = 63
# Documents of these are read for what they name, so that they have to be there.
_LEADING = ("base", "candidate", "evidence", "parent", "snapshot")


class Leftover:
    """Objects that no entry seen so far names.

    Args:
        store: The objects; nobody stores any meanwhile.
    """

    def __init__(self, store: ObjectStore) -> None:
        self._store = store
        self._left = {name for name in store.digests() if _is_digest(name)}
        self.size = 0

    def see(self, entries: Iterable[Entry]) -> None:
        """Take out whatever some entries name.

        Args:
            entries: The entries; every one must have been seen at last.

        Raises:
            NotFoundError: A document they lead to is missing, so that nobody knows
                what it names.
            IntegrityError: A document changed on disk.
        """
        for entry in entries:
            self.size = entry.sequence
            self._left.difference_update(_said(entry.data))
            for name in _LEADING:
                digest = entry.data.get(name)
                if isinstance(digest, str) and _is_digest(digest):
                    self._store.size(digest)
            for digest in self._take(_spoken(entry.payload)):
                self._follow(digest)

    def sizes(self) -> dict[str, int]:
        """Return the bytes of every object that is left."""
        return {digest: self._store.size(digest) for digest in sorted(self._left)}

    def _take(self, digests: Iterable[str]) -> list[str]:
        """Take out objects; return those that were not taken out before."""
        found = [digest for digest in set(digests) if digest in self._left]
        self._left.difference_update(found)
        return found

    def _follow(self, named: str) -> None:
        """Take out what an object speaks of, and what that speaks of.

        What an entry names is hashed before it is read; what lies deeper, only where
        it looks like a document: tensors and images speak of nothing.
        """
        due = [named]
        while due:
            with self._store.open(due.pop()) as file:
                found = self._take(_in_document(file))
            due += [one for one in found if self._store.peek(one) in _DOCUMENT]


def _is_digest(text: str) -> bool:
    return _DIGEST.fullmatch(text.encode()) is not None


def _spoken(content: bytes) -> Iterator[str]:
    return (digest.decode() for digest in _DIGEST.findall(content))


def _in_document(file: BinaryIO) -> Iterator[str]:
    """Yield every digest that a document speaks of; tensors speak of none."""
    chunk = file.read(_CHUNK)
    if chunk[:1] not in _DOCUMENT:
        return
    while chunk:
        yield from _spoken(chunk)
        more = file.read(_CHUNK)
        chunk = chunk[-_OVERLAP:] + more if more else b""


def _said(value: JSON) -> Iterator[str]:
    """Yield the digest of every text and document that a value holds."""
    match value:
        case str():
            yield hashlib.sha256(value.encode()).hexdigest()
        case Mapping():
            yield sha256_hex(canonical_bytes(value))
            for item in value.values():
                yield from _said(item)
        case list() | tuple():
            for item in value:
                yield from _said(item)
        case _:
            return
