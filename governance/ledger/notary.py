"""The ledger's own key, and the checkpoint file beside the database."""

import base64
import binascii
import fcntl
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property, lru_cache, partial
from pathlib import Path
from typing import Self

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from governance.documents.plain_file import open_plain
from governance.domain.signoff import Head
from governance.errors import IntegrityError, LedgerError, NotFoundError, UsageError
from governance.ledger.checkpoint import checkpoint_text, open_checkpoint
from governance.ledger.note import NoteKey, check_name, sign_note

PRIVATE, PUBLIC, CHECKPOINT = "ledger.key", "ledger.pub", "checkpoint"
_PREFIX = "PRIVATE+KEY+"
_OTHERS = 0o077
_MAX_BYTES = 65_536
_REMEMBERED = 2
_LOST = (
    "Put it back from where you keep it, mode 0600. Whoever only reads, such as an "
    "auditor, needs none and gives --readonly."
)


@dataclass(frozen=True)
class Notary:
    """Signs the head after every append and keeps the newest one in a file.

    Args:
        folder: Where key and checkpoint lie, usually beside the database.
        origin: Name of the ledger, also the name of its key.
        key: The private key.
    """

    folder: Path
    origin: str
    key: Ed25519PrivateKey

    @classmethod
    def create(cls, folder: Path, origin: str) -> Self:
        """Make a ledger's key.

        Args:
            folder: Where it goes: ``ledger.key`` (readable by its owner only) and
                ``ledger.pub`` (PEM, for openssl).
            origin: Name of the ledger.

        Raises:
            UsageError: If the origin cannot be a name.
            LedgerError: If there is a key already, or the folder cannot be written.
        """
        notary = cls(folder, check_name(origin), Ed25519PrivateKey.generate())
        raw = base64.b64encode(b"\x01" + notary.key.private_bytes_raw())
        identifier = notary.public.identifier.hex()
        secret = f"{_PREFIX}{origin}+{identifier}+{raw.decode('ascii')}\n"
        pem = notary.public_pem()
        for name, content, mode in (
            (PRIVATE, secret.encode(), 0o600),
            (PUBLIC, pem, 0o644),
        ):
            try:
                flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY
                descriptor = os.open(folder / name, flags, mode)
                with os.fdopen(descriptor, "wb") as file:
                    file.write(content)
                    file.flush()
                    os.fsync(file.fileno())
            except OSError as error:
                message = f"the ledger key {folder / name}: {error.strerror}"
                raise LedgerError(message, "Keep the key that is there.") from error
        return notary

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Read a ledger's key.

        Args:
            folder: Where :meth:`create` wrote it.

        Raises:
            NotFoundError: If there is none.
            UsageError: If others can read it.
            IntegrityError: If it is damaged.
        """
        path = folder / PRIVATE
        try:
            with open_plain(path) as file:
                mode = os.fstat(file.fileno()).st_mode
                text = file.read(_MAX_BYTES).decode("utf-8", "replace").strip()
        except FileNotFoundError as error:
            message = f"there is no ledger key {path}"
            raise NotFoundError(message, _LOST) from error
        if mode & _OTHERS:
            message = (
                f"the ledger key {path} can be read by others: expected mode 0600, "
                f"found {stat.S_IMODE(mode):04o}"
            )
            raise UsageError(message, f"Run: chmod 600 {path}")
        origin, _, rest = text.removeprefix(_PREFIX).partition("+")
        identifier, _, encoded = rest.partition("+")
        try:
            raw = base64.b64decode(encoded, validate=True)
            key = Ed25519PrivateKey.from_private_bytes(raw[1:])
            notary = cls(folder, check_name(origin), key)
        except (binascii.Error, ValueError, UsageError) as error:
            message = f"the ledger key {path} is damaged"
            raise IntegrityError(message, "Restore it from a backup.") from error
        if notary.public.identifier.hex() != identifier:
            message = f"the ledger key {path} does not fit its identifier"
            raise IntegrityError(message, "Restore it from a backup.")
        return notary

    @cached_property
    def public(self) -> NoteKey:
        """The key that checks what this one signed."""
        return NoteKey(self.origin, self.key.public_key())

    @cached_property
    def file(self) -> Path:
        """Where the newest checkpoint is."""
        return self.folder / CHECKPOINT

    def public_pem(self) -> bytes:
        """Return the public key as openssl reads it."""
        public = self.key.public_key()
        return public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)

    def sign(self, head: Head) -> str:
        """Return the checkpoint of a head.

        Args:
            head: The head, as recomputed or just made.
        """
        return sign_note(checkpoint_text(self.origin, head), self.origin, self.key)

    def kept(self) -> Head | None:
        """Return the head in the checkpoint file, ``None`` where there is no file.

        Raises:
            IntegrityError: If it is damaged or not signed by this key.
        """
        try:
            with open_plain(self.file) as file:
                note = file.read(_MAX_BYTES).decode("utf-8", "replace")
        except FileNotFoundError:
            return None
        except OSError as error:
            message = f"{self.file} cannot be read: {error.strerror}"
            raise IntegrityError(message, "Put the checkpoint's file back.") from error
        try:
            return self._open(note)
        except IntegrityError as error:
            message = f"{self.file}: {error.message}"
            raise IntegrityError(message, error.hint) from error

    def keep(self, note: str) -> None:
        """Put a checkpoint into the file, unless a newer one is there.

        Called after the entries are committed: a file ahead of its database would
        look like a log somebody cut.

        Args:
            note: A checkpoint this notary signed.

        Raises:
            LedgerError: If it cannot be written; the entries are there all the same.
            IntegrityError: If the file there was tampered with.
        """
        head = self._open(note)
        try:
            with self._alone():
                before = self.kept()
                if before is None or before.size < head.size:
                    self._replace(self.file, note.encode(), 0o600)
        except OSError as error:
            message = (
                f"the entries were appended, but the checkpoint {self.file} cannot be "
                f"written: {error.strerror}"
            )
            raise LedgerError(
                message, "Make room; the next append writes it."
            ) from error

    @cached_property
    def _open(self) -> Callable[[str], Head]:
        """Open a checkpoint; the very text that was checked last is not checked again.

        An append meets one three times: read before it, made by it, read to replace it.
        """
        return lru_cache(maxsize=_REMEMBERED)(partial(open_checkpoint, key=self.public))

    def finish_public(self) -> None:
        """Write ``ledger.pub`` where it is not there: it follows from the key.

        Raises:
            LedgerError: If it cannot be written.
        """
        path = self.folder / PUBLIC
        if os.path.lexists(path):
            return
        try:
            with self._alone():
                self._replace(path, self.public_pem(), 0o644)
        except OSError as error:
            message = f"{path} cannot be written: {error.strerror}"
            raise LedgerError(message, "Make room.") from error

    def _replace(self, path: Path, content: bytes, mode: int) -> None:
        """Write a file anew; what a killed process left of that goes first."""
        temporary = path.with_name(f".{path.name}-new")
        temporary.unlink(missing_ok=True)
        flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY
        try:
            with os.fdopen(os.open(temporary, flags, mode), "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        except OSError:
            temporary.unlink(missing_ok=True)
            raise

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Keep other processes from replacing the file at the same moment."""
        descriptor = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
