"""Token rows through a text encoder, bit for bit repeatable, and kept on disk."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import torch
from torch import Tensor

from governance.pipeline.cache import EmbeddingCache
from governance.pipeline.memory import smaller

Ids: TypeAlias = tuple[tuple[int, ...], ...]
"""Token ids of one text, once for each encoder that reads it, all of one length."""
Run: TypeAlias = Callable[[Sequence[Ids], int], Tensor]
"""Texts, padded to a length, to their states [n, length, d] or vectors [n, d]."""
_POSITIONS = 96
"""About how many token positions one batch holds, whatever the texts' length."""


@dataclass(frozen=True)
class Wanted:
    """Something to be encoded.

    Args:
        ids: The text's tokens.
        length: Positions it is padded to.
        row: Which of its rows is wanted; None for all there is.
    """

    ids: Ids
    length: int
    row: int | None = None


class Runs:
    """One function of texts, run in batches whose shape depends on the length alone.

    The bits of an embedding depend on the shape of the batch it was computed in. So
    every batch of one length has one shape, filled by repeating its last text, and
    an embedding is the same whoever it is encoded with. Where memory runs out, batches
    of that length are halved from then on, and what they give is not kept.

    Args:
        name: What is computed, to tell it from other things in the cache.
        run: The function.
        cache: Where results are kept.
        dtype: What it computes in.
    """

    def __init__(
        self, name: str, run: Run, cache: EmbeddingCache, dtype: torch.dtype
    ) -> None:
        self._name = name
        self._run = run
        self._cache = cache
        self._dtype = dtype
        self._shapes: dict[int, int] = {}
        self._cut: set[int] = set()
        self.seconds = 0.0
        """Time spent reading and running the encoder so far."""

    def get(self, wanted: Sequence[Wanted], shape: Sequence[int]) -> list[Tensor]:
        """Encode texts, each only once and only if it is not kept.

        Args:
            wanted: What to encode.
            shape: Shape of one result.

        Returns:
            Results in the order asked for.
        """
        each = dict.fromkeys(wanted)
        found: dict[Wanted, Tensor] = {}
        for one in each:
            kept = self._cache.get(self._kind(one), shape, self._dtype)
            if kept is not None:
                found[one] = kept
        missing = [one for one in each if one not in found]
        for length in sorted({one.length for one in missing}):
            same = [one for one in missing if one.length == length]
            for batch in _batches(same, length):
                found |= self._encode(batch, length)
        return [found[one] for one in wanted]

    def _encode(self, batch: Sequence[Wanted], length: int) -> Mapping[Wanted, Tensor]:
        start = time.perf_counter()
        states = self._fitting([one.ids for one in batch], length)
        self.seconds += time.perf_counter() - start
        found: dict[Wanted, Tensor] = {}
        for one, state in zip(batch, states, strict=False):
            found[one] = state if one.row is None else state[one.row].clone()
            # A batch that memory made smaller may differ in the last bits: what is
            # kept is what every run would find.
            if length not in self._cut:
                self._cache.put(self._kind(one), found[one])
        return found

    def _fitting(self, batch: Sequence[Ids], length: int) -> Tensor:
        while True:
            try:
                return self._steady(batch, length)
            except torch.OutOfMemoryError as error:
                rows = self._shapes.get(length, batch_rows(length))
                self._shapes[length] = smaller(rows, "texts", error)
                self._cut.add(length)

    def _kind(self, one: Wanted) -> list[str | int]:
        row = "all" if one.row is None else one.row
        kind: list[str | int] = [self._name, one.length, batch_rows(one.length), row]
        for ids in one.ids:
            kind += ["ids", *ids]
        return kind

    def _steady(self, batch: Sequence[Ids], length: int) -> Tensor:
        if length not in self._shapes:
            self._shapes[length] = self._steady_rows(batch[0], length)
        rows = self._shapes[length]
        parts = [batch[start : start + rows] for start in range(0, len(batch), rows)]
        return torch.cat(
            [
                self._run([*part, *[part[-1]] * (rows - len(part))], length)
                for part in parts
            ]
        )

    def _steady_rows(self, ids: Ids, length: int) -> int:
        # Whether a row's bits depend on where it stands in its batch is a property
        # of this machine's matrix kernels; where they do, rows go alone.
        rows = batch_rows(length)
        if rows == 1:
            return 1
        kind: list[str | int] = ["steady", self._name, length, rows]
        known = self._cache.get(kind, (1,), self._dtype)
        if known is None:
            found = self._run([ids] * rows, length)
            known = (found == found[:1]).all()[None].to(self._dtype)
            self._cache.put(kind, known)
        return rows if bool(known) else 1


def batch_rows(length: int) -> int:
    """Return how many texts of one length are encoded at once.

    Args:
        length: Positions of each.
    """
    fitting = max(1, min(32, _POSITIONS // length))
    return 1 << (fitting.bit_length() - 1)


def _batches(items: Sequence[Wanted], length: int) -> Iterable[Sequence[Wanted]]:
    rows = batch_rows(length)
    return (items[start : start + rows] for start in range(0, len(items), rows))
