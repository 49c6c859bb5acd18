"""Weights as a function of the base model and a set of resolved edits."""

from collections.abc import Mapping
from dataclasses import dataclass

from governance.canonical import JSON, digest_of

SNAPSHOT_FORMAT = "governance/snapshot/v1"


@dataclass(frozen=True, slots=True)
class ResolvedEdit:
    """A request plus everything its searches found, so that none runs again.

    Args:
        request: Request digest.
        found: Alphas, lambda, seeds, stage-one and statistics digests; JSON.
    """

    request: str
    found: Mapping[str, JSON]

    def document(self) -> dict[str, JSON]:
        """Return the JSON document whose digest names this resolution."""
        return {"request": self.request, "found": dict(self.found)}

    @property
    def digest(self) -> str:
        """SHA-256 of the canonical document."""
        return digest_of(self.document())


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One state of the weights; its digest does not know how it was reached.

    Args:
        base: Model digest of the untouched pipeline.
        edits: Resolved-edit digests, sorted.
        tensors: ``file:tensor`` to the SHA-256 of its rounded bytes; the bytes are
            in the object store under that digest.
    """

    base: str
    edits: tuple[str, ...]
    tensors: Mapping[str, str]

    def document(self) -> dict[str, JSON]:
        """Return the JSON document whose digest names this snapshot."""
        return {
            "format": SNAPSHOT_FORMAT,
            "base": self.base,
            "edits": sorted(self.edits),
            "tensors": dict(self.tensors),
        }

    @property
    def digest(self) -> str:
        """SHA-256 of the canonical document."""
        return digest_of(self.document())
