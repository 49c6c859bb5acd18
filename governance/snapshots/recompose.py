"""Is what was solved again the snapshot that was signed."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from governance.canonical import JSON, sha256_hex
from governance.domain.snapshot import Snapshot
from governance.errors import IntegrityError
from governance.ledger.store import ObjectStore
from governance.pipeline.folder import PipelineFolder
from governance.pipeline.tensors import tensor_bytes, tensor_from
from governance.pipeline.weights import PipelineWeights

TOLERANCE = 1e-4
"""Largest relative difference of a change that another machine may make."""


@dataclass(frozen=True, slots=True)
class Recomposed:
    """How near a recomposition came.

    Args:
        exact: Whether every tensor has the digest that was signed.
        worst: Largest difference of a tensor over the size of its change.
    """

    exact: bool
    worst: float

    def document(self) -> dict[str, JSON]:
        """Return it as JSON."""
        return {"exact": self.exact, "worst": self.worst, "tolerance": TOLERANCE}


def check_recomposed(
    store: ObjectStore,
    folder: PipelineFolder,
    snapshot: Snapshot,
    tensors: Mapping[str, Tensor],
) -> Recomposed:
    """Compare tensors that were solved again with those that were signed.

    On the machine that solved them the bytes are equal. Another one, or another number
    of threads, rounds differently: there, each tensor's change may differ by
    ``TOLERANCE`` of its size, and a few elements by a rounding of their dtype.

    Args:
        store: Where the snapshot's tensors lie.
        folder: The base.
        snapshot: What was signed.
        tensors: ``file:name`` to the tensor as it was solved now.

    Returns:
        How near they are.

    Raises:
        IntegrityError: If a tensor is another one; it is named.
    """
    weights = PipelineWeights(folder)
    worst, exact = 0.0, True
    for key in sorted({*snapshot.tensors, *tensors}):
        digest = snapshot.tensors.get(key)
        found = tensors.get(key)
        if found is not None and sha256_hex(tensor_bytes(found)) == digest:
            continue
        exact = False
        base = weights.read_key(key)
        signed = base
        if digest is not None:
            signed = tensor_from(store.get(digest), weights.record(key))
        worst = max(
            worst, _compare(key, base, signed, base if found is None else found)
        )
    return Recomposed(exact, worst)


def _compare(key: str, base: Tensor, signed: Tensor, found: Tensor) -> float:
    size = _norm(base)
    change = _norm(signed.double() - base.double())
    error = _norm(found.double() - signed.double())
    # An element near a tie is rounded the other way; one in a hundred at most.
    allowed = TOLERANCE * change + 0.1 * torch.finfo(base.dtype).eps * size
    if not error <= allowed:
        raise IntegrityError(
            f"tensor {key} was solved again and is not the one that was signed: they "
            f"differ by {error:.3g}; expected at most {allowed:.3g}",
            "Verify the model folder, or export with the versions that solved it; "
            "--format diffusers exports the signed bytes themselves.",
        )
    return error / change if change else 0.0


def _norm(tensor: Tensor) -> float:
    return float(torch.linalg.vector_norm(tensor.double()))
