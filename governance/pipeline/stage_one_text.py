"""One CLIP text encoder cut at a layer, for optimising what that layer should say."""

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from governance.errors import PipelineError
from governance.pipeline.folder import PipelineFolder
from governance.pipeline.streams import projected
from governance.pipeline.text_model import TextModel, load_text_model
from governance.pipeline.vocabulary import Tokens, Vocabulary

_AT_ONCE = 64
"""Prompts that are run through the lower layers together."""


class PipelineTail:
    """The untouched text encoder of a pipeline.

    On CUDA the layers above the cut run in bfloat16 where that is faster; deltas and
    losses stay in float32.

    Args:
        folder: The opened folder.
        component: The encoder, such as ``text_encoder_2``.
        tokenizer: Its tokenizer, such as ``tokenizer_2``.
        device: Where to compute.
    """

    def __init__(
        self,
        folder: PipelineFolder,
        component: str,
        tokenizer: str,
        *,
        device: str = "cpu",
    ) -> None:
        self.component = component
        """Folder of the encoder."""
        self.device = device
        """Where its tensors lie."""
        self._folder = folder
        self._tokenizer = tokenizer
        self._vocabulary = Vocabulary(folder)

    @cached_property
    def _model(self) -> TextModel:
        found = load_text_model(
            self._folder,
            self.component,
            dtype=torch.float32,
            device=self.device,
            overrides={},
        )
        if found.masked:
            raise PipelineError(
                f"{self.component} hides padding from its own attention; stage one "
                "supports encoders that do not",
                "Use method uce or time.",
            )
        return found

    @cached_property
    def clip(self) -> Any:  # noqa: ANN401 - transformers types no submodules
        """Return the encoder itself, without a projection."""
        return getattr(self._model.module, "text_model", self._model.module)

    @property
    def depth(self) -> int:
        """Return the number of layers."""
        return len(self.clip.encoder.layers)

    def tokens(self, text: str) -> Tokens:
        """Split a text into tokens; an over-long one is an error, never cut."""
        return self._vocabulary.read(text)[self._tokenizer]

    def states(self, texts: Sequence[str], layer: int, *, padded: bool) -> Tensor:
        """Return a layer's output, without gradients.

        CLIP is causal: what stands behind an end token changes nothing before it.

        Args:
            texts: Prompts.
            layer: Layer, counted from 0.
            padded: Whether t is the model's full length rather than the longest text's.

        Returns:
            [n, t, d], float32.

        Raises:
            RequestError: A prompt has more tokens than the model can read.
        """
        ids = [self.tokens(text).ids for text in texts]
        length = self._vocabulary.length if padded else max(map(len, ids))
        pad = self._vocabulary.pad(self._tokenizer)
        filled = [[*one, *[pad] * (length - len(one))] for one in ids]
        parts = []
        with torch.no_grad():
            for start in range(0, len(filled), _AT_ONCE):
                batch = torch.tensor(filled[start : start + _AT_ONCE])
                states = self.clip.embeddings(batch.to(self.device))
                parts.append(self._run(states, 0, layer + 1))
        return torch.cat(parts)

    def outputs(self, places: Sequence[tuple[str, int]], layer: int) -> Tensor:
        """Return fc2 outputs with their bias, without gradients.

        Args:
            places: (prompt, token index).
            layer: Layer, counted from 0.

        Returns:
            [n, d], float32.
        """
        found: list[Tensor] = []

        def seen(_module: object, _given: object, said: Tensor) -> None:
            found.append(said)

        hook = self.clip.encoder.layers[layer].mlp.fc2.register_forward_hook(seen)
        try:
            rows = []
            for text, index in places:
                self.states([text], layer, padded=False)
                rows.append(found.pop()[0, index])
        finally:
            hook.remove()
        return torch.stack(rows)

    def above(self, states: Tensor, layer: int) -> tuple[Tensor, Tensor]:
        """Run every layer above one, with gradients.

        Args:
            states: The layer's output [n, t, d].
            layer: Layer, counted from 0.

        Returns:
            What the noise predictor reads, and the last layer's normalised output,
            both [n, t, d].
        """
        fast = self.device.startswith("cuda")
        with torch.autocast("cuda", torch.bfloat16, enabled=fast):
            if not self._model.penultimate:
                normed = self.clip.final_layer_norm(
                    self._run(states, layer + 1, self.depth)
                )
                return normed, normed
            inner = self._run(states, layer + 1, self.depth - 1)
            last = self._run(inner, max(layer + 1, self.depth - 1), self.depth)
            return inner, self.clip.final_layer_norm(last)

    def pooled(self, ends: Tensor) -> Tensor | None:
        """Return the vector the noise predictor reads beside the rows, if any.

        Args:
            ends: The end tokens' normalised last states [n, d_model].

        Returns:
            [n, d_projection], where the pipeline reads a projected vector.
        """
        if not projected(self._folder.family, self.component):
            return None
        module: Any = self._model.module
        found: Tensor = module.text_projection(ends)
        return found

    def _run(self, states: Tensor, first: int, stop: int) -> Tensor:
        length = states.shape[1]
        mask = torch.full((length, length), float("-inf"), device=states.device)
        mask = mask.triu(1)[None, None]
        for number in range(first, stop):
            found = self.clip.encoder.layers[number](states, mask.to(states.dtype))
            # Older releases return the states in a tuple.
            states = found[0] if isinstance(found, tuple) else found
        return states


def open_tails(folder: PipelineFolder, device: str = "cpu") -> tuple[PipelineTail, ...]:
    """Open every CLIP text encoder of a pipeline; weights are read when needed.

    Args:
        folder: The opened folder.
        device: Where to compute.
    """
    return tuple(
        PipelineTail(folder, component, tokenizer, device=device)
        for component, tokenizer in folder.text_encoders
    )
