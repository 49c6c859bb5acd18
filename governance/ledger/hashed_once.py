"""A store read many times in one go, such as by an audit."""

from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from governance.ledger.files import open_regular
from governance.ledger.store import ObjectStore


class HashedOnce(ObjectStore):
    """An object store that hashes an object when it is first opened, not again.

    For the length of one audit: entries cite the same weights many times over.

    Args:
        root: Its folder.
    """

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self._hashed: set[str] = set()

    def open(self, digest: str) -> BinaryIO:
        """Open an object that was hashed in this audit.

        Raises:
            NotFoundError: If the store has no such object.
            IntegrityError: If its content is another.
        """
        if digest in self._hashed:
            with suppress(OSError):
                return open_regular(self._place(digest))
        file = super().open(digest)
        self._hashed.add(digest)
        return file
