"""A resumable training loop with a log line and a time to go."""

import json
import math
import os
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import distributed, nn

Metrics = dict[str, float]
StepFunction = Callable[[int], tuple[torch.Tensor, Metrics]]

_LOG_EVERY = 50
_CHECKPOINT_EVERY = 250


@dataclass(frozen=True)
class Schedule:
    """Learning rate over the steps: a short rise, flat, cosine to zero.

    Args:
        steps: Planned steps.
        peak: Highest learning rate.
        warm_up: Steps of linear rise.
        flat: Fraction of the steps before the cosine starts.
    """

    steps: int
    peak: float
    warm_up: int = 50
    flat: float = 0.0

    def rate(self, step: int) -> float:
        """Give the learning rate of a step.

        Args:
            step: From 0.

        Returns:
            The rate.
        """
        rise = min(1.0, (step + 1) / self.warm_up)
        start = self.flat * self.steps
        done = min(1.0, max(0.0, (step - start) / max(1.0, self.steps - start)))
        return self.peak * rise * 0.5 * (1 + math.cos(math.pi * done))


@dataclass
class Average:
    """An exponential moving average of a module's parameters.

    Args:
        module: The module that is trained.
        decay: Weight of the past; ramps up from zero over the first steps.
    """

    module: nn.Module
    decay: float
    values: dict[str, torch.Tensor] = field(init=False)

    def __post_init__(self) -> None:
        """Start from the module's present state."""
        state = self.module.state_dict()
        self.values = {name: value.clone() for name, value in state.items()}

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Fold in the present parameters.

        Args:
            step: From 0.
        """
        decay = min(self.decay, (1 + step) / (10 + step))
        for name, value in self.module.state_dict().items():
            if value.is_floating_point():
                self.values[name].lerp_(value, 1 - decay)
            else:
                self.values[name].copy_(value)


@dataclass(frozen=True)
class Run:
    """Where a stage writes and how long it goes.

    Args:
        name: Name of the stage.
        folder: Holds checkpoints and the log.
        schedule: Learning rate and number of steps.
        resume: Whether to go on from the last checkpoint.
        decay: Decay of the moving average.
    """

    name: str
    folder: Path
    schedule: Schedule
    resume: bool
    decay: float = 0.998

    @property
    def checkpoint(self) -> Path:
        """Where the newest checkpoint is."""
        return self.folder / f"{self.name}.checkpoint.pt"


def train(run: Run, module: nn.Module, step_function: StepFunction) -> Average:
    """Train a module to the end of its schedule.

    Args:
        run: Where and how long.
        module: What to train; left with its last, not its averaged, weights.
        step_function: Gives loss and metrics of a step; it derives its batch
            from the step number alone, so that a resumed run repeats it.

    Returns:
        The averaged weights.
    """
    parameters = [p for p in module.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(parameters, lr=1.0, weight_decay=1e-4)
    average = Average(module, run.decay)
    start = _restore(run, module, optimizer, average) if run.resume else 0
    began, seen = time.monotonic(), Totals()
    for step in range(start, run.schedule.steps):
        for group in optimizer.param_groups:
            group["lr"] = run.schedule.rate(step)
        optimizer.zero_grad(set_to_none=True)
        loss, metrics = step_function(step)
        loss.backward()  # type: ignore[no-untyped-call]
        average_gradients(parameters)
        nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        average.update(step)
        seen.add({"loss": float(loss.detach()), **metrics})
        done = step + 1
        if done % _LOG_EVERY == 0 or done == run.schedule.steps:
            pace = (time.monotonic() - began) / (done - start)
            log(run, done, seen.take(), pace)
        if done % _CHECKPOINT_EVERY == 0 or done == run.schedule.steps:
            _store(run, done, module, optimizer, average)
    return average


class Totals:
    """Means of metrics between two log lines."""

    def __init__(self) -> None:
        self._sums: Metrics = {}
        self._count = 0

    def add(self, metrics: Metrics) -> None:
        """Count one step's metrics."""
        self._count += 1
        for name, value in metrics.items():
            self._sums[name] = self._sums.get(name, 0.0) + value

    def take(self) -> Metrics:
        """Return the means and start again."""
        means = {name: total / self._count for name, total in self._sums.items()}
        self._sums, self._count = {}, 0
        return means


def log(run: Run, step: int, metrics: Metrics, pace: float) -> None:
    """Append a line to the training log and show it with the time to go.

    Args:
        run: The stage.
        step: Steps done.
        metrics: Means since the last line.
        pace: Seconds a step.
    """
    if rank() != 0:
        return
    rounded = {name: round(value, 5) for name, value in metrics.items()}
    line = {"stage": run.name, "step": step, **rounded, "pace": round(pace, 4)}
    with (run.folder / "training_log.jsonl").open("a", encoding="utf-8") as stream:
        stream.write(json.dumps(line) + "\n")
    left = (run.schedule.steps - step) * pace / 60
    shown = " ".join(f"{name} {value:.4f}" for name, value in metrics.items())
    total = run.schedule.steps
    sys.stderr.write(f"{run.name} {step}/{total} {shown} ({left:.1f} min to go)\n")
    sys.stderr.flush()


def rank() -> int:
    """Say which of the training processes this is."""
    return distributed.get_rank() if distributed.is_initialized() else 0


def world_size() -> int:
    """Say how many processes train together."""
    return distributed.get_world_size() if distributed.is_initialized() else 1


def average_gradients(parameters: Iterable[nn.Parameter]) -> None:
    """Replace every gradient by its mean over the training processes.

    Args:
        parameters: The trained parameters, in the same order everywhere.
    """
    if world_size() == 1:
        return
    gradients = [p.grad for p in parameters if p.grad is not None]
    flat = torch.cat([gradient.flatten() for gradient in gradients])
    distributed.all_reduce(flat)
    flat /= world_size()
    offset = 0
    for gradient in gradients:
        size = gradient.numel()
        gradient.copy_(flat[offset : offset + size].view_as(gradient))
        offset += size


def _store(
    run: Run,
    step: int,
    module: nn.Module,
    optimizer: torch.optim.Optimizer,
    average: Average,
) -> None:
    if rank() != 0:
        return
    state = {
        "step": step,
        "module": module.state_dict(),
        "optimizer": optimizer.state_dict(),
        "average": average.values,
    }
    part = run.checkpoint.with_suffix(".part")
    torch.save(state, part)
    os.replace(part, run.checkpoint)  # noqa: PTH105 - atomic over an existing file


def _restore(
    run: Run,
    module: nn.Module,
    optimizer: torch.optim.Optimizer,
    average: Average,
) -> int:
    if not run.checkpoint.is_file():
        return 0
    state = torch.load(run.checkpoint, map_location="cpu", weights_only=True)
    module.load_state_dict(state["module"])
    optimizer.load_state_dict(state["optimizer"])
    for name, value in state["average"].items():
        average.values[name].copy_(value)
    return int(state["step"])
