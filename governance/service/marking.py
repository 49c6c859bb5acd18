"""The mark: a fold kept beside the database, so that opening need not fold again.

It is never authority. A mark is taken up only where the ledger's own key signed it and
the log still has the head it was made at; any other is left aside and everything is
folded from the entries. ``ledger verify`` folds everything anyway and compares.
"""

import fcntl
import os
from pathlib import Path

from governance.canonical import sha256_hex
from governance.domain.persistent import PersistentMap
from governance.domain.signoff import Head
from governance.errors import GovernanceError
from governance.ledger.files import sync_folder
from governance.ledger.log import Ledger
from governance.ledger.notary import Notary
from governance.ledger.note import sign_note
from governance.service.book import Book
from governance.service.ledger_key import recorded_key
from governance.service.mark_file import TRAILER, KeptMap, MarkFile, Part, note_text
from governance.service.mark_records import (
    CANDIDATES,
    EDITS,
    SHAPE,
    SNAPSHOTS,
    read_state,
)
from governance.service.mark_writing import write_body

STEP = 1000
"""Entries folded since the last mark that make a new one worth writing."""


class Marks:
    """The mark of one ledger.

    Args:
        path: Its file.
        ledger: The ledger.
        readonly: Whether none may be written.
    """

    def __init__(self, path: Path, ledger: Ledger, *, readonly: bool) -> None:
        self.path = path
        self.refused = ""
        self._ledger = ledger
        self._readonly = readonly
        self._size = 0

    def found(self) -> MarkFile | None:
        """Return the mark, ``None`` where there is none of this program's.

        Raises:
            IntegrityError: It is not this ledger's, or not of this log.
            OSError: It cannot be read, or went away meanwhile.
        """
        if not os.path.lexists(self.path):
            return None
        file = MarkFile(self.path, recorded_key(self._ledger))
        return file if file.header["shape"] == SHAPE else None

    def resume(self) -> Book:
        """Return the fold to go on from; an empty one where no mark can be believed.

        A mark that was refused stays where it is, for ``ledger verify`` to name.
        """
        try:
            file = self.found()
            if file is None:
                return Book()
            if self._ledger.head_at(file.head.size) != file.head:
                self.refused = f"{self.path}: the log has another head than it names"
                return Book()
            state = read_state(
                {
                    **file.part(Part(*file.header["state"])),
                    "edits": PersistentMap(KeptMap(file, EDITS)),
                    "candidates": PersistentMap(KeptMap(file, CANDIDATES)),
                }
            )
        except GovernanceError as error:
            self.refused = error.message
        except OSError as error:
            self.refused = f"{self.path} cannot be read: {error.strerror}"
        else:
            self._size = file.head.size
            return Book(state, PersistentMap(KeptMap(file, SNAPSHOTS)))
        return Book()

    def keep(self, book: Book) -> None:
        """Write a new mark, if enough was folded since the last.

        It is only a shortcut: where it cannot be written, the next program folds.

        Args:
            book: The fold of everything up to its size.
        """
        notary, size = self._ledger.notary, book.state.size
        if self._readonly or self.refused or size - self._size < STEP:
            return
        if notary is None or notary.public.text != recorded_key(self._ledger).text:
            return
        self._size = size
        try:
            self._replace(book, notary, self._ledger.head_at(size))
        except OSError:
            # No room, or no right to write here: nothing depends on a mark.
            return

    def _replace(self, book: Book, notary: Notary, head: Head) -> None:
        """Write beside the mark and take its name, unless somebody else is at it."""
        temporary = self.path.with_name(f".{self.path.name}-new")
        flags = os.O_CREAT | os.O_RDWR | os.O_NOFOLLOW
        with os.fdopen(os.open(temporary, flags, 0o600), "r+b") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return
            # Between opening and locking, another may have given this file its name.
            if not _is_still(file.fileno(), temporary):
                return
            file.truncate(0)
            header = write_body(book, file.write)
            note = _signed(notary, head, header)
            file.write(header + note + _trailer(header, note))
            file.flush()
            os.fsync(file.fileno())
            temporary.replace(self.path)
            sync_folder(self.path.parent)

    def at(self) -> int:
        """Return after how many entries the mark was made; 0 where none can be read."""
        try:
            file = self.found()
        except (GovernanceError, OSError):
            # What is wrong with it, :meth:`excess` says.
            return 0
        return 0 if file is None else file.head.size

    def excess(self, size: int) -> str:
        """Say why the mark cannot be of a log, if it cannot.

        Args:
            size: How many entries the log has.
        """
        try:
            file = self.found()
        except GovernanceError as error:
            return error.message
        except OSError as error:
            return f"{self.path} cannot be read: {error.strerror}"
        if file is None or file.head.size <= size:
            return ""
        return (
            f"{self.path} was made for {file.head.size} entries, the ledger has {size}"
        )

    def problem(self, book: Book, head: Head) -> str:
        """Compare the mark with the fold of the same entries.

        Args:
            book: All entries up to the mark's size, folded from the first.
            head: The verified head at that size.

        Returns:
            What differs; empty where nothing does.
        """
        try:
            file = self.found()
            if file is not None:
                file.check()
        except GovernanceError as error:
            return error.message
        except OSError as error:
            return f"{self.path} cannot be read: {error.strerror}"
        if file is None or file.head.size != head.size:
            # Replaced by a newer one meanwhile: that one is the next verify's.
            return ""
        if file.head != head:
            return f"{self.path}: the log has another head than it names"
        if file.digest != folded_digest(book):
            return f"{self.path} is not what the first {head.size} entries fold to"
        return ""


def folded_digest(book: Book) -> str:
    """Return the digest of the header a mark of this fold has."""
    return sha256_hex(write_body(book, len))


def _is_still(descriptor: int, path: Path) -> bool:
    """Say whether a path still names an open file."""
    try:
        return os.path.samestat(os.fstat(descriptor), path.lstat())
    except FileNotFoundError:
        return False


def _signed(notary: Notary, head: Head, header: bytes) -> bytes:
    text = note_text(notary.origin, head, sha256_hex(header))
    return sign_note(text, notary.origin, notary.key).encode()


def _trailer(header: bytes, note: bytes) -> bytes:
    return f"{len(header):015d} {len(note):015d}\n".encode().rjust(TRAILER)
