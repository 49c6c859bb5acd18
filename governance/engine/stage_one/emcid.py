"""EMCID's stage one, arXiv:2403.13807, section 3.2: where an encoder's state should be.

A delta is added to the output of the last edited layer at the phrase's last token, so
that the noise predictor says for prompts of the phrase what it says for those of the
destination, at the same latents and times. Latents, times, noise and the destination's
predictions are made once; a step runs the layers above and the noise predictor. Where
the predictor reads two encoders (SDXL), each has a delta and both are found together.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from governance.engine.stage_one.descent import Objective, descend, parts, placed
from governance.engine.stage_one.protocols import Noise, Tail
from governance.engine.stage_one.reading import (
    Below,
    Cut,
    Reading,
    below,
    cuts,
    read,
)
from governance.engine.stage_one.scenes import EmcidTarget, Scene, scene
from governance.engine.text_presets import EmcidParameters


@dataclass(frozen=True)
class EmcidValues:
    """Stage-one results of one text encoder.

    Args:
        base: Mean output of the last edited layer over templates [n, d_model].
        wanted: z [n, d_model].
    """

    base: Tensor
    wanted: Tensor


def emcid_values(
    tails: Sequence[Tail],
    noise: Noise,
    targets: Sequence[EmcidTarget],
    parameters: EmcidParameters,
    on_step: Callable[[int, int], None] | None = None,
) -> tuple[EmcidValues, ...]:
    """Optimise where the last edited layer's output should be for some concepts.

    Args:
        tails: The untouched text encoders, in the order the noise predictor reads.
        noise: The untouched noise predictor.
        targets: What is edited, and into what.
        parameters: Validated parameters.
        on_step: Called with steps done and steps in all; it may raise to stop.

    Returns:
        Base states and wanted states of each encoder, float64.

    Raises:
        RequestError: A prompt is too long.
        EngineError: The loss is not finite.
    """
    at = cuts(tails, parameters)
    course = _Course.of(at, noise, targets, parameters)
    scenes = [scene(noise, at, target, parameters) for target in targets]

    def objective(delta: Tensor, step: int) -> Objective:
        seen = course.read(delta)
        pull = course.alignment(seen) * parameters.text_weight
        gaps = course.prediction_gap(seen, scenes, step)
        losses = gaps + pull + parameters.weight_decay * course.effort(delta)
        return Objective(losses, torch.zeros_like(losses, dtype=torch.bool))

    delta = descend(
        objective,
        parameters.clamp * course.lengths,
        course.widths,
        steps=parameters.steps,
        learning_rate=parameters.learning_rate,
        names=[target.concept.phrase for target in targets],
        on_step=on_step,
    )
    moved = parts(delta.double(), course.widths)
    return tuple(
        EmcidValues(base.cpu(), (base + own).cpu())
        for base, own in zip(course.bases, moved, strict=True)
    )


@dataclass(frozen=True)
class _Course:
    """Everything a step of the descent reads, by encoder.

    Args:
        at: The encoders.
        noise: The noise predictor.
        edited: The edited prompts below each cut.
        bases: Mean output of the cut layer over templates [n, d], float64.
        lengths: Their 2-norms [n, encoders], float32.
        aims: The destinations' end-token features [n * templates, d].
        weights: What an aim counts [n * templates]; zero where images are given.
        repeats: Templates.
    """

    at: tuple[Cut, ...]
    noise: Noise
    edited: tuple[Below, ...]
    bases: tuple[Tensor, ...]
    lengths: Tensor
    aims: tuple[Tensor, ...]
    weights: Tensor
    repeats: int

    @classmethod
    def of(
        cls,
        at: tuple[Cut, ...],
        noise: Noise,
        targets: Sequence[EmcidTarget],
        parameters: EmcidParameters,
    ) -> "_Course":
        templates = parameters.templates
        repeats = len(templates)
        edited = below([target.concept.phrase for target in targets], templates, at)
        bases = tuple(_base(one, repeats) for one in edited)
        lengths = [torch.linalg.norm(base, dim=1).float() for base in bases]
        with torch.no_grad():
            wanted = below([target.destination for target in targets], templates, at)
            aims = read(at, wanted).features
        shown = [float(not target.images) for target in targets for _ in templates]
        return cls(
            at=at,
            noise=noise,
            edited=edited,
            bases=bases,
            lengths=torch.stack(lengths, dim=1),
            aims=aims,
            weights=torch.tensor(shown, device=aims[0].device),
            repeats=repeats,
        )

    @property
    def widths(self) -> tuple[int, ...]:
        return tuple(base.shape[1] for base in self.bases)

    def read(self, delta: Tensor) -> Reading:
        own = parts(delta, self.widths)
        moved = [
            Below(one.said, placed(part, one.states, one.said.places, self.repeats))
            for one, part in zip(self.edited, own, strict=True)
        ]
        return read(self.at, moved)

    def alignment(self, seen: Reading) -> Tensor:
        apart = [
            (found - aim).square().mean(dim=1) * self.weights
            for found, aim in zip(seen.features, self.aims, strict=True)
        ]
        both = torch.stack(apart).mean(dim=0)
        return both.reshape(-1, self.repeats).mean(dim=1)

    def prediction_gap(
        self, seen: Reading, scenes: Sequence[Scene], step: int
    ) -> Tensor:
        now = [one.order[step % len(one.order)] for one in scenes]
        noisy = torch.cat([s.noisy[:, m] for s, m in zip(scenes, now, strict=True)])
        times = torch.cat([s.times[:, m] for s, m in zip(scenes, now, strict=True)])
        said = torch.cat([s.said[:, m] for s, m in zip(scenes, now, strict=True)])
        found = self.noise.predict(noisy, times, seen.rows, seen.pooled).float()
        apart = (found - said).square().mean(dim=(1, 2, 3))
        return apart.reshape(-1, self.repeats).mean(dim=1)

    def effort(self, delta: Tensor) -> Tensor:
        own = parts(delta, self.widths)
        lengths = self.lengths.unbind(dim=1)
        relative = [
            part.square().sum(dim=1) / length.square()
            for part, length in zip(own, lengths, strict=True)
        ]
        return torch.stack(relative).mean(dim=0)


def _base(edited: Below, repeats: int) -> Tensor:
    rows = torch.arange(len(edited.states), device=edited.states.device)
    own = edited.states[rows, edited.said.places].double()
    return own.reshape(-1, repeats, own.shape[1]).mean(dim=1)
