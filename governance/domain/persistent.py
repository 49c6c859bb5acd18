"""A mapping that grows by making a new one, without copying what it holds.

The fold makes a new state after every entry. Copying every edit each time would make
folding n entries take n^2 steps.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from governance.domain.evolving import made

Key = TypeVar("Key")
Value = TypeVar("Value")


@dataclass(frozen=True, slots=True, eq=False)
class PersistentMap(Mapping[Key, Value]):
    """What a base mapping holds, with changes laid over it in layers.

    Each layer is at least twice as large as the next: a lookup goes through few of
    them, and an item is copied few times, O(log n) both. Order is that of a dict.

    Args:
        base: What is underneath; never copied, so it may lie on a disk.
        layers: Changes, oldest first; never changed themselves.
        size: Number of keys; counted where omitted.
    """

    base: Mapping[Key, Value] = field(default_factory=dict)
    layers: tuple[dict[Key, Value], ...] = ()
    size: int = -1

    def __post_init__(self) -> None:
        """Count a base that has no layers yet."""
        if self.size < 0:
            object.__setattr__(self, "size", len(self.base))

    def __getitem__(self, key: Key) -> Value:
        """Return the newest value."""
        for layer in reversed(self.layers):
            if key in layer:
                return layer[key]
        return self.base[key]

    def __contains__(self, key: object) -> bool:
        """Say whether a key is there."""
        # Loops where expressions would be shorter: folding a ledger does little else.
        for layer in self.layers:
            if key in layer:
                return True
        return key in self.base

    def __iter__(self) -> Iterator[Key]:
        """Yield every key where it first came."""
        yield from self.base
        for at, layer in enumerate(self.layers):
            older = self.layers[:at]
            for key in layer:
                if key not in self.base and not any(key in item for item in older):
                    yield key

    def __len__(self) -> int:
        """Return how many keys there are."""
        return self.size

    def plus(self, items: Mapping[Key, Value]) -> "PersistentMap[Key, Value]":
        """Return the mapping with items added or replaced.

        Args:
            items: What is new.
        """
        if not items:
            return self
        size = self.size
        for key in items:
            if key not in self:
                size += 1
        layers, newest = self.layers, dict(items)
        while layers and len(layers[-1]) < 2 * len(newest):
            newest = {**layers[-1], **newest}
            layers = layers[:-1]
        return made(PersistentMap, (self.base, (*layers, newest), size))


def grown(
    held: Mapping[Key, Value], items: Mapping[Key, Value]
) -> PersistentMap[Key, Value]:
    """Return a mapping with items added, without copying it.

    Args:
        held: What is there.
        items: What is new.
    """
    start = held if isinstance(held, PersistentMap) else PersistentMap(held)
    return start.plus(items)
