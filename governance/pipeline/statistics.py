"""Key covariances of every text-encoder layer, in one pass over captions."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, TypeAlias

import torch
from torch import Tensor

from governance.canonical import JSON
from governance.pipeline.device import algebra_device
from governance.pipeline.folder import PipelineFolder
from governance.pipeline.text_model import encoder_digest, load_text_model
from governance.pipeline.vocabulary import Vocabulary
from governance.pipeline.weights import PipelineWeights
from governance.text import forbidden_character

Told: TypeAlias = Callable[[int], None]
ROWS = "every token but padding, beginning and end tokens included"
_CHUNK = 1024
"""Captions that are tokenized and sorted by length together."""
_POSITIONS = 4096
"""About how many token positions one batch holds."""


@dataclass(frozen=True)
class Measured:
    """What captions told about a model's keys.

    Args:
        covariances: (component, layer) to E[k k^T] [d_in, d_in], float64.
        tokens: Rows each of them is the mean of.
        captions: Captions that were read.
        skipped: Captions with more tokens than the model reads, left out whole.
        unclean: Captions with control characters, or that a tokenizer reads with
            unknown or special tokens, left out whole: those say nothing of text.
    """

    covariances: Mapping[tuple[str, int], Tensor]
    tokens: int
    captions: int
    skipped: int
    unclean: int = 0

    def about(self, captions: str) -> dict[str, JSON]:
        """Say what the covariances were computed from.

        Args:
            captions: Digest of the captions file.
        """
        said: dict[str, JSON] = {
            "captions": captions,
            "caption_count": self.captions,
            "skipped": self.skipped,
            "tokens": self.tokens,
            "rows": ROWS,
        }
        return {**said, "unclean": self.unclean} if self.unclean else said


def encoder_digests(folder: PipelineFolder) -> dict[str, str]:
    """Return the digest of each CLIP encoder of a model, by its component.

    Args:
        folder: The opened pipeline folder.
    """
    return {one: encoder_digest(folder, one, {}) for one, _ in folder.text_encoders}


def key_widths(folder: PipelineFolder) -> dict[tuple[str, int], int]:
    """Return d_in of every layer's ``mlp.fc2``, by (component, layer).

    Args:
        folder: The opened pipeline folder.
    """
    sites = PipelineWeights(folder).text_sites
    return {(site.component, site.layer): site.shape[1] for site in sites}


def measure_keys(
    folder: PipelineFolder,
    captions: Iterable[str],
    *,
    device: str = "cpu",
    on_tokens: Told | None = None,
) -> Measured:
    """Average k k^T over every token of every caption, for all layers at once.

    k is the input of ``mlp.fc2`` (ROME arXiv:2202.05262, section 3.1). All tokens that
    are no padding count, the beginning and the end token included, as in the published
    statistics of ROME and MEMIT, whose attention mask holds them too. Sums are float64,
    unscaled: E[k k^T], no mean taken off.

    Args:
        folder: The opened pipeline folder.
        captions: Texts; read once.
        device: Where encoders run; sums too, where it has float64.
        on_tokens: Told how many tokens were read; it may raise to stop.

    Returns:
        The covariances; NaN nowhere, empty where there was no token.
    """
    vocabulary = Vocabulary(folder)
    pairs = folder.text_encoders
    readers = [_Reader(folder, component, device) for component, _ in pairs]
    tokens = taken = skipped = unclean = 0
    for some in _chunks(captions):
        chunk = _clean(some, vocabulary, [tokenizer for _, tokenizer in pairs])
        unclean += len(some) - len(chunk)
        rows = [vocabulary.ids(chunk, tokenizer) for _, tokenizer in pairs]
        fitting = [
            place
            for place in range(len(chunk))
            if all(
                len(ids[place]) <= vocabulary.limit(tokenizer)
                for ids, (_, tokenizer) in zip(rows, pairs, strict=True)
            )
        ]
        taken += len(fitting)
        skipped += len(chunk) - len(fitting)
        for reader, ids, (_, tokenizer) in zip(readers, rows, pairs, strict=True):
            pad = vocabulary.pad(tokenizer)
            reader.add([ids[place] for place in fitting], pad)
        tokens += sum(len(rows[0][place]) for place in fitting)
        if on_tokens is not None:
            on_tokens(tokens)
    found = {key: value for reader in readers for key, value in reader.means().items()}
    return Measured(found, tokens, taken, skipped, unclean)


def _clean(
    captions: Sequence[str], vocabulary: Vocabulary, tokenizers: Sequence[str]
) -> list[str]:
    """Leave out what no tokenizer reads as text."""
    plain = [text for text in captions if forbidden_character(text) is None]
    strange = [vocabulary.strange(plain, one) for one in tokenizers]
    odd = frozenset().union(*strange)
    return [text for place, text in enumerate(plain) if place not in odd]


class _Reader:
    """One encoder with an ear at every ``mlp.fc2``."""

    def __init__(self, folder: PipelineFolder, component: str, device: str) -> None:
        self._component = component
        self._device = device
        self._sums: dict[int, Tensor] = {}
        self._rows = 0
        self._keep: Tensor = torch.empty(0, dtype=torch.bool)
        model = load_text_model(
            folder, component, dtype=torch.float32, device=device, overrides={}
        )
        self._module: Any = model.module
        clip: Any = getattr(self._module, "text_model", self._module)
        for layer, block in enumerate(clip.encoder.layers):
            block.mlp.fc2.register_forward_pre_hook(self._ear(layer))

    def _ear(self, layer: int) -> Callable[[object, tuple[Tensor]], None]:
        def hear(_: object, given: tuple[Tensor]) -> None:
            keys = given[0][self._keep].to(algebra_device(self._device)).double()
            if layer not in self._sums:
                width = keys.shape[1]
                self._sums[layer] = keys.new_zeros((width, width))
            self._sums[layer].addmm_(keys.T, keys)

        return hear

    def add(self, rows: Sequence[Sequence[int]], pad: int) -> None:
        """Run texts, given as token ids, and add up what is heard."""
        for batch in _batches(sorted(rows, key=len)):
            length = len(batch[-1])
            ids = torch.tensor([[*row, *[pad] * (length - len(row))] for row in batch])
            counts = torch.tensor([[len(row)] for row in batch])
            # CLIP is causal: what stands behind a text changes none of its rows.
            self._keep = (torch.arange(length) < counts).to(self._device)
            self._rows += int(counts.sum())
            with torch.inference_mode():
                self._module(ids.to(self._device))

    def means(self) -> dict[tuple[str, int], Tensor]:
        """Return E[k k^T] of every layer, on the CPU."""
        return {
            (self._component, layer): (total / self._rows).cpu()
            for layer, total in self._sums.items()
        }


def _chunks(captions: Iterable[str]) -> Iterator[list[str]]:
    rest = iter(captions)
    while chunk := list(islice(rest, _CHUNK)):
        yield chunk


def _batches(rows: Sequence[Sequence[int]]) -> Iterator[Sequence[Sequence[int]]]:
    """Cut texts, shortest first, into batches of about as many positions."""
    start = 0
    for end in range(1, len(rows) + 1):
        full = end < len(rows) and (end + 1 - start) * len(rows[end]) > _POSITIONS
        if full or end == len(rows):
            yield rows[start:end]
            start = end
