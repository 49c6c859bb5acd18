"""Prompts of stage one, and where their subjects and ends stand."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from governance.engine.prompts import Template, last_token
from governance.engine.stage_one.protocols import Tail


@dataclass(frozen=True)
class Said:
    """Phrases said in every template, a phrase's prompts side by side.

    Args:
        texts: The prompts.
        places: Index of each subject's last token [n], on the tail's device.
        ends: Index of each end token [n], on the tail's device.
    """

    texts: tuple[str, ...]
    places: Tensor
    ends: Tensor


def say(phrases: Sequence[str], templates: Sequence[Template], tail: Tail) -> Said:
    """Say phrases in templates.

    Args:
        phrases: What is said.
        templates: What it is said in.
        tail: Tells where tokens stand.

    Raises:
        RequestError: A prompt is too long, or a subject has no token.
    """
    said = [t.say(phrase.strip()) for phrase in phrases for t in templates]
    tokens = [tail.tokens(one.text) for one in said]
    places = [last_token(one, own) for one, own in zip(said, tokens, strict=True)]
    return Said(
        texts=tuple(one.text for one in said),
        places=torch.tensor(places, device=tail.device),
        ends=torch.tensor([len(own.ids) - 1 for own in tokens], device=tail.device),
    )


def features(tail: Tail, states: Tensor, layer: int, ends: Tensor) -> Tensor:
    """Return the end token's normalised last state [n, d], with gradients."""
    _, normed = tail.above(states, layer)
    return normed[torch.arange(len(ends), device=ends.device), ends].float()
