"""An encoder and weights made of numbers, for theorems about matrices."""

import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache

import torch
from torch import Tensor

from governance.engine.protocols import Projection

T = 12
D = 13


@dataclass(frozen=True)
class FakeTokens:
    ids: tuple[int, ...]
    spans: tuple[tuple[int, int] | None, ...]


@dataclass
class FakeEncoder:
    """Causal: a row depends on the tokens up to it and on nothing else."""

    width: int = D
    length: int = T
    dtype: torch.dtype = torch.float64
    texts: list[str] = field(default_factory=list)

    def tokens(self, text: str) -> FakeTokens:
        words = [(m.group(), m.span()) for m in re.finditer(r"\w+", text)]
        ids = [zlib.crc32(word.lower().encode()) for word, _ in words]
        return FakeTokens((1, *ids, 2), (None, *[span for _, span in words], None))

    def encode_full(self, prompts: Sequence[str]) -> Tensor:
        self.texts.extend(prompts)
        found = torch.empty(len(prompts), self.length, self.width, dtype=self.dtype)
        for number, text in enumerate(prompts):
            for index in range(self.length):
                found[number, index] = self._row(text, index)
        return found

    def encode_at(self, places: Sequence[tuple[str, int]]) -> Tensor:
        found = torch.empty(len(places), self.width, dtype=self.dtype)
        for number, (text, index) in enumerate(places):
            found[number] = self._row(text, index)
        return found

    def _row(self, text: str, index: int) -> Tensor:
        ids = self.tokens(text).ids
        padded = [*ids, *[2] * (self.length - len(ids))][: index + 1]
        return _noise(tuple(padded), self.width).to(self.dtype)


@cache
def _noise(ids: tuple[int, ...], width: int) -> Tensor:
    seed = zlib.crc32(" ".join(map(str, ids)).encode())
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(width, generator=generator, dtype=torch.float64)


@dataclass(frozen=True)
class FakeSite:
    key: str
    projection: Projection
    shape: tuple[int, int]


@dataclass
class FakeWeights:
    """Matrices of pairwise different sizes."""

    matrices: dict[str, Tensor]
    projections: dict[str, Projection]

    @property
    def sites(self) -> tuple[FakeSite, ...]:
        return tuple(
            FakeSite(key, self.projections[key], (int(w.shape[0]), int(w.shape[1])))
            for key, w in self.matrices.items()
        )

    def read(self, site: FakeSite) -> Tensor:
        return self.matrices[site.key].clone()


def weights(
    width: int = D, dtype: torch.dtype = torch.float64, seed: int = 0
) -> FakeWeights:
    generator = torch.Generator().manual_seed(seed)
    sizes: list[tuple[str, Projection, int]] = [
        ("one.k", "k", 5),
        ("one.v", "v", 7),
        ("two.k", "k", 8),
        ("two.v", "v", 3),
    ]
    matrices = {
        key: torch.randn(rows, width, generator=generator, dtype=torch.float64).to(
            dtype
        )
        for key, _, rows in sizes
    }
    return FakeWeights(matrices, {key: projection for key, projection, _ in sizes})
