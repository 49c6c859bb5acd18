"""Adam on one delta per concept; each concept stops on its own."""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from governance.errors import EngineError

LOOK_EVERY = 10
"""Steps between looks at the device, each of which waits for it."""


@dataclass(frozen=True)
class Objective:
    """What one step sees, for every concept by itself.

    Args:
        losses: [n], what is minimised.
        reached: [n], whether a concept is done, as a boolean.
    """

    losses: Tensor
    reached: Tensor


def descend(
    objective: Callable[[Tensor, int], Objective],
    limits: Tensor,
    widths: Sequence[int],
    *,
    steps: int,
    learning_rate: float,
    names: Sequence[str],
    on_step: Callable[[int, int], None] | None = None,
) -> Tensor:
    """Minimise every concept's own loss over its own delta.

    Concepts share nothing but the batch: a finished one keeps the delta it was
    finished with. The host looks at the device every tenth step only.

    Args:
        objective: Losses of deltas [n, sum of widths] at a step counted from 0.
        limits: Longest delta of each concept and part [n, p], in the 2-norm.
        widths: Length of each part of a delta [p]; one part per text encoder.
        steps: Most steps.
        learning_rate: Adam's.
        names: Concepts, for messages.
        on_step: Called with steps done and steps in all; it may raise to stop.

    Returns:
        Deltas [n, sum of widths], float32.

    Raises:
        EngineError: A loss is NaN or infinite; concept and step are named.
    """
    count = len(names)
    size = (count, sum(widths))
    delta = torch.zeros(size, device=limits.device, requires_grad=True)
    kept = delta.detach().clone()
    done = torch.zeros(count, dtype=torch.bool, device=limits.device)
    broken = torch.full((count,), -1, device=limits.device)
    optimizer = torch.optim.Adam([delta], lr=learning_rate)
    for step in range(steps + 1):
        seen = objective(delta, step)
        with torch.no_grad():
            bad = ~torch.isfinite(seen.losses) & ~done & (broken < 0)
            broken = torch.where(bad, step, broken)
            kept = torch.where(done[:, None], kept, delta)
            done = done | seen.reached
        if step == steps or (step % LOOK_EVERY == 0 and _finished(done, broken, names)):
            break
        optimizer.zero_grad()
        seen.losses.sum().backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        with torch.no_grad():
            for part, limit in zip(
                parts(delta, widths), limits.unbind(dim=1), strict=True
            ):
                length = torch.linalg.norm(part, dim=1).clamp_min(1e-12)
                part.mul_((limit / length).clamp(max=1)[:, None])
        if on_step is not None:
            on_step(step + 1, steps)
    _finished(done, broken, names)
    return kept.detach()


def parts(delta: Tensor, widths: Sequence[int]) -> tuple[Tensor, ...]:
    """Return views of the parts of deltas [n, sum of widths], each [n, width]."""
    ends = list(itertools.accumulate(widths))
    return tuple(
        delta[:, end - width : end] for end, width in zip(ends, widths, strict=True)
    )


def _finished(done: Tensor, broken: Tensor, names: Sequence[str]) -> bool:
    worst = torch.stack((done.all().to(broken), broken.max())).tolist()
    if worst[1] >= 0:
        place = int(broken.argmax())
        raise EngineError(
            f"stage one of {ascii(names[place])[:60]}: the loss is NaN or infinite at "
            f"step {int(broken[place])}; expected a finite number",
            "Lower learning_rate, or use precision float32 on this device.",
        )
    return bool(worst[0])


def placed(delta: Tensor, states: Tensor, places: Tensor, repeats: int) -> Tensor:
    """Add each concept's delta at its subject's last token.

    Args:
        delta: [n, d].
        states: [n * repeats, t, d], a concept's prompts side by side.
        places: Token index of each prompt [n * repeats].
        repeats: Prompts of one concept.

    Returns:
        [n * repeats, t, d].
    """
    spread = delta.repeat_interleave(repeats, dim=0).to(states.dtype)
    at = torch.arange(states.shape[1], device=states.device)[None] == places[:, None]
    return states + at[:, :, None] * spread[:, None]
