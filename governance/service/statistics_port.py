"""What the service needs of whoever computes and reads key covariances."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from governance.domain.events import Document
from governance.domain.request import EditRequest
from governance.domain.state import ModelRecord
from governance.ledger.store import ObjectStore
from governance.service.facade import ProgressCallback


@dataclass(frozen=True, slots=True)
class Stored:
    """Key covariances in the object store.

    Args:
        digest: Digest of their file.
        size: Its bytes.
        encoders: Component to digest of each text encoder they are of.
        about: What the file says of itself.
    """

    digest: str
    size: int
    encoders: Mapping[str, str]
    about: Document


class Statistics(Protocol):
    """Key covariances of registered models, and stage-one results from outside."""

    def encoders(self, model: ModelRecord) -> Mapping[str, str]:
        """Return the digest of each text encoder of a model, by its component."""

    def compute(
        self,
        store: ObjectStore,
        device: str,
        model: ModelRecord,
        captions: Path,
        tokens: int,
        progress: ProgressCallback,
    ) -> Stored:
        """Stream captions through the text encoders, and store what they tell.

        Args:
            store: Where to write.
            device: ``auto``, ``cpu``, ``cuda`` ...
            model: The registered model.
            captions: One caption to a line.
            tokens: How many tokens there must be at least.
            progress: Told about every batch.
        """

    def adopt(self, store: ObjectStore, model: ModelRecord, path: Path) -> Stored:
        """Check a file somebody else computed, and store a copy."""

    def shipped(self, store: ObjectStore, model: ModelRecord) -> Stored | None:
        """Store what the program ships for a model's encoder, if it does."""

    def check_values(
        self, model: ModelRecord, request: EditRequest, content: bytes
    ) -> None:
        """Refuse stage-one results that are not what the edit needs."""
