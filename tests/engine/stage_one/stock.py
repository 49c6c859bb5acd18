"""Transformers' own encoder with hooks, which knows nothing of stage one."""

from typing import Any

import torch
from torch import Tensor
from transformers import CLIPTextModel, CLIPTextModelWithProjection, CLIPTokenizer

from governance.pipeline.folder import PipelineFolder


class Stock:
    """One encoder of a folder, its states changed on their way through.

    Args:
        folder: The pipeline.
        component: The encoder.
    """

    def __init__(self, folder: PipelineFolder, component: str = "text_encoder") -> None:
        second = component.endswith("_2")
        kind = CLIPTextModelWithProjection if second else CLIPTextModel
        loaded: Any = kind.from_pretrained(folder.root / component)
        self.model = loaded.train(mode=False)
        self.clip: Any = getattr(loaded, "text_model", loaded)
        name = "tokenizer_2" if second else "tokenizer"
        self.tokenizer: Any = CLIPTokenizer.from_pretrained(folder.root / name)

    def ids(self, prompt: str) -> Tensor:
        given = self.tokenizer(prompt, padding="max_length", return_tensors="pt")
        ids: Tensor = given.input_ids
        return ids

    def last(self, prompt: str) -> int:
        """Return the index of the last word's last token."""
        return len(self.tokenizer(prompt).input_ids) - 2

    def end(self, prompt: str, changes: dict[Any, Tensor] | None = None) -> Tensor:
        """Return the end token's normalised last state."""
        with torch.no_grad():
            states = self._run(prompt, changes)
        return states[len(self.tokenizer(prompt).input_ids) - 1]

    def rows(self, prompt: str, changes: dict[Any, Tensor] | None = None) -> Tensor:
        """Return every normalised last state [t, d]."""
        with torch.no_grad():
            return self._run(prompt, changes)

    def output(self, prompt: str, module: Any) -> Tensor:
        """Return what a module says at the last word."""
        found: list[Tensor] = []

        def seen(_module: object, _given: object, said: Any) -> None:
            found.append(said[0] if isinstance(said, tuple) else said)

        hook = module.register_forward_hook(seen)
        self.rows(prompt)
        hook.remove()
        return found[0][0, self.last(prompt)]

    def _run(self, prompt: str, changes: dict[Any, Tensor] | None) -> Tensor:
        place = self.last(prompt)
        hooks = [
            module.register_forward_hook(_adder(place, added))
            for module, added in (changes or {}).items()
        ]
        kept: list[Tensor] = []
        # The pooled vector is not what is wanted, and the unprojected states of a
        # model with a projection are those of its inner model.
        norm = self.clip.final_layer_norm
        hooks.append(norm.register_forward_hook(lambda _m, _g, said: kept.append(said)))
        self.model(self.ids(prompt))
        for hook in hooks:
            hook.remove()
        return kept[0][0]


def _adder(place: int, added: Tensor) -> Any:
    def add(_module: object, _given: object, said: Any) -> Any:
        states = (said[0] if isinstance(said, tuple) else said).clone()
        states[0, place] += added.to(states)
        return (states, *said[1:]) if isinstance(said, tuple) else states

    return add
