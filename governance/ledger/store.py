"""Objects by digest: what entries name, kept outside the database.

An object is durable before its digest is returned, and every read hashes it again.
The folder belongs to one user; a link in it is somebody's trick and never followed.
"""

import hashlib
import os
import re
import secrets
import stat
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from governance.canonical import sha256_hex
from governance.errors import IntegrityError, LedgerError, NotFoundError, UsageError
from governance.ledger.files import (
    copy_hashed,
    hash_rest,
    locked_folder,
    open_regular,
    sync_folder,
)

DEFAULT_MAX_BYTES = 8 * 1024**3
_DIGEST = re.compile(r"[0-9a-f]{64}", re.ASCII)
_TEMPORARY = "incoming"


@dataclass(frozen=True, slots=True)
class StoreProblem:
    """Something in the store that should not be as it is.

    Args:
        digest: The object, or the path of something that is none.
        problem: What is wrong.
    """

    digest: str
    problem: str


class ObjectStore:
    """A content-addressed store in a folder.

    Args:
        root: The folder; made, readable by its owner only, at the first put.
        max_bytes: Largest object.
    """

    def __init__(self, root: Path, max_bytes: int = DEFAULT_MAX_BYTES) -> None:
        self.root = root
        self.max_bytes = max_bytes

    def put_bytes(self, data: bytes) -> str:
        """Store bytes.

        Returns:
            Their digest; they are durable by then.

        Raises:
            UsageError: If they are too many.
            LedgerError: If they cannot be written.
        """
        if len(data) > self.max_bytes:
            message = f"an object of {len(data)} bytes is too large"
            raise UsageError(message, f"At most {self.max_bytes} bytes are stored.")
        digest = hashlib.sha256(data).hexdigest()

        def write(target: BinaryIO) -> str:
            target.write(data)
            return digest

        return digest if self._intact(digest) else self._write(write)

    def put_file(self, path: Path, *, max_bytes: int | None = None) -> str:
        """Store a copy of a regular file.

        Args:
            path: The file; a link is refused, resolve it first.
            max_bytes: Largest accepted size, if smaller than the store's.

        Returns:
            Its digest; the copy is durable by then.

        Raises:
            NotFoundError: If there is no such file.
            UsageError: If it is too large or no regular file.
            LedgerError: If it cannot be written.
        """
        limit = self.max_bytes if max_bytes is None else min(max_bytes, self.max_bytes)
        try:
            source = open_regular(path)
        except FileNotFoundError as error:
            message = f"there is no file {path}"
            raise NotFoundError(message) from error
        except OSError as error:
            message = f"{path} cannot be read: {error.strerror}"
            raise UsageError(message, "Give a regular file.") from error
        with source:
            return self._write(
                lambda target: copy_hashed(source, target, limit, str(path))
            )

    def put_written(self, write: Callable[[BinaryIO], None]) -> str:
        """Store what a function writes, too large to be held in memory.

        Args:
            write: Writes the content; whatever it raises leaves nothing behind.

        Returns:
            The content's digest; it is durable by then.

        Raises:
            UsageError: If it is too large.
            LedgerError: If it cannot be written.
        """

        def fill(target: BinaryIO) -> str:
            write(target)
            target.flush()
            if target.tell() > self.max_bytes:
                message = f"an object of {target.tell()} bytes is too large"
                raise UsageError(message, f"At most {self.max_bytes} bytes are stored.")
            target.seek(0)
            return hash_rest(target)

        return self._write(fill)

    def open(self, digest: str) -> BinaryIO:
        """Open an object whose content has just been hashed again.

        Args:
            digest: The object.

        Returns:
            The very file that was hashed, at its beginning; close it.

        Raises:
            NotFoundError: If the store has no such object.
            IntegrityError: If its content is another.
        """
        file = self._opened(digest)
        with ExitStack() as closing:
            closing.push(file)
            _compare(hash_rest(file), digest)
            file.seek(0)
            closing.pop_all()
        return file

    def get(self, digest: str) -> bytes:
        """Return an object's bytes, hashed again.

        Raises:
            NotFoundError: If the store has no such object.
            IntegrityError: If its content is another.
        """
        with self._opened(digest) as file:
            content = file.read()
        _compare(sha256_hex(content), digest)
        return content

    def _opened(self, digest: str) -> BinaryIO:
        try:
            return open_regular(self._place(digest))
        except FileNotFoundError as error:
            message = f"object {digest} is not in the store"
            raise NotFoundError(message, "Restore it from a backup.") from error
        except OSError as error:
            message = f"object {digest} cannot be read: {error.strerror}"
            raise IntegrityError(message, "Restore it from a backup.") from error

    def check(self, digest: str) -> None:
        """Hash an object again.

        Raises:
            NotFoundError: If the store has no such object.
            IntegrityError: If its content is another.
        """
        self.open(digest).close()

    def path(self, digest: str) -> Path:
        """Return where an object lies, having hashed it again.

        For libraries that insist on a path; :meth:`open` leaves no moment in between.

        Raises:
            NotFoundError: If the store has no such object.
            IntegrityError: If its content is another.
        """
        self.open(digest).close()
        return self._place(digest)

    def has(self, digest: str) -> bool:
        """Say whether an object is there, without hashing it."""
        try:
            return stat.S_ISREG(self._place(digest).lstat().st_mode)
        except FileNotFoundError:
            return False

    def size(self, digest: str) -> int:
        """Return an object's size in bytes.

        Raises:
            NotFoundError: If the store has no such object.
        """
        try:
            return self._place(digest).lstat().st_size
        except FileNotFoundError as error:
            message = f"object {digest} is not in the store"
            raise NotFoundError(message) from error

    def peek(self, digest: str) -> bytes:
        """Return an object's first byte, not hashed: to sort by, never to believe.

        Raises:
            NotFoundError: If the store has no such object.
            LedgerError: If it cannot be read.
        """
        try:
            with self._explained(), open_regular(self._place(digest)) as file:
                return file.read(1)
        except LedgerError as error:
            if isinstance(error.__cause__, FileNotFoundError):
                message = f"object {digest} is not in the store"
                raise NotFoundError(message) from error
            raise

    def digests(self) -> Iterator[str]:
        """Yield the digest of every object, sorted."""
        for path in self._files():
            if path.parent.name != _TEMPORARY:
                yield path.parent.name + path.name

    def remove(self, digest: str) -> None:
        """Remove an object that nothing names any more; it may be gone already.

        Raises:
            LedgerError: If the folder cannot be written.
        """
        place = self._place(digest)
        with self._explained():
            place.unlink(missing_ok=True)
            if place.parent.is_dir():
                sync_folder(place.parent)

    def remove_abandoned(self) -> int:
        """Remove what writers that were killed left behind.

        Returns:
            How many files were removed; none while somebody writes.

        Raises:
            LedgerError: If the folder cannot be written.
        """
        incoming = self.root / _TEMPORARY
        if not incoming.is_dir():
            return 0
        with self._explained(), locked_folder(incoming, alone=True) as alone:
            left = sorted(incoming.iterdir()) if alone else []
            for path in left:
                path.unlink(missing_ok=True)
        return len(left)

    def verify_all(self) -> Iterator[StoreProblem]:
        """Hash every object again and name what is not as it should be."""
        for path in self._files():
            if path.parent.name == _TEMPORARY:
                continue
            digest = path.parent.name + path.name
            if not _DIGEST.fullmatch(digest):
                yield StoreProblem(str(path), "is no object")
                continue
            try:
                self.open(digest).close()
            except (IntegrityError, NotFoundError) as error:
                yield StoreProblem(digest, error.message)

    def _files(self) -> Iterator[Path]:
        """Yield every path two levels down, sorted; links to folders stay closed."""
        if not self.root.is_dir():
            return
        for folder in sorted(self.root.iterdir()):
            if folder.is_symlink() or not folder.is_dir():
                yield folder
            else:
                yield from sorted(folder.iterdir())

    def _place(self, digest: str) -> Path:
        """Return where an object belongs.

        Raises:
            UsageError: If this is no digest, so that none becomes a path.
            IntegrityError: If its folder is a link.
        """
        if not _DIGEST.fullmatch(digest):
            message = f"no digest: expected 64 hex digits, found {digest[:80]!r}"
            raise UsageError(message)
        folder = self.root / digest[:2]
        if folder.is_symlink():
            message = f"{folder} is a link: the store holds folders only"
            raise IntegrityError(message, "Restore the store from a backup.")
        return folder / digest[2:]

    def _intact(self, digest: str) -> bool:
        """Say whether an object is there and unchanged."""
        try:
            self.open(digest).close()
        except (NotFoundError, IntegrityError):
            return False
        return True

    def _write(self, fill: Callable[[BinaryIO], str]) -> str:
        """Write an object under a temporary name and move it to its digest.

        Args:
            fill: Writes the content and returns its digest.
        """
        incoming = self.root / _TEMPORARY
        with self._explained():
            incoming.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.root.chmod(0o700)
            with locked_folder(incoming, alone=False):
                return self._move_in(incoming / secrets.token_hex(16), fill)

    def _move_in(self, temporary: Path, fill: Callable[[BinaryIO], str]) -> str:
        """Write a temporary file, durably, and give it its digest's name."""
        descriptor = os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600)
        try:
            with os.fdopen(descriptor, "w+b") as target:
                digest = fill(target)
                target.flush()
                os.fsync(target.fileno())
            place = self._place(digest)
            place.parent.mkdir(mode=0o700, exist_ok=True)
            # Replaces what is there: the same content, or a damaged copy of it.
            temporary.replace(place)
            sync_folder(place.parent)
            sync_folder(self.root)
        finally:
            temporary.unlink(missing_ok=True)
        return digest

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Say what is wrong with the disk in words.

        Raises:
            LedgerError: If something cannot be written.
        """
        try:
            yield
        except OSError as error:
            message = (
                f"the object store {self.root} cannot be written: {error.strerror}"
            )
            raise LedgerError(message, "Check the disk and its permissions.") from error


def _compare(found: str, digest: str) -> None:
    if found != digest:
        message = f"object {digest} was changed: its content is {found}"
        raise IntegrityError(message, "Restore it from a backup.")
