"""Rows in words become rows in numbers, each prompt encoded once."""

from collections.abc import Iterable, Iterator, Sequence

import torch
from torch import Tensor

from governance.engine.plan import ConceptPlan, Pick, Target
from governance.engine.protocols import Encoder, Space
from governance.engine.readings import pooled

CHUNK = 64
"""Prompts whose rows are in memory at once while preserve rows are summed."""
ROOM = 768 << 20
"""Bytes of preserve rows that are kept between passes; more are encoded again."""


class Reader:
    """Embeddings of all picks of some edits, in the precision of the algebra.

    Args:
        encoder: Encodes prompts.
        dtype: What rows are cast to.
    """

    def __init__(self, encoder: Encoder, dtype: torch.dtype) -> None:
        self._encoder = encoder
        self._dtype = dtype
        self._single: dict[Pick, Tensor] = {}
        self._full: dict[str, Tensor] = {}
        self._pooled: dict[str, Tensor] = {}
        self._kept: dict[Pick, Tensor] = {}
        self._room = ROOM

    def load(self, picks: Iterable[Pick]) -> None:
        """Encode what some picks need, each prompt once.

        Args:
            picks: Rows in words.
        """
        wanted = dict.fromkeys(picks)
        single = [p for p in wanted if p.prefix and p not in self._single]
        rows = self._encoder.encode_at([(p.text, p.rows[0]) for p in single])
        self._single.update(zip(single, rows, strict=True))
        whole = [p for p in wanted if not p.prefix]
        texts = dict.fromkeys(p.text for p in whole if p.space == "prompt")
        missing = [text for text in texts if text not in self._full]
        self._full.update(zip(missing, self._encoder.encode_full(missing), strict=True))
        texts = dict.fromkeys(p.text for p in whole if p.space == "pooled")
        if missing := [text for text in texts if text not in self._pooled]:
            vectors = pooled(missing, self._encoder)
            self._pooled.update(zip(missing, vectors, strict=True))

    def rows(self, chosen: Pick) -> Tensor:
        """Return the rows of one loaded pick [m, d]."""
        return self.raw(chosen).to(self._dtype)

    def raw(self, chosen: Pick) -> Tensor:
        """Return the rows of one loaded pick [m, d] as the encoder gave them."""
        if chosen.prefix:
            return self._single[chosen][None]
        if chosen.space == "pooled":
            return self._pooled[chosen.text][None]
        return self._full[chosen.text][list(chosen.rows)]

    def target(self, target: Target) -> Tensor:
        """Return the weighted sum of some loaded picks [m, d]."""
        first, *rest = target
        total = first[0] * self.rows(first[1])
        for weight, chosen in rest:
            total = total + weight * self.rows(chosen)
        return total

    def concept(
        self, concept: ConceptPlan, space: Space = "prompt"
    ) -> tuple[Tensor, Tensor]:
        """Return a concept's keys of one space and what they become, both [m, d]."""
        pairs = concept.of(space)
        keys = [self.rows(key) for key, _ in pairs]
        targets = [self.target(target) for _, target in pairs]
        return torch.cat(keys), torch.cat(targets)

    def stream(self, picks: Sequence[Pick]) -> Iterator[tuple[list[Pick], Tensor]]:
        """Yield rows of many picks, few at a time, forgetting them again.

        Args:
            picks: Rows in words, in the order they are summed.

        Yields:
            Some picks and their rows [m, d].
        """
        for start in range(0, len(picks), CHUNK):
            some = list(picks[start : start + CHUNK])
            passing = Reader(self._encoder, self._dtype)
            passing.load(chosen for chosen in some if chosen not in self._kept)
            parts = [self._keep(chosen, passing) for chosen in some]
            yield some, torch.cat(parts).to(self._dtype)

    def _keep(self, chosen: Pick, passing: "Reader") -> Tensor:
        # A certificate asks for the same rows again after the solve.
        if chosen in self._kept:
            return self._kept[chosen]
        rows = passing.raw(chosen)
        size = rows.numel() * rows.element_size()
        if self._room >= size:
            self._room -= size
            self._kept[chosen] = rows
        return rows
