"""What every event is, and what the fold needs of the entry that holds one."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import ClassVar, Protocol, TypeAlias

from governance.canonical import JSON

Document: TypeAlias = Mapping[str, JSON]


@dataclass(frozen=True, slots=True)
class Event:
    """Base of all events."""

    name: ClassVar[str]

    def data(self) -> dict[str, JSON]:
        """Return the fields as an entry's ``data``."""
        return {item.name: getattr(self, item.name) for item in fields(self)}


class RecordedEvent(Protocol):
    """What the fold needs of a ledger entry."""

    @property
    def sequence(self) -> int:
        """Position in the ledger; the genesis entry is 1."""

    @property
    def time(self) -> str:
        """RFC 3339 UTC."""

    @property
    def event(self) -> str:
        """Event name."""

    @property
    def actor(self) -> str:
        """Principal who caused it."""

    @property
    def data(self) -> Mapping[str, JSON]:
        """The event's fields."""
