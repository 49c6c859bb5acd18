"""Edits as adapters: exact low-rank factors under the names stock loaders read."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

import torch
from torch import Tensor

from governance.errors import EngineError, PipelineError
from governance.snapshots.factors import SECOND, Factor

Keys: TypeAlias = Literal["kohya", "diffusers"]
KEYS: tuple[Keys, ...] = get_args(Keys)
ADAPTER = "pytorch_lora_weights.safetensors"
"""The file stock diffusers looks for in a folder."""

_FAMILIES = ("sd1", "sd2", "sdxl")
_PREFIXES = {"unet": "lora_unet", "text_encoder": "lora_te", SECOND: "lora_te2"}
_TEXT = re.compile(r"^(?:text_model\.)?(?=encoder\.layers\.)")


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
    if keys == "diffusers":
        return {f"{name}.down.weight": down, f"{name}.up.weight": up}
    return {
        f"{name}.lora_down.weight": down,
        f"{name}.lora_up.weight": up,
        f"{name}.alpha": torch.tensor(float(len(down)), dtype=torch.float32),
    }


def adapter_name(family: str, component: str, name: str, keys: Keys) -> str:
    """Return what an adapter calls a module, without the factor's own ending.

    The names of text encoders carry ``text_model.``, whether the base's do or not:
    loaders take it away where the encoder has none, and never add it.

    Args:
        family: Architecture of the base.
        component: Folder of the component.
        name: The weight's name in the component's files.
        keys: How tensors are named.
    """
    module = name.removesuffix(".weight")
    if component != "unet":
        module = _TEXT.sub("text_model.", module)
    if keys == "diffusers":
        layer = "lora" if component == "unet" else "lora_linear_layer"
        return f"{component}.{module}.{layer}"
    prefix = _PREFIXES[component]
    if family == "sdxl" and component == "text_encoder":
        prefix = "lora_te1"
    return f"{prefix}_{module.replace('.', '_')}"
