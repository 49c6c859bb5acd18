"""Key covariances that a workspace holds: their event and what is known of them."""

from dataclasses import dataclass
from typing import ClassVar

from governance.domain.event import Document, Event, RecordedEvent


@dataclass(frozen=True, slots=True)
class StatisticsRecorded(Event):
    """Key covariances were computed, imported or taken from what is shipped.

    Args:
        statistics: Digest of the file in the object store.
        encoders: Component to digest of each text encoder they are of.
        about: What the file says of itself: captions digest, counts, which rows.
        origin: ``computed``, ``imported`` or ``shipped``.
        size: Bytes of the file.
    """

    name: ClassVar[str] = "StatisticsRecorded"
    statistics: str
    encoders: Document
    about: Document
    origin: str
    size: int


@dataclass(frozen=True, slots=True)
class StatisticsRecord:
    """Key covariances, and when they were recorded."""

    digest: str
    encoders: Document
    about: Document
    origin: str
    size: int
    sequence: int
    time: str

    @classmethod
    def of(cls, event: StatisticsRecorded, entry: RecordedEvent) -> "StatisticsRecord":
        """Return what an entry says of key covariances."""
        return cls(
            digest=event.statistics,
            encoders=event.encoders,
            about=event.about,
            origin=event.origin,
            size=event.size,
            sequence=entry.sequence,
            time=entry.time,
        )
