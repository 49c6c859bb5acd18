"""One CLIP text encoder, run layer by layer while its fc2 weights are exchanged."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any, TypeAlias

import torch
from torch import Tensor, nn

from governance.errors import PipelineError
from governance.pipeline.encoder import Precision
from governance.pipeline.folder import PipelineFolder
from governance.pipeline.sites import TextSite
from governance.pipeline.text_model import TextModel, load_text_model
from governance.pipeline.vocabulary import Tokens, Vocabulary
from governance.pipeline.weights import PipelineWeights

Ids: TypeAlias = tuple[int, ...]
Place: TypeAlias = tuple[str, int]
_DTYPES: Mapping[str, torch.dtype] = {
    "float32": torch.float32,
    "float64": torch.float64,
}
_POSITIONS = 48
"""About how many token positions one batch holds, whatever the prefixes' length.

More would fill better with a thousand edits, and waste more on one."""
ROOM = 512 << 20
"""Bytes of hidden states that are kept between reads; more are run again."""


class PipelineTextProbe:
    """One text encoder of a pipeline; nothing of it is changed on disk.

    CLIP is causal, so only a prompt's prefix up to the wanted token is run, and only
    through the layers that are asked for. Every batch of one prefix length has one
    shape, filled by repeating its last row, so that a row's bits depend on its prefix
    and the weights set so far alone.

    Args:
        folder: The opened folder.
        component: The encoder, such as ``text_encoder_2``.
        tokenizer: Its tokenizer, such as ``tokenizer_2``.
        dtype: What to compute in.
        device: Where to compute.
    """

    def __init__(
        self,
        folder: PipelineFolder,
        component: str,
        tokenizer: str,
        *,
        dtype: Precision = "float32",
        device: str = "cpu",
    ) -> None:
        self.component = component
        """Folder of the encoder."""
        self._folder = folder
        self._tokenizer = tokenizer
        self._dtype = _DTYPES[dtype]
        self._device = device
        self._weights = PipelineWeights(folder)
        self._vocabulary = Vocabulary(folder)
        self._states: dict[Ids, tuple[int, Tensor]] = {}
        self._room = ROOM
        self._shapes: dict[int, int] = {}
        self.seconds = 0.0
        """Time spent reading and running the encoder so far."""

    @cached_property
    def _sites(self) -> Mapping[int, tuple[TextSite, ...]]:
        found: dict[int, tuple[TextSite, ...]] = {}
        for site in self._weights.text_sites:
            if site.component == self.component:
                found[site.layer] = (*found.get(site.layer, ()), site)
        if sorted(found) != list(range(len(found))) or not found:
            raise PipelineError(
                f"component {self.component} has fc2 weights of the layers "
                f"{sorted(found)}; expected every layer from 0"
            )
        return found

    @cached_property
    def _model(self) -> TextModel:
        return load_text_model(
            self._folder,
            self.component,
            dtype=self._dtype,
            device=self._device,
            overrides={},
        )

    @cached_property
    def _clip(self) -> Any:  # noqa: ANN401 - transformers types no submodules
        return getattr(self._model.module, "text_model", self._model.module)

    @property
    def depth(self) -> int:
        """Return the number of layers."""
        return len(self._sites)

    @property
    def d_model(self) -> int:
        """Return the width of the residual stream."""
        return self._sites[0][0].shape[0]

    @property
    def d_ff(self) -> int:
        """Return the width of an fc2 input."""
        return self._sites[0][0].shape[1]

    @property
    def read_layer(self) -> int:
        """Return the layer whose output the pipeline reads, counted from 0."""
        return self.depth - (2 if self._model.penultimate else 1)

    def sites(self, layer: int) -> tuple[TextSite, ...]:
        """Return a layer's fc2 in every variant; the first is what the model loads.

        Args:
            layer: Layer, counted from 0.
        """
        return self._sites[layer]

    def read(self, key: str) -> Tensor:
        """Read one of the base's matrices [d_out, d_in] in its own dtype.

        Args:
            key: ``file:name`` of one of its sites.

        Raises:
            PipelineError: It is missing or holds NaN or infinity.
        """
        return self._weights.read_key(key)

    @property
    def exact(self) -> bool:
        """Tell whether it computes in float64."""
        return self._dtype == torch.float64

    def bias(self, layer: int) -> Tensor:
        """Return a layer's fc2 bias [d_model], in the encoder's dtype."""
        found: Tensor = self._fc2(layer).bias
        return found.detach().cpu()

    def tokens(self, text: str) -> Tokens:
        """Split a text into tokens; an over-long one is an error, never cut."""
        return self._vocabulary.read(text)[self._tokenizer]

    def replace(self, layer: int, weight: Tensor) -> None:
        """Use another fc2 weight from now on.

        Args:
            layer: Layer, counted from 0.
            weight: [d_model, d_ff], finite; rounded to what the encoder computes in.
        """
        fc2 = self._fc2(layer)
        new = weight.to(self._device, self._dtype, copy=True)
        fc2.weight = nn.Parameter(new, requires_grad=False)
        for ids, (reached, states) in list(self._states.items()):
            if reached > layer:
                del self._states[ids]
                self._room += states.numel() * states.element_size()

    def keys(self, layer: int, places: Sequence[Place]) -> Tensor:
        """Read fc2 inputs.

        Args:
            layer: Layer, counted from 0.
            places: (prompt, token index); index 0 is the beginning token.

        Returns:
            Rows [n, d_ff] on the CPU, in the encoder's dtype.

        Raises:
            RequestError: A prompt has more tokens than the model can read.
        """

        def read(states: Tensor) -> Tensor:
            found: list[Tensor] = []

            def seen(_: object, given: tuple[Tensor]) -> None:
                found.append(given[0][:, -1])

            hook = self._fc2(layer).register_forward_pre_hook(seen)
            self._block(layer, states)
            hook.remove()
            return found[0]

        # Edits go from shallow to deep, so what lies below this layer stays as it is.
        return self._each(places, layer, read, self.d_ff, keep=True)

    def blocks(self, layer: int, places: Sequence[Place]) -> Tensor:
        """Read the residual stream after a layer.

        Args:
            layer: Layer, counted from 0.
            places: (prompt, token index); index 0 is the beginning token.

        Returns:
            Rows [n, d_model] on the CPU, in the encoder's dtype.

        Raises:
            RequestError: A prompt has more tokens than the model can read.
        """

        def read(states: Tensor) -> Tensor:
            return self._block(layer, states)[:, -1]

        return self._each(places, layer, read, self.d_model, keep=False)

    def _each(
        self,
        places: Sequence[Place],
        layer: int,
        read: Callable[[Tensor], Tensor],
        width: int,
        *,
        keep: bool,
    ) -> Tensor:
        """Run every distinct prefix up to a layer, and read its last token there."""
        started = time.perf_counter()
        prefixes = [self.tokens(text).ids[: index + 1] for text, index in places]
        found: dict[Ids, Tensor] = {}
        with torch.no_grad():
            for batch in self._batches(dict.fromkeys(prefixes), layer):
                states = self._reach(batch, layer)
                parts = torch.split(states, self._steady(batch[0]))
                rows = torch.cat([read(part) for part in parts])
                found |= zip(batch, rows, strict=False)
                for ids, state in zip(batch, states, strict=False):
                    if keep:
                        self._keep(ids, layer, state)
        self.seconds += time.perf_counter() - started
        if not places:
            return torch.empty((0, width), dtype=self._dtype)
        return torch.stack([found[ids] for ids in prefixes]).cpu()

    def _batches(self, prefixes: Iterable[Ids], layer: int) -> Iterable[list[Ids]]:
        groups: dict[tuple[int, int], list[Ids]] = {}
        for ids in prefixes:
            reached = self._reached(ids, layer)
            groups.setdefault((len(ids), reached), []).append(ids)
        for (length, _), same in groups.items():
            rows = _batch_rows(length)
            for start in range(0, len(same), rows):
                yield same[start : start + rows]

    def _reached(self, ids: Ids, layer: int) -> int:
        kept = self._states.get(ids, (-1,))[0]
        return kept if kept <= layer else -1

    def _reach(self, batch: Sequence[Ids], layer: int) -> Tensor:
        """Return the inputs [rows, t, d] of a layer, filled to the batch's shape."""
        start = self._reached(batch[0], layer)
        rows = self._steady(batch[0])
        filled = [*batch, *[batch[-1]] * (rows - len(batch))]
        parts: list[Tensor] = []
        for first in range(0, len(filled), rows):
            some = filled[first : first + rows]
            if start < 0:
                states = self._embed(some)
            else:
                states = torch.stack([self._states[ids][1] for ids in some])
            for number in range(max(start, 0), layer):
                states = self._block(number, states)
            parts.append(states)
        return torch.cat(parts)

    def _keep(self, ids: Ids, layer: int, states: Tensor) -> None:
        size = states.numel() * states.element_size()
        if ids in self._states:
            if self._states[ids][0] > layer:
                return
            del self._states[ids]
            self._room += size
        if self._room >= size:
            self._room -= size
            self._states[ids] = (layer, states.clone())

    def _steady(self, ids: Ids) -> int:
        """Return how many rows of one length go together on this machine.

        Whether a row's bits depend on where it stands in its batch is a property of
        the machine's matrix kernels; where they do, rows go alone.
        """
        length = len(ids)
        if length not in self._shapes:
            rows = _batch_rows(length)
            states, same = self._embed([ids] * rows), True
            for number in range(self.depth):
                states = self._block(number, states)
                same = same and bool((states == states[:1]).all())
            self._shapes[length] = rows if same else 1
        return self._shapes[length]

    def _embed(self, batch: Sequence[Ids]) -> Tensor:
        found: Tensor = self._clip.embeddings(torch.tensor(batch, device=self._device))
        return found

    def _block(self, layer: int, states: Tensor) -> Tensor:
        length = states.shape[1]
        mask = torch.full((length, length), float("-inf")).triu(1)
        mask = mask.to(states)[None, None]
        found = self._clip.encoder.layers[layer](states, mask)
        # Older releases return the states in a tuple.
        out: Tensor = found[0] if isinstance(found, tuple) else found
        return out

    def _fc2(self, layer: int) -> Any:  # noqa: ANN401 - transformers types no submodules
        return self._clip.encoder.layers[layer].mlp.fc2


def _batch_rows(length: int) -> int:
    fitting = max(1, min(32, _POSITIONS // length))
    return 1 << (fitting.bit_length() - 1)


def open_text_probes(
    folder: PipelineFolder, *, dtype: Precision = "float32", device: str = "cpu"
) -> tuple[PipelineTextProbe, ...]:
    """Open every CLIP text encoder of a pipeline with the base's own weights.

    Weights are read when the first token is.

    Args:
        folder: The opened folder.
        dtype: What to compute in.
        device: Where to compute.
    """
    return tuple(
        PipelineTextProbe(folder, component, tokenizer, dtype=dtype, device=device)
        for component, tokenizer in folder.text_encoders
    )
