"""What differs between two snapshots, edit by edit and tensor by tensor."""

from dataclasses import dataclass

from torch import Tensor, float64, linalg

from governance.canonical import sha256_hex
from governance.domain.snapshot import Snapshot
from governance.errors import WrongStateError
from governance.ledger.store import ObjectStore
from governance.pipeline.folder import PipelineFolder
from governance.pipeline.tensors import tensor_bytes, tensor_from
from governance.pipeline.weights import PipelineWeights
from governance.snapshots.inputs import TensorNorm


@dataclass(frozen=True, slots=True)
class Difference:
    """What leads from one snapshot to another.

    Args:
        added: Resolved-edit digests only the second holds, sorted.
        removed: Resolved-edit digests only the first holds, sorted.
        tensors: Every tensor that differs, sorted by name.
    """

    added: tuple[str, ...]
    removed: tuple[str, ...]
    tensors: tuple[TensorNorm, ...]


def diff(
    store: ObjectStore, folder: PipelineFolder, first: Snapshot, second: Snapshot
) -> Difference:
    """Compare two snapshots of one base.

    Args:
        store: Where their tensors lie.
        folder: The base pipeline.
        first: Where one comes from.
        second: Where one goes to.

    Returns:
        Edits added and removed, and the norm of change per tensor.

    Raises:
        WrongStateError: If the two, or the folder, have different bases.
        NotFoundError: If a tensor is not in the store.
        IntegrityError: If a tensor was changed.
    """
    for snapshot in (first, second):
        if snapshot.base != folder.digest:
            raise WrongStateError(
                f"snapshot {snapshot.digest} has another base: expected "
                f"{folder.digest}, found {snapshot.base}",
                "Compare snapshots of one model.",
            )
    keys = sorted({*first.tensors, *second.tensors})
    differing = [k for k in keys if first.tensors.get(k) != second.tensors.get(k)]
    weights = PipelineWeights(folder)
    return Difference(
        added=tuple(sorted(set(second.edits) - set(first.edits))),
        removed=tuple(sorted(set(first.edits) - set(second.edits))),
        tensors=tuple(
            _moved(
                key,
                _tensor(store, weights, first, key),
                _tensor(store, weights, second, key),
            )
            for key in differing
        ),
    )


def _moved(key: str, first: Tensor, second: Tensor) -> TensorNorm:
    before, after = (sha256_hex(tensor_bytes(one)) for one in (first, second))
    return TensorNorm(key, _distance(first, second), before, after)


def _tensor(
    store: ObjectStore, weights: PipelineWeights, snapshot: Snapshot, key: str
) -> Tensor:
    digest = snapshot.tensors.get(key)
    if digest is None:
        return weights.read_key(key)
    return tensor_from(store.get(digest), weights.record(key))


def _distance(first: Tensor, second: Tensor) -> float:
    return float(linalg.vector_norm(second.to(float64) - first.to(float64)))
