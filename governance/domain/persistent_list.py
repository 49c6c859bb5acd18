"""A sequence that grows by making a new one, without copying what it holds."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from operator import eq
from typing import TypeVar, overload

Item = TypeVar("Item")


class PersistentList(Sequence[Item]):
    """Items in layers, each at least twice as long as the next.

    An item is copied O(log n) times while n are added one by one. A base may go live
    as often as anything else; a tuple of those moments would be copied each time.

    Args:
        items: What it begins with.
    """

    __slots__ = ("_layers", "_size")

    def __init__(self, items: Iterable[Item] = ()) -> None:
        first = tuple(items)
        self._layers: tuple[tuple[Item, ...], ...] = (first,) if first else ()
        self._size = len(first)

    def __len__(self) -> int:
        """Return how many items there are."""
        return self._size

    def __iter__(self) -> Iterator[Item]:
        """Yield the items, the oldest first."""
        return chain.from_iterable(self._layers)

    @overload
    def __getitem__(self, at: int) -> Item: ...
    @overload
    def __getitem__(self, at: slice) -> Sequence[Item]: ...
    def __getitem__(self, at: int | slice) -> Item | Sequence[Item]:
        """Return an item, or some."""
        if at == -1 and self._layers:
            return self._layers[-1][-1]
        return tuple(self)[at]

    def __eq__(self, other: object) -> bool:
        """Say whether another one holds the same items."""
        if not isinstance(other, PersistentList):
            return NotImplemented
        return len(self) == len(other) and all(map(eq, self, other))

    def __hash__(self) -> int:
        """Return the hash of its items."""
        return hash(tuple(self))

    def __repr__(self) -> str:
        """Return the items in order."""
        return f"PersistentList({list(self)!r})"

    def plus(self, items: Sequence[Item]) -> "PersistentList[Item]":
        """Return the list with items behind those it holds.

        Args:
            items: What is new.
        """
        newest = tuple(items)
        if not newest:
            return self
        size, layers = self._size + len(newest), self._layers
        while layers and len(layers[-1]) < 2 * len(newest):
            newest = layers[-1] + newest
            layers = layers[:-1]
        longer = PersistentList[Item]()
        longer._layers, longer._size = (*layers, newest), size
        return longer
