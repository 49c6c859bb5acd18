"""Text encoders cut at a layer, and what the noise predictor reads of all of them."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from governance.engine.prompts import Template
from governance.engine.stage_one.protocols import Tail
from governance.engine.stage_one.texts import Said, say
from governance.engine.text_presets import EmcidParameters, emcid_layers


@dataclass(frozen=True)
class Cut:
    """One text encoder, cut behind its last edited layer.

    Args:
        tail: The encoder.
        layer: The layer, counted from 0.
    """

    tail: Tail
    layer: int


@dataclass(frozen=True)
class Below:
    """Prompts below the cut of one encoder.

    Args:
        said: The prompts.
        states: The cut layer's output [n, t, d].
    """

    said: Said
    states: Tensor


@dataclass(frozen=True)
class Reading:
    """What the noise predictor reads of some prompts.

    Args:
        rows: Every encoder's rows side by side [n, t, sum of d].
        pooled: [n, d_pooled], where one encoder has a pooled vector.
        features: The end tokens' normalised last states [n, d], by encoder.
    """

    rows: Tensor
    pooled: Tensor | None
    features: tuple[Tensor, ...]


def cuts(tails: Sequence[Tail], parameters: EmcidParameters) -> tuple[Cut, ...]:
    """Cut every encoder behind its last edited layer.

    Args:
        tails: The untouched text encoders, in the order the noise predictor reads.
        parameters: Validated parameters.
    """
    return tuple(Cut(tail, emcid_layers(parameters, tail.depth)[-1]) for tail in tails)


def below(
    phrases: Sequence[str], templates: Sequence[Template], at: Sequence[Cut]
) -> tuple[Below, ...]:
    """Run phrases in templates up to every cut, without gradients.

    Args:
        phrases: What is said.
        templates: What it is said in.
        at: The encoders.

    Raises:
        RequestError: A prompt is too long.
    """
    found = []
    for cut in at:
        said = say(phrases, templates, cut.tail)
        states = cut.tail.states(said.texts, cut.layer, padded=True)
        found.append(Below(said, states))
    return tuple(found)


def read(at: Sequence[Cut], prompts: Sequence[Below]) -> Reading:
    """Run every encoder above its cut, with gradients.

    Args:
        at: The encoders.
        prompts: The same prompts below each of them.
    """
    rows, features, pooled = [], [], []
    for cut, one in zip(at, prompts, strict=True):
        own, normed = cut.tail.above(one.states, cut.layer)
        ends = one.said.ends
        last = normed[torch.arange(len(ends), device=ends.device), ends]
        vector = cut.tail.pooled(last)
        rows.append(own)
        features.append(last.float())
        pooled += [] if vector is None else [vector]
    return Reading(
        rows=rows[0] if len(rows) == 1 else torch.cat(rows, dim=-1),
        pooled=torch.cat(pooled, dim=-1) if pooled else None,
        features=tuple(features),
    )
