"""Write a fold as a mark."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from governance.domain.persistent import PersistentMap
from governance.service.book import Book
from governance.service.mark_file import CHUNK, KeptMap
from governance.service.mark_records import KINDS, SHAPE, Kind, small_part, written

Place = tuple[int, int, str]
"""Offset, length, digest."""


@dataclass
class Body:
    """What has been written of a body.

    Args:
        write: Takes its bytes.
        offset: How many there were.
    """

    write: Callable[[bytes], object]
    offset: int = 0

    def add(self, content: bytes) -> Place:
        """Write a part and say where it lies."""
        self.write(content)
        start, self.offset = self.offset, self.offset + len(content)
        return start, len(content), sha256(content).hexdigest()


def write_body(book: Book, write: Callable[[bytes], object]) -> bytes:
    """Write a fold's body.

    The same book gives the same bytes, however it was folded.

    Args:
        book: The fold.
        write: Takes the body's bytes.

    Returns:
        The header that belongs to it.
    """
    body = Body(write)
    maps = {kind.name: _written_map(body, _map(book, kind)) for kind in KINDS}
    state = body.add(written(small_part(book.state)))
    header = {"shape": SHAPE, "state": state, "maps": maps}
    return json.dumps(header, sort_keys=True, separators=(",", ":")).encode("ascii")


def _map(book: Book, kind: Kind) -> Mapping[Any, object]:
    holder = book if kind.name == "snapshots" else book.state
    found: Mapping[Any, object] = getattr(holder, kind.name)
    return found


def _written_map(body: Body, held: Mapping[Any, object]) -> dict[str, object]:
    """Write one mapping: its chunks, then its keys."""
    keys = list(held)
    ready = _unchanged(held)
    chunks = [
        body.add(ready(index) or written([held[key] for key in keys[at : at + CHUNK]]))
        for index, at in enumerate(range(0, len(keys), CHUNK))
    ]
    return {"count": len(keys), "chunks": chunks, "keys": body.add(written(keys))}


def _unchanged(held: Mapping[Any, object]) -> Callable[[int], bytes]:
    """Return what gives a chunk of the mark before, where nothing in it changed."""
    base = held.base if isinstance(held, PersistentMap) else None
    if not isinstance(base, KeptMap) or not isinstance(held, PersistentMap):
        return lambda _: b""
    changed = {
        base.places[key] // CHUNK
        for layer in held.layers
        for key in layer
        if key in base.places
    }
    whole = len(base) // CHUNK
    return lambda index: (
        base.chunk(index) if index < whole and index not in changed else b""
    )
