"""Edits as a delta: factors in float64, and a document that says what they are."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import BinaryIO

from torch import Tensor

from governance.canonical import JSON
from governance.snapshots.factors import Factor
from governance.snapshots.staging import Disk


@dataclass(frozen=True, eq=False, slots=True)
class Delta:
    """A set of edits as factors.

    Args:
        tensors: Name to float64 tensor; a ``down`` of many weights stands once.
        table: Weight to the names of its factors.
    """

    tensors: Mapping[str, Tensor]
    table: Mapping[str, Mapping[str, str]]

    @property
    def size(self) -> int:
        """Bytes of all tensors."""
        return sum(t.numel() * t.element_size() for t in self.tensors.values())

    @property
    def words(self) -> str:
        """Weights and size, for people."""
        return f"delta of {len(self.table)} weights, {self.size / (1 << 20):.2f} MiB"


def build_delta(factors: Iterable[Factor]) -> Delta:
    """Name factors as a delta file does.

    Args:
        factors: The changes.

    Returns:
        ``NAME.up`` [d_out, r] and ``shared.K.down`` [r, d_in] in float64, with
        W' = W + up . down before rounding and r <= d_in.
    """
    tensors: dict[str, Tensor] = {}
    table: dict[str, Mapping[str, str]] = {}
    # Downs are kept beside their names: an id is only unique while the object lives.
    shared: dict[int, tuple[str, Tensor]] = {}
    for one in factors:
        name, _ = shared.setdefault(
            id(one.down), (f"shared.{len(shared)}.down", one.down)
        )
        tensors[name] = one.down.double().contiguous()
        tensors[f"{one.label}.up"] = one.up.double().contiguous()
        table[one.label] = {
            "component": one.component,
            "name": one.name,
            "up": f"{one.label}.up",
            "down": name,
        }
    return Delta(tensors, table)


def delta_document(delta: Delta, **said: JSON) -> bytes:
    """Return ``delta.json``.

    Args:
        delta: The factors.
        **said: Base and request digests, norms, certificates ...
    """
    weights: dict[str, JSON] = {name: dict(row) for name, row in delta.table.items()}
    text = json.dumps(
        {**said, "weights": weights}, indent=2, sort_keys=True, ensure_ascii=True
    )
    return f"{text}\n".encode("ascii")


def write_document(file: BinaryIO, disk: Disk, document: bytes) -> None:
    """Write ``delta.json``, durably.

    Args:
        file: Where.
        disk: What writes.
        document: Its bytes.
    """
    disk.write(file, document)
    disk.sync(file)
