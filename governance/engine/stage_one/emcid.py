"""EMCID's stage one, arXiv:2403.13807, section 3.2: where an encoder's state should be.

A delta is added to the output of the last edited layer at the phrase's last token, so
that the noise predictor says for prompts of the phrase what it says for those of the
destination, at the same latents and times. Latents, times, noise and the destination's
predictions are made once; a step runs the layers above and the noise predictor.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from governance.engine.edit import Concept
from governance.engine.prompts import Template
from governance.engine.stage_one.descent import Objective, descend, placed
from governance.engine.stage_one.protocols import Noise, Tail
from governance.engine.stage_one.texts import Said, features, say
from governance.engine.text_presets import EmcidParameters, emcid_layers

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
class EmcidValues:
    """Stage-one results.

    Args:
        base: Mean output of the last edited layer over templates [n, d_model].
        wanted: z [n, d_model].
    """

    base: Tensor
    wanted: Tensor


def emcid_values(
    tail: Tail,
    noise: Noise,
    targets: Sequence[EmcidTarget],
    parameters: EmcidParameters,
    on_step: Callable[[int, int], None] | None = None,
) -> EmcidValues:
    """Optimise where the last edited layer's output should be for some concepts.

    Args:
        tail: The untouched text encoder.
        noise: The untouched noise predictor.
        targets: What is edited, and into what.
        parameters: Validated parameters.
        on_step: Called with steps done and steps in all; it may raise to stop.

    Returns:
        Base states and wanted states, float64.

    Raises:
        RequestError: A prompt is too long.
        EngineError: The loss is not finite.
    """
    layer = emcid_layers(parameters, tail.depth)[-1]
    repeats = len(parameters.templates)
    names = [target.concept.phrase for target in targets]
    edited = say(names, parameters.templates, tail)
    states = tail.states(edited.texts, layer, padded=True)
    rows = torch.arange(len(states), device=states.device)
    own = states[rows, edited.places].float()
    base = own.double().reshape(-1, repeats, own.shape[1]).mean(dim=1)
    lengths = torch.linalg.norm(base, dim=1).float()
    course = _Course(
        tail, noise, layer, edited, states, repeats, _views(tail, targets, parameters)
    )
    scenes = [_scene(noise, t, parameters, layer, tail) for t in targets]

    def objective(delta: Tensor, step: int) -> Objective:
        moved = course.moved(delta)
        pull = course.alignment(moved) * parameters.text_weight
        gaps = course.prediction_gap(moved, scenes, step)
        length = delta.square().sum(dim=1) / lengths.square()
        losses = gaps + pull + parameters.weight_decay * length
        return Objective(losses, torch.zeros_like(losses, dtype=torch.bool))

    delta = descend(
        objective,
        parameters.clamp * lengths,
        own.shape[1],
        steps=parameters.steps,
        learning_rate=parameters.learning_rate,
        names=names,
        on_step=on_step,
    )
    return EmcidValues(base.cpu(), (base + delta.double()).cpu())


@dataclass(frozen=True)
class _Scene:
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


@dataclass(frozen=True)
class _Views:
    """End-token features of destinations [n * templates, d]; zero weight for images."""

    features: Tensor
    weights: Tensor


@dataclass(frozen=True)
class _Course:
    tail: Tail
    noise: Noise
    layer: int
    edited: Said
    states: Tensor
    repeats: int
    views: _Views

    def moved(self, delta: Tensor) -> Tensor:
        return placed(delta, self.states, self.edited.places, self.repeats)

    def alignment(self, moved: Tensor) -> Tensor:
        found = features(self.tail, moved, self.layer, self.edited.ends)
        apart = (found - self.views.features).square().mean(dim=1) * self.views.weights
        return apart.reshape(-1, self.repeats).mean(dim=1)

    def prediction_gap(
        self, moved: Tensor, scenes: Sequence[_Scene], step: int
    ) -> Tensor:
        rows, _ = self.tail.above(moved, self.layer)
        now = [one.order[step % len(one.order)] for one in scenes]
        noisy = torch.cat([s.noisy[:, m] for s, m in zip(scenes, now, strict=True)])
        times = torch.cat([s.times[:, m] for s, m in zip(scenes, now, strict=True)])
        said = torch.cat([s.said[:, m] for s, m in zip(scenes, now, strict=True)])
        found = self.noise.predict(noisy, times, rows).float()
        apart = (found - said).square().mean(dim=(1, 2, 3))
        return apart.reshape(-1, self.repeats).mean(dim=1)


def _views(
    tail: Tail, targets: Sequence[EmcidTarget], parameters: EmcidParameters
) -> _Views:
    layer = emcid_layers(parameters, tail.depth)[-1]
    said = say([t.destination for t in targets], parameters.templates, tail)
    with torch.no_grad():
        states = tail.states(said.texts, layer, padded=True)
        found = features(tail, states, layer, said.ends)
    shown = [float(not t.images) for t in targets for _ in parameters.templates]
    return _Views(found, torch.tensor(shown, device=found.device))


def _scene(
    noise: Noise,
    target: EmcidTarget,
    parameters: EmcidParameters,
    layer: int,
    tail: Tail,
) -> _Scene:
    """Make what one concept is compared on; it depends on nothing else in the batch."""
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
        said = _predictions(noise, tail, target, templates, layer, dirty, level)
    return _Scene(
        dirty.reshape(shape), times, said.float().reshape(shape), tuple(order)
    )


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
    tail: Tail,
    target: EmcidTarget,
    templates: Sequence[Template],
    layer: int,
    dirty: Tensor,
    level: Tensor,
) -> Tensor:
    said = say([target.destination], templates, tail)
    with torch.no_grad():
        states = tail.states(said.texts, layer, padded=True)
        rows, _ = tail.above(states, layer)
        parts = [
            noise.predict(some, when, row.expand(len(some), *row.shape))
            for some, when, row in zip(
                dirty.chunk(len(templates)),
                level.chunk(len(templates)),
                rows,
                strict=True,
            )
        ]
    return torch.cat(parts)


def _seed(seed: int, target: EmcidTarget) -> int:
    told = "\0".join((str(seed), target.concept.phrase, target.destination))
    digest = hashlib.sha256(told.encode()).digest()
    return int.from_bytes(digest[:7], "big")
