"""Candidates that gave their tensors back."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from governance.domain.event import Event


@dataclass(frozen=True, slots=True)
class TensorsReleased(Event):
    """Candidates that nobody can activate any more gave their tensors back.

    Their requests, resolved edits and evidence stay: applying again solves the same
    digest.

    Args:
        candidates: Snapshot digests.
        objects: Digests of the tensors no other snapshot uses; they may be absent.
        freed: Bytes of those.
    """

    name: ClassVar[str] = "TensorsReleased"
    candidates: Sequence[str]
    objects: Sequence[str]
    freed: int
