"""Prompts to the rows that cross-attention reads, bit for bit repeatable."""

import time
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Literal, TypeAlias, TypeVar

import torch
import transformers
from torch import Tensor

from governance.errors import PipelineError
from governance.pipeline.cache import EmbeddingCache
from governance.pipeline.family import read_object
from governance.pipeline.folder import PipelineFolder
from governance.pipeline.text_model import (
    Overrides,
    TextModel,
    encoder_digest,
    load_text_model,
)
from governance.pipeline.vocabulary import Tokens, Vocabulary

T = TypeVar("T")
Precision: TypeAlias = Literal["float32", "float64"]
_DTYPES: Mapping[str, torch.dtype] = {
    "float32": torch.float32,
    "float64": torch.float64,
}
_POSITIONS = 96
"""About how many token positions one batch holds, whatever the prompts' length."""


class PipelineEncoder:
    """The text encoders of one pipeline, without its U-Net.

    The bits of an embedding depend on the shape of the batch it was computed in.
    So every batch of one token count has one shape, filled by repeating its last
    row, and an embedding is the same whoever it is encoded with.

    Args:
        folder: The opened folder.
        dtype: What to compute in.
        cache: Folder to keep encodings in; None keeps none.
        device: Where to compute.
        overrides: ``file:name`` to text-encoder tensors to use instead.
    """

    def __init__(
        self,
        folder: PipelineFolder,
        *,
        dtype: Precision,
        cache: Path | None,
        device: str,
        overrides: Overrides,
    ) -> None:
        self._folder = folder
        self._dtype = _DTYPES[dtype]
        self._device = device
        self._overrides = dict(overrides)
        self._vocabulary = Vocabulary(folder)
        self._shapes: dict[int, int] = {}
        self.seconds = 0.0
        """Time spent reading and running the text encoders so far."""
        self.length = self._vocabulary.length
        """Rows of one prompt."""
        self.digest = ":".join(
            encoder_digest(folder, component, overrides)
            for component, _ in folder.text_encoders
        )
        """Digest of the tensors the embeddings come from."""
        context: list[str | int] = [self.digest, dtype, device]
        context += [torch.get_num_threads(), torch.backends.cpu.get_cpu_capability()]
        context += [torch.__version__, transformers.__version__]
        self._cache = EmbeddingCache(cache, context)

    @cached_property
    def width(self) -> int:
        """Return the length d of one row.

        Raises:
            PipelineError: A text encoder's config gives no width.
        """
        total = 0
        for component, _ in self._folder.text_encoders:
            shown = f"{component}/config.json"
            config = read_object(self._folder.root / component / "config.json", shown)
            size = config.get("hidden_size", 512)
            if not isinstance(size, int):
                raise PipelineError(f"{shown} gives no usable hidden_size")
            total += size
        return total

    def tokens(self, text: str) -> Tokens:
        """Split a text into tokens; an over-long one is an error, never cut."""
        return self._vocabulary.tokens(text)

    def unknown_words(self, texts: Iterable[str]) -> tuple[str, ...]:
        """List what the model can only spell with unknown or special tokens."""
        return self._vocabulary.unknown_words(texts)

    def too_long(self, texts: Iterable[str]) -> tuple[str, ...]:
        """List the texts that have more tokens than the model can read."""
        return self._vocabulary.too_long(texts)

    def encode_full(self, prompts: Sequence[str]) -> Tensor:
        """Encode prompts as the pipeline's own ``encode_prompt`` does.

        Args:
            prompts: Texts; padding rows are part of the result.

        Returns:
            Rows [n, T, d] in the encoder's dtype, on the CPU.

        Raises:
            RequestError: A prompt has more tokens than the model can read.
        """
        shape = (self.length, self.width)
        found: dict[str, Tensor] = {}
        for prompt in dict.fromkeys(prompts):
            kind = self._kind("full", self.length, self.tokens(prompt).ids)
            if (kept := self._cache.get(kind, shape, self._dtype)) is not None:
                found[prompt] = kept
        missing = [p for p in dict.fromkeys(prompts) if p not in found]
        for batch in _batches(missing, self.length):
            ids = [self.tokens(prompt).ids for prompt in batch]
            rows = self._run(ids, self.length)
            for prompt, own, row in zip(batch, ids, rows, strict=False):
                found[prompt] = row
                self._cache.put(self._kind("full", self.length, own), row)
        if not prompts:
            return torch.empty((0, *shape), dtype=self._dtype)
        return torch.stack([found[prompt] for prompt in prompts])

    def encode_at(self, places: Sequence[tuple[str, int]]) -> Tensor:
        """Encode single token positions, reading no further than they stand.

        CLIP is causal, so a token's row depends on its own prefix only.

        Args:
            places: (prompt, token index); index 0 is the beginning token.

        Returns:
            Rows [n, d] in the encoder's dtype, on the CPU.

        Raises:
            RequestError: A prompt has more tokens than the model can read.
        """
        prefixes = [self.tokens(text).ids[: index + 1] for text, index in places]
        found: dict[tuple[int, ...], Tensor] = {}
        for ids in dict.fromkeys(prefixes):
            kind = self._kind("prefix", len(ids), ids)
            kept = self._cache.get(kind, (self.width,), self._dtype)
            if kept is not None:
                found[ids] = kept
        missing = [ids for ids in dict.fromkeys(prefixes) if ids not in found]
        for length in sorted({len(ids) for ids in missing}):
            same = [ids for ids in missing if len(ids) == length]
            for batch in _batches(same, length):
                for ids, row in zip(batch, self._run(batch, length), strict=False):
                    found[ids] = row[-1].clone()
                    self._cache.put(self._kind("prefix", length, ids), found[ids])
        if not places:
            return torch.empty((0, self.width), dtype=self._dtype)
        return torch.stack([found[ids] for ids in prefixes])

    @cached_property
    def _models(self) -> tuple[TextModel, ...]:
        return tuple(
            load_text_model(
                self._folder,
                component,
                dtype=self._dtype,
                device=self._device,
                overrides=self._overrides,
            )
            for component, _ in self._folder.text_encoders
        )

    def _kind(self, how: str, length: int, ids: Sequence[int]) -> list[str | int]:
        return [how, _batch_rows(length), *ids]

    def _run(self, batch: Sequence[Sequence[int]], length: int) -> Tensor:
        start = time.perf_counter()
        rows = self._run_batch(batch, length)
        self.seconds += time.perf_counter() - start
        return rows

    def _run_batch(self, batch: Sequence[Sequence[int]], length: int) -> Tensor:
        if length not in self._shapes:
            self._shapes[length] = self._steady_rows(batch[0], length)
        rows = self._shapes[length]
        if rows == 1:
            return torch.cat([self._forward([ids], length) for ids in batch])
        return self._forward([*batch, *[batch[-1]] * (rows - len(batch))], length)

    def _steady_rows(self, ids: Sequence[int], length: int) -> int:
        # Whether a row's bits depend on where it stands in its batch is a property
        # of this machine's matrix kernels; where they do, rows go alone.
        rows = _batch_rows(length)
        if rows == 1:
            return 1
        found = self._forward([ids] * rows, length)
        return rows if bool((found == found[:1]).all()) else 1

    def _forward(self, rows: Sequence[Sequence[int]], length: int) -> Tensor:
        states: list[Tensor] = []
        for number, model in enumerate(self._models):
            pad = self._vocabulary.pad(number)
            padded = [[*row, *[pad] * (length - len(row))] for row in rows]
            ids = torch.tensor(padded, device=self._device)
            counts = torch.tensor([[len(row)] for row in rows], device=self._device)
            places = torch.arange(length, device=self._device)
            mask = (places < counts).long() if model.masked else None
            states.append(model.rows(ids, mask).cpu())
        return torch.cat(states, dim=-1)


def _batch_rows(length: int) -> int:
    fitting = max(1, min(32, _POSITIONS // length))
    return 1 << (fitting.bit_length() - 1)


def _batches(items: Sequence[T], length: int) -> Iterable[Sequence[T]]:
    rows = _batch_rows(length)
    return (items[start : start + rows] for start in range(0, len(items), rows))


def open_encoder(
    folder: PipelineFolder,
    *,
    dtype: Precision = "float32",
    cache: Path | None = None,
    device: str = "cpu",
    overrides: Overrides | None = None,
) -> PipelineEncoder:
    """Open the text encoders of a pipeline, and nothing else of it.

    Weights are read when the first prompt that is not cached is encoded.

    Args:
        folder: The opened folder.
        dtype: What to compute in.
        cache: Folder to keep encodings in; None keeps none.
        device: Where to compute.
        overrides: ``file:name`` to text-encoder tensors to use instead.

    Returns:
        The encoder.

    Raises:
        PipelineError: A tokenizer or config cannot be read.
    """
    return PipelineEncoder(
        folder, dtype=dtype, cache=cache, device=device, overrides=overrides or {}
    )
