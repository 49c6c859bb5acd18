"""Snapshots in and out of the object store: a document, and the tensors it names."""

import json
import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from governance.canonical import JSON, canonical_bytes
from governance.domain.snapshot import SNAPSHOT_FORMAT, Snapshot
from governance.errors import IntegrityError
from governance.ledger.store import ObjectStore

if TYPE_CHECKING:
    from torch import Tensor

_DIGEST = re.compile(r"[0-9a-f]{64}", re.ASCII)
_KEYS = {"format", "base", "edits", "tensors"}


def write_snapshot(
    store: ObjectStore,
    base: str,
    edits: Iterable[str],
    tensors: "Mapping[str, Tensor | bytes]",
) -> Snapshot:
    """Store a snapshot's tensors, then the document that names them.

    Args:
        store: Where they go; both are durable when this returns.
        base: Model digest of the untouched pipeline.
        edits: Resolved-edit digests, in any order.
        tensors: ``file:name`` to the rounded tensor, or to its bytes as in the file.

    Returns:
        The snapshot; the document lies in the store under its digest.

    Raises:
        IntegrityError: If there are tensors without edits: nothing would explain them.
        LedgerError: If the store cannot be written.
    """
    ordered = tuple(sorted(edits))
    if tensors and not ordered:
        raise IntegrityError("snapshot: tensors differ from the base without an edit")
    digests = {key: store.put_bytes(_bytes(tensors[key])) for key in sorted(tensors)}
    snapshot = Snapshot(base, ordered, digests)
    store.put_bytes(canonical_bytes(snapshot.document()))
    return snapshot


def read_snapshot(store: ObjectStore, digest: str) -> Snapshot:
    """Read a snapshot's document back.

    Args:
        store: Where it lies.
        digest: Snapshot digest.

    Raises:
        NotFoundError: If the store has no such object.
        IntegrityError: If it was changed, or is no snapshot.
    """
    try:
        document = json.loads(store.get(digest))
    except (ValueError, RecursionError) as error:
        raise IntegrityError(f"object {digest} is no snapshot: no JSON") from error
    return snapshot_of(document)


def snapshot_of(document: JSON) -> Snapshot:
    """Turn a snapshot's document back into the snapshot.

    Args:
        document: JSON from a place that is not trusted.

    Raises:
        IntegrityError: If it is not a document that a snapshot would write.
    """
    if not isinstance(document, Mapping) or set(document) != _KEYS:
        raise _malformed(f"expected exactly the keys {sorted(_KEYS)}")
    base, edits, tensors = (document[key] for key in ("base", "edits", "tensors"))
    if document["format"] != SNAPSHOT_FORMAT:
        raise _malformed(f"expected format {SNAPSHOT_FORMAT}")
    if not isinstance(edits, list) or not isinstance(tensors, Mapping):
        raise _malformed("edits is no list, or tensors no object")
    names = tuple(_digest(edit) for edit in edits)
    if list(names) != sorted(set(names)):
        raise _malformed("its edits are not sorted, or one stands twice")
    digests = {key: _digest(digest) for key, digest in tensors.items()}
    return Snapshot(_digest(base), names, digests)


def _digest(value: JSON) -> str:
    if not isinstance(value, str) or not _DIGEST.fullmatch(value):
        raise _malformed("a digest is not 64 hex digits")
    return value


def _malformed(reason: str) -> IntegrityError:
    return IntegrityError(f"the snapshot document is malformed: {reason}")


def load_overrides(store: ObjectStore, snapshot: Snapshot) -> dict[str, bytes]:
    """Read every tensor a snapshot replaces, hashing each again.

    Args:
        store: Where they lie.
        snapshot: The snapshot.

    Returns:
        ``file:name`` to the tensor's bytes as a safetensors file holds them.

    Raises:
        NotFoundError: If a tensor is not in the store.
        IntegrityError: If a tensor was changed.
    """
    return {key: store.get(digest) for key, digest in snapshot.tensors.items()}


def check_rebuild(recorded: Snapshot, rebuilt: Snapshot) -> None:
    """See that solving again gave the very snapshot that was recorded.

    Args:
        recorded: What the ledger names.
        rebuilt: What composing the same edits gave now.

    Raises:
        IntegrityError: If they differ; the first difference is named.
    """
    if recorded.digest == rebuilt.digest:
        return
    raise IntegrityError(
        f"snapshot {recorded.digest} cannot be rebuilt: {_difference(recorded, rebuilt)}",
        "Verify the model folder; another version of torch can round differently.",
    )


def _difference(recorded: Snapshot, rebuilt: Snapshot) -> str:
    if recorded.base != rebuilt.base:
        return f"expected base {recorded.base}, found {rebuilt.base}"
    if odd := sorted(set(recorded.edits) ^ set(rebuilt.edits)):
        return f"its set of edits differs, first in {odd[0]}"
    keys = sorted({*recorded.tensors, *rebuilt.tensors})
    first = next(k for k in keys if recorded.tensors.get(k) != rebuilt.tensors.get(k))
    return (
        f"tensor {first}: expected {recorded.tensors.get(first, 'the base tensor')}, "
        f"found {rebuilt.tensors.get(first, 'the base tensor')}"
    )


def _bytes(value: "Tensor | bytes") -> bytes:
    if isinstance(value, bytes):
        return value
    # Late, so that reading snapshots needs no torch.
    from governance.pipeline.tensors import tensor_bytes

    return tensor_bytes(value)
