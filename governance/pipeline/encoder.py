"""Prompts to the rows that a model reads, as its own ``encode_prompt`` gives them."""

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Literal, TypeAlias

import torch
import transformers
from torch import Tensor

from governance.pipeline.cache import EmbeddingCache
from governance.pipeline.folder import PipelineFolder
from governance.pipeline.runs import Ids, Runs, Wanted
from governance.pipeline.sites import Projection
from governance.pipeline.streams import Stream
from governance.pipeline.text_model import (
    Overrides,
    TextModel,
    encoder_digest,
    load_text_model,
)
from governance.pipeline.vocabulary import Reading, Tokens, Vocabulary

Precision: TypeAlias = Literal["float32", "float64"]
_DTYPES: Mapping[str, torch.dtype] = {
    "float32": torch.float32,
    "float64": torch.float64,
}


class PipelineEncoder:
    """The text encoders of one pipeline, without what draws its images.

    An embedding is the same to the bit whoever it is encoded with. CLIP computes in
    the dtype asked for throughout; T5's normalisation and attention weights are
    float32 in every dtype, as diffusers runs it.

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
        self._layout = self._vocabulary.layout
        self._models: dict[str, TextModel] = {}
        self._opened = [self._stream(one, cache) for one in self._layout.streams]
        self._pooled = [
            self._runs("pooled", (pair,), partial(self._pool, *pair), cache)
            for pair in self._layout.pooled
        ]

    @property
    def length(self) -> int:
        """Return how many rows one prompt has."""
        return self._layout.length

    @property
    def width(self) -> int:
        """Return the length d of one row."""
        return self._layout.width

    @property
    def pooled_width(self) -> int:
        """Return the length of a pooled vector; 0 where there is none."""
        return self._layout.pooled_width

    @property
    def projections(self) -> tuple[Projection, ...]:
        """Return the kinds of matrices that read what this gives."""
        return self._layout.projections

    @property
    def digest(self) -> str:
        """Return a digest of the tensors the embeddings come from."""
        every = chain.from_iterable(one.encoders for one in self._layout.streams)
        return self._digest(dict.fromkeys((*self._folder.text_encoders, *every)))

    @property
    def seconds(self) -> float:
        """Return the time spent reading and running the text encoders so far."""
        return sum(one.seconds for one in (*self._opened, *self._pooled))

    def tokens(self, text: str) -> Tokens:
        """Split a text into tokens; an over-long one is an error, never cut."""
        return self._vocabulary.tokens(text)

    def readings(self, text: str) -> tuple[Reading, ...]:
        """Split a text into tokens once for each stream of rows it becomes."""
        return self._vocabulary.readings(text)

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
            Rows [n, T, d] in the encoder's dtype, on the CPU; what no encoder makes
            is zero, as in SD3, whose CLIP rows are narrower than T5's.

        Raises:
            RequestError: A prompt has more tokens than the model can read.
        """
        found = torch.zeros(len(prompts), self.length, self.width, dtype=self._dtype)
        for stream, runs in zip(self._layout.streams, self._opened, strict=True):
            wanted = [
                Wanted(self._ids(text, stream.encoders), stream.length)
                for text in prompts
            ]
            rows = slice(stream.first, stream.first + stream.length)
            shape = (stream.length, stream.width)
            for place, states in zip(found, runs.get(wanted, shape), strict=True):
                place[rows, : stream.width] = states
        return found

    def encode_at(self, places: Sequence[tuple[str, int]]) -> Tensor:
        """Encode single rows, reading no further than they need.

        CLIP is causal, so a token's row depends on its own prefix only. T5 is not,
        and its whole padded prompt is read for one row.

        Args:
            places: (prompt, row); CLIP's row 0 is the beginning token.

        Returns:
            Rows [n, d] in the encoder's dtype, on the CPU.

        Raises:
            RequestError: A prompt has more tokens than the model can read.
        """
        found = torch.zeros(len(places), self.width, dtype=self._dtype)
        for stream, runs in zip(self._layout.streams, self._opened, strict=True):
            own = [
                (number, self._at(text, row - stream.first, stream))
                for number, (text, row) in enumerate(places)
                if 0 <= row - stream.first < stream.length
            ]
            states = runs.get([wanted for _, wanted in own], (stream.width,))
            for (number, _), state in zip(own, states, strict=True):
                found[number, : stream.width] = state
        return found

    def encode_pooled(self, prompts: Sequence[str]) -> Tensor:
        """Encode prompts as one vector each, as the pipeline's ``encode_prompt`` does.

        Args:
            prompts: Texts.

        Returns:
            Vectors [n, d] in the encoder's dtype, on the CPU; d is 0 in a pipeline
            that has none.

        Raises:
            RequestError: A prompt has more tokens than the model can read.
        """
        found = torch.zeros(len(prompts), self.pooled_width, dtype=self._dtype)
        first = 0
        for pair, runs in zip(self._layout.pooled, self._pooled, strict=True):
            ids = [self._ids(text, (pair,)) for text in prompts]
            width = self._layout.pooled_widths[pair[0]]
            wanted = [Wanted(one, len(one[0])) for one in ids]
            for place, vector in zip(found, runs.get(wanted, (width,)), strict=True):
                place[first : first + width] = vector
            first += width
        return found

    def release(self) -> None:
        """Forget the encoders' weights; they are read again for the next text."""
        self._models.clear()

    def _ids(self, text: str, encoders: Iterable[tuple[str, str]]) -> Ids:
        read = self._vocabulary.read(text)
        return tuple(read[tokenizer].ids for _, tokenizer in encoders)

    def _at(self, text: str, row: int, stream: Stream) -> Wanted:
        ids = self._ids(text, stream.encoders)
        if not stream.causal or row >= len(ids[0]):
            return Wanted(ids, stream.length, row)
        return Wanted(tuple(one[: row + 1] for one in ids), row + 1, row)

    def _digest(self, encoders: Iterable[tuple[str, str]]) -> str:
        return ":".join(
            encoder_digest(self._folder, component, self._overrides)
            for component, _ in encoders
        )

    def _stream(self, stream: Stream, cache: Path | None) -> Runs:
        return self._runs(
            "rows", stream.encoders, partial(self._states, stream.encoders), cache
        )

    def _runs(
        self,
        name: str,
        encoders: tuple[tuple[str, str], ...],
        run: "partial[Tensor]",
        cache: Path | None,
    ) -> Runs:
        context: list[str | int] = [self._digest(encoders), str(self._dtype)]
        context += [self._device, torch.get_num_threads()]
        context += [torch.backends.cpu.get_cpu_capability()]
        context += [torch.__version__, transformers.__version__]
        return Runs(name, run, EmbeddingCache(cache, context), self._dtype)

    def _model(self, component: str) -> TextModel:
        if component not in self._models:
            self._models[component] = load_text_model(
                self._folder,
                component,
                dtype=self._dtype,
                device=self._device,
                overrides=self._overrides,
            )
        return self._models[component]

    def _states(
        self, encoders: Sequence[tuple[str, str]], texts: Sequence[Ids], length: int
    ) -> Tensor:
        states: list[Tensor] = []
        for number, (component, tokenizer) in enumerate(encoders):
            model = self._model(component)
            rows = [text[number] for text in texts]
            ids = self._padded(rows, tokenizer, length)
            counts = torch.tensor([[len(row)] for row in rows], device=self._device)
            places = torch.arange(length, device=self._device)
            mask = (places < counts).long() if model.masked else None
            states.append(model.rows(ids, mask).cpu())
        return torch.cat(states, dim=-1)

    def _pool(
        self, component: str, tokenizer: str, texts: Sequence[Ids], length: int
    ) -> Tensor:
        ids = self._padded([text[0] for text in texts], tokenizer, length)
        return self._model(component).pooled(ids).cpu()

    def _padded(
        self, rows: Sequence[Sequence[int]], tokenizer: str, length: int
    ) -> Tensor:
        pad = self._vocabulary.pad(tokenizer)
        padded = [[*row, *[pad] * (length - len(row))] for row in rows]
        return torch.tensor(padded, device=self._device)


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
