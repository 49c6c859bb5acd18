"""Adam on one delta per concept; each concept stops on its own."""

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
    width: int,
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
        objective: Losses of deltas [n, width] at a step counted from 0.
        limits: Longest delta of each concept [n], in the 2-norm.
        width: Length of a delta.
        steps: Most steps.
        learning_rate: Adam's.
        names: Concepts, for messages.
        on_step: Called with steps done and steps in all; it may raise to stop.

    Returns:
        Deltas [n, width], float32.

    Raises:
        EngineError: A loss is NaN or infinite; concept and step are named.
    """
    count = len(names)
    delta = torch.zeros((count, width), device=limits.device, requires_grad=True)
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
            length = torch.linalg.norm(delta, dim=1).clamp_min(1e-12)
            delta.mul_((limits / length).clamp(max=1)[:, None])
        if on_step is not None:
            on_step(step + 1, steps)
    _finished(done, broken, names)
    return kept.detach()


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
