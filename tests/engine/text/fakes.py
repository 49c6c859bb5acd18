"""A small causal network with fc2 layers, for theorems about matrices."""

import re
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from governance.engine.edit import Concept, EditSpec
from governance.engine.text.protocols import Place
from tests.engine.fakes import FakeTokens


@dataclass(frozen=True)
class FakeSite:
    key: str
    shape: tuple[int, int]


@dataclass
class FakeProbe:
    """x' = x + W_l tanh(A_l x) + b_l, where x_0 is noise that depends on the prefix."""

    component: str = "text_encoder"
    depth: int = 4
    d_model: int = 7
    d_ff: int = 11
    seed: int = 0
    variants: int = 1
    dtype: torch.dtype = torch.float64
    weights: dict[int, Tensor] = field(init=False)

    def __post_init__(self) -> None:
        self.weights = {n: self._own(n).to(torch.float64) for n in range(self.depth)}

    @property
    def read_layer(self) -> int:
        return self.depth - 1

    def _noise(self, name: str, *shape: int) -> Tensor:
        seed = zlib.crc32(f"{self.component} {self.seed} {name}".encode())
        generator = torch.Generator().manual_seed(seed)
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    def _own(self, layer: int) -> Tensor:
        return (0.4 * self._noise(f"W{layer}", self.d_model, self.d_ff)).to(self.dtype)

    def sites(self, layer: int) -> Sequence[FakeSite]:
        return [
            FakeSite(f"{self.component}/{n}:{layer}", (self.d_model, self.d_ff))
            for n in range(1, self.variants + 1)
        ]

    def read(self, key: str) -> Tensor:
        variant, _, layer = key.partition("/")[2].partition(":")
        return (self._own(int(layer)).double() * int(variant)).to(self.dtype)

    def bias(self, layer: int) -> Tensor:
        return self._noise(f"b{layer}", self.d_model)

    def inner(self, layer: int) -> Tensor:
        return self._noise(f"A{layer}", self.d_ff, self.d_model)

    def tokens(self, text: str) -> FakeTokens:
        words = [(m.group(), m.span()) for m in re.finditer(r"\w+", text)]
        ids = [zlib.crc32(word.lower().encode()) for word, _ in words]
        return FakeTokens((1, *ids, 2), (None, *[span for _, span in words], None))

    def first(self, place: Place) -> Tensor:
        ids = self.tokens(place[0]).ids[: place[1] + 1]
        return self._noise(" ".join(map(str, ids)), self.d_model)

    def _run(self, place: Place, layer: int) -> tuple[Tensor, Tensor]:
        x = self.first(place)
        for number in range(layer + 1):
            key = torch.tanh(self.inner(number) @ x)
            x = x + self.weights[number] @ key + self.bias(number)
        return key, x

    def keys(self, layer: int, places: Sequence[Place]) -> Tensor:
        rows = [self._run(place, layer)[0] for place in places]
        return torch.stack(rows) if rows else torch.empty((0, self.d_ff))

    def blocks(self, layer: int, places: Sequence[Place]) -> Tensor:
        rows = [self._run(place, layer)[1] for place in places]
        return torch.stack(rows) if rows else torch.empty((0, self.d_model))

    @property
    def exact(self) -> bool:
        return False

    def replace(self, layer: int, weight: Tensor) -> None:
        self.weights[layer] = weight.to(torch.float64)


@dataclass
class FakeBase:
    """Encoders of pairwise different sizes, and a covariance for every layer."""

    sizes: Sequence[Mapping[str, int]] = ({},)
    dtype: torch.dtype = torch.float64
    variants: int = 1
    covariance: Tensor | None = None

    def text_probes(self) -> list[FakeProbe]:
        names = ("text_encoder", "text_encoder_2")
        return [
            FakeProbe(name, dtype=self.dtype, variants=self.variants, **size)
            for name, size in zip(names, self.sizes, strict=False)
        ]

    def statistics(self, digest: str, component: str, layer: int) -> Tensor:
        if self.covariance is not None:
            return self.covariance
        probe = next(p for p in self.text_probes() if p.component == component)
        rows = probe._noise(f"C{layer}{digest}", 3 * probe.d_ff, probe.d_ff)
        return rows.T @ rows / len(rows)


def values_for(spec: EditSpec, base: FakeBase, *, seed: int = 0) -> dict[str, Tensor]:
    """Random wanted values for every encoder and layer an edit could want."""
    found: dict[str, Tensor] = {}
    for probe in base.text_probes():
        infix = "" if probe.component == "text_encoder" else f".{probe.component}"
        shape = (len(spec.concepts), probe.d_model)
        name = spec.digest + str(seed)
        found[f"z{infix}"] = 2 * probe._noise(f"z{name}", *shape)
        for layer in range(probe.depth):
            noise = probe._noise(f"v{layer}{name}", *shape)
            found[f"value{infix}.{layer}"] = 2 * noise
    return found


def edit(
    number: int, method: str, base: FakeBase, *concepts: str, **parameters: object
) -> EditSpec:
    """A text-encoder edit with values, solved against one set of statistics."""
    spec = EditSpec(
        f"{number:02d}" * 32,
        "update",
        method,
        tuple(Concept("shown", "wanted", prompt=text) for text in concepts),
        preserve=("old town",),
        parameters=parameters,  # type: ignore[arg-type]
        statistics="5" * 64,
    )
    return replace(spec, values=values_for(spec, base))
