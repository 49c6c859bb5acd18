"""A store read many times in one go, such as by an audit."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

from governance.ledger.files import open_regular
from governance.ledger.store import ObjectStore

_MAX_KEPT = 512
Made = TypeVar("Made")


class HashedOnce(ObjectStore):
    """An object store that hashes an object when it is first opened, not again.

    For the length of one audit: entries cite the same weights many times over.

    Args:
        root: Its folder.
    """

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self._hashed: set[str] = set()
        self._made: OrderedDict[Hashable, Any] = OrderedDict()

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

    def check(self, digest: str) -> None:
        """Hash an object, unless this audit has.

        Raises:
            NotFoundError: If the store has no such object.
            IntegrityError: If its content is another.
        """
        if digest not in self._hashed:
            super().check(digest)

    def once(self, key: Hashable, make: Callable[[], Made]) -> Made:
        """Return what was made of objects before, or make it; the newest are kept.

        Args:
            key: Which; names digests, so that it is of one content only.
            make: Makes it.
        """
        if key in self._made:
            self._made.move_to_end(key)
        else:
            self._made[key] = make()
            if len(self._made) > _MAX_KEPT:
                self._made.popitem(last=False)
        made: Made = self._made[key]
        return made
