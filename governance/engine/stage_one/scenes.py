"""What EMCID's stage one compares a concept on; made once, before the first step."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from governance.engine.edit import Concept
from governance.engine.prompts import Template
from governance.engine.stage_one.protocols import Noise
from governance.engine.stage_one.reading import Cut, below, read
from governance.engine.text_presets import EmcidParameters

IMAGES = 2
"""Latents drawn for each prompt of a destination."""
MOMENTS = 16
"""Noise levels that each prompt is compared at, in turn."""


@dataclass(frozen=True)
class EmcidTarget:
    """One concept and what its prompts should be read as.

    Args:
        concept: The concept; its phrase is edited.
        destination: What it becomes; with images, only their name.
        images: Image files that show it instead; then the target is the true noise.
    """

    concept: Concept
    destination: str
    images: tuple[bytes, ...] = ()


@dataclass(frozen=True)
class Scene:
    """Noisy latents of one concept and what should be said of them.

    Args:
        noisy: [templates, moments, c, h, w].
        times: [templates, moments].
        said: [templates, moments, c, h, w].
        order: Which moment each step sees.
    """

    noisy: Tensor
    times: Tensor
    said: Tensor
    order: tuple[int, ...]


def scene(
    noise: Noise,
    at: Sequence[Cut],
    target: EmcidTarget,
    parameters: EmcidParameters,
) -> Scene:
    """Make what one concept is compared on; it depends on nothing else in the batch.

    Args:
        noise: The untouched noise predictor.
        at: The untouched text encoders.
        target: The concept.
        parameters: Validated parameters.

    Raises:
        RequestError: A prompt is too long, or an image cannot be read.
    """
    templates = parameters.templates
    chance = torch.Generator("cpu").manual_seed(_seed(parameters.seed, target))
    latents = _latents(noise, target, templates, parameters.seed)
    count, moments = len(templates), MOMENTS
    which = torch.arange(moments) % latents.shape[1]
    clean = latents[:, which]
    shape = clean.shape
    strength = torch.randn(shape, generator=chance).to(clean)
    # One time from every sixteenth of the schedule, so that none is left out.
    spread = torch.rand((count, moments), generator=chance) + torch.arange(moments)
    times = (spread * noise.times / moments).long().clamp(max=noise.times - 1)
    times = times.to(clean.device)
    order = torch.randperm(moments, generator=chance).tolist()
    flat = (count * moments, *shape[2:])
    level = times.reshape(-1)
    dirty = noise.noised(clean.reshape(flat), strength.reshape(flat), level)
    if target.images:
        said = noise.truth(clean.reshape(flat), strength.reshape(flat), level)
    else:
        said = _predictions(noise, at, target, templates, dirty, level)
    return Scene(dirty.reshape(shape), times, said.float().reshape(shape), tuple(order))


def _latents(
    noise: Noise, target: EmcidTarget, templates: Sequence[Template], seed: int
) -> Tensor:
    """Return latents [templates, images, c, h, w] that show the destination."""
    if target.images:
        found = noise.encode(target.images)
        return found[None].expand(len(templates), *found.shape)
    prompts = [t.say(target.destination.strip()).text for t in templates]
    wishes = [(prompt, seed + n) for prompt in prompts for n in range(IMAGES)]
    found = noise.draw(wishes)
    return found.reshape(len(templates), IMAGES, *found.shape[1:])


def _predictions(
    noise: Noise,
    at: Sequence[Cut],
    target: EmcidTarget,
    templates: Sequence[Template],
    dirty: Tensor,
    level: Tensor,
) -> Tensor:
    with torch.no_grad():
        seen = read(at, below([target.destination], templates, at))
        parts = []
        for place, (some, when) in enumerate(
            zip(dirty.chunk(len(templates)), level.chunk(len(templates)), strict=True)
        ):
            row = seen.rows[place]
            vector = None if seen.pooled is None else seen.pooled[place]
            many = None if vector is None else vector.expand(len(some), *vector.shape)
            rows = row.expand(len(some), *row.shape)
            parts.append(noise.predict(some, when, rows, many))
    return torch.cat(parts)


def _seed(seed: int, target: EmcidTarget) -> int:
    told = "\0".join((str(seed), target.concept.phrase, target.destination))
    digest = hashlib.sha256(told.encode()).digest()
    return int.from_bytes(digest[:7], "big")
