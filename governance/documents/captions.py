"""A file of captions, one to a line, streamed: it may be larger than memory."""

import hashlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NoReturn

from governance.errors import NotFoundError, RequestError
from governance.text import safe

LINE_BYTES = 16 * 1024
FILE_BYTES = 16 * 1024**3


class Captions:
    """Lines of UTF-8 text; blank ones are left out.

    A caption is read by a tokenizer and by nothing else: it is never printed, made a
    path or kept, so that it may hold whatever people write; who measures leaves out
    what is no text.

    Args:
        path: The file; a link is followed, a pipe refused.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._name = safe(path.name, 200)
        self._hasher = hashlib.sha256()
        self.lines = 0
        """Lines read so far, blank ones too."""
        self.bytes_read = 0
        """Bytes read so far."""
        self.size = 0
        """Bytes in all, once reading has begun."""

    @property
    def digest(self) -> str:
        """SHA-256 of what was read: of the file, once all of it was."""
        return self._hasher.hexdigest()

    def __iter__(self) -> Iterator[str]:
        """Yield captions.

        Raises:
            NotFoundError: There is no such file.
            RequestError: It is unreadable, too large, not UTF-8 or has an endless line.
        """
        self._hasher = hashlib.sha256()
        self.lines = self.bytes_read = 0
        with self._opened() as stream:
            while line := stream.readline(LINE_BYTES + 1):
                self.lines += 1
                self.bytes_read += len(line)
                if len(line) > LINE_BYTES:
                    self._refuse(
                        f"expected at most {LINE_BYTES:,} bytes a line, found more",
                        "Put each caption on a line of its own.",
                    )
                self._hasher.update(line)
                caption = self._decoded(line).strip()
                if caption:
                    yield caption

    def _opened(self) -> BinaryIO:
        try:
            # Without blocking, a named pipe cannot hold the program for ever.
            descriptor = os.open(self._path, os.O_RDONLY | os.O_NONBLOCK)
        except FileNotFoundError:
            raise NotFoundError(
                f"captions {safe(str(self._path), 300)}: no such file",
                "Check the path.",
            ) from None
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else str(error)
            raise RequestError(
                f"captions cannot be read: {reason}", file=self._name
            ) from None
        found = os.fstat(descriptor)
        self.size = found.st_size
        if not stat.S_ISREG(found.st_mode) or found.st_size > FILE_BYTES:
            os.close(descriptor)
            raise RequestError(
                f"expected a regular file of at most {FILE_BYTES:,} bytes",
                "Name a text file with one caption on each line.",
                file=self._name,
            )
        return os.fdopen(descriptor, "rb")

    def _decoded(self, line: bytes) -> str:
        try:
            return line.decode("utf-8-sig" if self.lines == 1 else "utf-8")
        except UnicodeDecodeError as error:
            self._refuse(
                f"expected UTF-8 text, found byte 0x{line[error.start]:02x}",
                "Save the file as UTF-8.",
            )

    def _refuse(self, message: str, hint: str) -> NoReturn:
        raise RequestError(message, hint, file=self._name, line=self.lines)
