"""A fold kept in a file: written in one go, read one part at a time.

Body, header, note, trailer. The note is signed with the ledger's key over the log's
head and the header's digest; the header names the digest of every part of the body.
So nothing of the file is believed before it was hashed, and little of it is read.
"""

import json
import os
import stat
import weakref
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeVar

from governance.domain.signoff import Head
from governance.errors import IntegrityError
from governance.ledger.note import NoteKey, open_note
from governance.service.mark_records import Kind

MARK_FORMAT = "governance/mark/v1"
CHUNK = 64
"""Records that are read, hashed and decoded together."""
MOST_CHUNKS = 256
"""Chunks kept in memory, about 150 MB of edits; who reads more reads them again."""
TRAILER = 32
_MAX_NOTE = 4096
Record = TypeVar("Record")
Key = TypeVar("Key")


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a mark's body.

    Args:
        offset: Where it begins.
        length: Its bytes.
        digest: Their SHA-256, hex.
    """

    offset: int
    length: int
    digest: str


def note_text(origin: str, head: Head, header: str) -> str:
    """Return what a mark's signature is over; no checkpoint reads like it.

    Args:
        origin: Name of the ledger.
        head: Head the fold was made at.
        header: Digest of the mark's header.
    """
    return f"{MARK_FORMAT}\n{origin}\n{head.size}\n{head.root}\n{header}\n"


class MarkFile:
    """An open mark.

    Args:
        path: Its file.
        key: The key of the ledger it must be of.

    Raises:
        FileNotFoundError: There is none.
        IntegrityError: That key did not sign it, or it was changed since.
    """

    def __init__(self, path: Path, key: NoteKey) -> None:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        # Kept open: a newer mark that takes its name does not disturb a reader.
        weakref.finalize(self, os.close, descriptor)
        self._descriptor = descriptor
        self.path = path
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise IntegrityError(f"{path} is no regular file", "Remove it.")
        header_length, note_length = self._lengths()
        end = os.fstat(descriptor).st_size - TRAILER - note_length
        note = self._read(end, note_length).decode("utf-8", "replace")
        lines = self._opened(note, key).split("\n")
        header = self._read(end - header_length, header_length)
        self.digest = sha256(header).hexdigest()
        if len(lines) != 6 or lines[:2] != [MARK_FORMAT, key.name]:
            raise self._bad("its note is no mark of this ledger")
        if lines[4] != self.digest:
            raise self._bad("its header is not what was signed")
        self.head = Head(int(lines[2]), lines[3])
        self.header: dict[str, Any] = json.loads(header)

    def part(self, part: Part) -> Any:  # noqa: ANN401 - JSON of a signed mark
        """Return a part's JSON.

        Raises:
            IntegrityError: It was changed.
        """
        return json.loads(self.content(part))

    def content(self, part: Part) -> bytes:
        """Return a part's bytes, hashed.

        Raises:
            IntegrityError: They were changed.
        """
        found = self._read(part.offset, part.length)
        if sha256(found).hexdigest() != part.digest:
            raise self._bad("a part of it was changed")
        return found

    def check(self) -> None:
        """Hash every part.

        Raises:
            IntegrityError: One of them was changed.
        """
        parts = [self.header["state"]]
        for kept in self.header["maps"].values():
            parts += [kept["keys"], *kept["chunks"]]
        for part in parts:
            self.content(Part(*part))

    def _opened(self, note: str, key: NoteKey) -> str:
        try:
            return open_note(note, key)
        except IntegrityError as error:
            raise self._bad(error.message) from error

    def _lengths(self) -> tuple[int, int]:
        """Return how long header and note are."""
        size = os.fstat(self._descriptor).st_size
        words = self._read(max(size - TRAILER, 0), TRAILER).split()
        if len(words) != 2 or not all(word.isdigit() for word in words):
            raise self._bad("it does not end as a mark does")
        header, note = (int(word) for word in words)
        if note > _MAX_NOTE or header + note + TRAILER > size:
            raise self._bad("its lengths do not fit")
        return header, note

    def _read(self, offset: int, length: int) -> bytes:
        found = b""
        while len(found) < length:
            more = os.pread(self._descriptor, length - len(found), offset + len(found))
            if not more:
                break
            found += more
        return found

    def _bad(self, problem: str) -> IntegrityError:
        return IntegrityError(
            f"{self.path}: {problem}",
            "Run `governance ledger verify`; then remove the file, it is made anew.",
        )


class KeptMap(Mapping[Key, Record]):
    """A long mapping in a mark, read chunk by chunk.

    Args:
        file: The mark.
        kind: What it holds.
    """

    def __init__(self, file: MarkFile, kind: Kind) -> None:
        kept = file.header["maps"][kind.name]
        self._file, self._kind = file, kind
        self._count: int = kept["count"]
        self._keys = Part(*kept["keys"])
        self._chunks = [Part(*item) for item in kept["chunks"]]
        self._read: dict[int, list[Record]] = {}
        self._placed: dict[Key, int] | None = None

    @property
    def places(self) -> dict[Key, int]:
        """Key to place, in order."""
        if self._placed is None:
            found = map(self._kind.key, self._file.part(self._keys))
            self._placed = {key: place for place, key in enumerate(found)}
        return self._placed

    def __getitem__(self, key: Key) -> Record:
        """Return one record; its chunk is read, hashed and kept."""
        place = self.places[key]
        index = place // CHUNK
        found = self._read.get(index)
        if found is None:
            found = [
                self._kind.read(item) for item in self._file.part(self._chunks[index])
            ]
            if len(self._read) >= MOST_CHUNKS:
                self._read.clear()
            self._read[index] = found
        return found[place % CHUNK]

    def __contains__(self, key: object) -> bool:
        """Say whether a key is there, reading no record."""
        return bool(self._count) and key in self.places

    def __iter__(self) -> Iterator[Key]:
        """Yield the keys in order."""
        return iter(self.places if self._count else ())

    def __len__(self) -> int:
        """Return how many records there are."""
        return self._count

    def chunk(self, index: int) -> bytes:
        """Return a chunk as it stands, hashed."""
        return self._file.content(self._chunks[index])
