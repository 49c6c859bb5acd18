"""Edits as adapters: exact low-rank factors under the names stock loaders read."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from governance.errors import EngineError, PipelineError
from governance.snapshots.factors import Factor
from governance.snapshots.forms import Keys
from governance.snapshots.tensor_names import adapter_endings, adapter_name

_FAMILIES = ("sd1", "sd2", "sdxl")


@dataclass(frozen=True, eq=False, slots=True)
class Adapter:
    """A set of edits as an adapter.

    Args:
        tensors: Name to float32 tensor.
        modules: How many matrices it changes.
        ranks: Component to the rank of each of its modules.
    """

    tensors: Mapping[str, Tensor]
    modules: int
    ranks: Mapping[str, int]

    @property
    def size(self) -> int:
        """Bytes of all tensors."""
        return sum(t.numel() * t.element_size() for t in self.tensors.values())

    @property
    def words(self) -> str:
        """Modules, ranks and size, for people."""
        ranks = ", ".join(f"{name} {rank}" for name, rank in self.ranks.items())
        size = self.size / (1 << 20)
        return f"adapter of {self.modules} modules, rank {ranks}, {size:.2f} MiB"


def check_adapters(family: str) -> None:
    """Refuse an architecture whose edits are not written as adapters.

    Args:
        family: Architecture of the base.

    Raises:
        PipelineError: It is none of those; it is named.
    """
    if family not in _FAMILIES:
        raise PipelineError(
            f"--format lora: adapters are not written for {family}; expected "
            f"{', '.join(_FAMILIES)}",
            "Use --format delta or --format diffusers.",
        )


def build_adapter(family: str, factors: Iterable[Factor], keys: Keys) -> Adapter:
    """Write a set of changes as an adapter, exactly: nothing is truncated.

    Modules that do not change are left out. Modules of one component get one rank,
    the smaller ones filled with zeros: stock loaders find the scale of a module that
    differs from the others by a name that is not the module's, and miss it.

    Args:
        family: Architecture of the base.
        factors: The changes.
        keys: How tensors are named.

    Returns:
        Tensors in float32.

    Raises:
        PipelineError: The architecture has no such adapters.
        EngineError: Nothing changes, or a change overflows float32.
    """
    check_adapters(family)
    shared: dict[int, tuple[Tensor, Tensor, Tensor]] = {}
    exact = [(one, *_refactored(one, shared)) for one in factors if bool(one.up.any())]
    if not exact:
        raise EngineError(
            "the edits change nothing, and an adapter of nothing cannot be loaded",
            "Raise their strength, or use --format delta.",
        )
    ranks: dict[str, int] = {}
    for one, _, down in exact:
        ranks[one.component] = max(ranks.get(one.component, 0), len(down))
    tensors: dict[str, Tensor] = {}
    for one, up, down in exact:
        rank = ranks[one.component]
        tensors |= _named(family, one, _filled(up, down, rank), keys)
    return Adapter(tensors, len(exact), dict(sorted(ranks.items())))


def _refactored(
    one: Factor, shared: dict[int, tuple[Tensor, Tensor, Tensor]]
) -> tuple[Tensor, Tensor]:
    """Return factors of rank min(r, d_in) with the same product, in float64.

    With down^T = Q R, up . down = (up R^T) . Q^T: the rows of Q^T are orthonormal, so
    that rounding to float32 costs digits of the change, not of its factors, which can
    be larger than it by the condition of the edits. At full rank down is the identity.
    """
    rows, width = one.down.shape
    if rows >= width:
        identity = torch.eye(width, dtype=one.down.dtype)
        return one.up @ one.down, identity
    if id(one.down) not in shared:
        q, r = torch.linalg.qr(one.down.T)
        # Kept with its source: an id is only unique while the object lives.
        shared[id(one.down)] = (one.down, q.T.contiguous(), r.T.contiguous())
    _, down, right = shared[id(one.down)]
    return one.up @ right, down


def _filled(up: Tensor, down: Tensor, rank: int) -> tuple[Tensor, Tensor]:
    more = rank - len(down)
    if more:
        up = torch.nn.functional.pad(up, (0, more))
        down = torch.nn.functional.pad(down, (0, 0, 0, more))
    return up, down


def _named(
    family: str, one: Factor, factors: tuple[Tensor, Tensor], keys: Keys
) -> dict[str, Tensor]:
    up, down = (tensor.to(torch.float32).contiguous() for tensor in factors)
    if not bool(torch.isfinite(up).all()):
        raise EngineError(
            f"the change of {one.component} {one.name} overflows float32",
            "Lower the strength of the edits.",
        )
    name = adapter_name(family, one.component, one.name, keys)
    alpha = torch.tensor(float(len(down)), dtype=torch.float32)
    endings = adapter_endings(keys)
    return {
        f"{name}{ending}": tensor
        for ending, tensor in zip(endings, (down, up, alpha), strict=False)
    }
