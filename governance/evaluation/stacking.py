"""A set of resolved edits in the weights: solved jointly, or one after another."""

import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from torch import Tensor

from governance.checks.drawing import Drawable
from governance.engine.edit import EditSpec
from governance.engine.joint import solve_jointly
from governance.errors import EngineError, RequestError
from governance.evaluation.tools import Tools
from governance.pipeline.base import PipelineBase
from governance.pipeline.export import fill_folder
from governance.pipeline.folder import open_pipeline
from governance.pipeline.tensors import tensor_bytes
from governance.service.parts.studio import unstored


@dataclass(frozen=True, slots=True)
class Solved:
    """Weights with some edits in them.

    Args:
        weights: Ready to be drawn from.
        seconds: What solving took.
    """

    weights: Drawable
    seconds: float


Outcome: TypeAlias = Solved | str
"""Weights, or why there are none."""


def jointly(
    specs: Sequence[EditSpec], counts: Sequence[int], tools: Tools
) -> Iterator[tuple[int, Outcome]]:
    """Solve the first edits together, for each number of them.

    Args:
        specs: Resolved edits.
        counts: How many to put in.
        tools: The model.

    Yields:
        A number of edits and their weights.
    """
    for count in counts:
        started = time.perf_counter()
        try:
            solution = solve_jointly(specs[:count], tools.base, device=tools.device)
        except (EngineError, RequestError) as error:
            yield count, error.message
            continue
        seconds = time.perf_counter() - started
        yield count, Solved(_drawable(solution.edited.tensors, tools), seconds)


def stacked(
    specs: Sequence[EditSpec], counts: Sequence[int], tools: Tools
) -> Iterator[tuple[int, Outcome]]:
    """Solve each edit from the weights that the one before it left, as published.

    Args:
        specs: Resolved edits, in the order they are put in.
        counts: After how many edits to look.
        tools: The model.

    Yields:
        A number of edits and the weights after them.
    """
    base, spent = tools.base, 0.0
    tensors: dict[str, Tensor] = {}
    with tempfile.TemporaryDirectory() as place:
        for number, spec in enumerate(specs[: max(counts)], 1):
            started = time.perf_counter()
            try:
                solution = solve_jointly([spec], base, device=tools.device)
            except (EngineError, RequestError) as error:
                why = f"edit {number} after the others: {error.message}"
                yield from ((one, why) for one in counts if one >= number)
                return
            spent += time.perf_counter() - started
            tensors |= solution.edited.tensors
            if number in counts:
                yield number, Solved(_drawable(tensors, tools), spent)
            base = _left(tensors, Path(place) / str(number), tools)


def _left(tensors: Mapping[str, Tensor], place: Path, tools: Tools) -> PipelineBase:
    """Return the weights that the edits so far left, as a model of its own."""
    place.mkdir()
    fill_folder(tools.base.folder, place, tensors)
    # The published loops keep the first model's covariances, and so do we.
    return PipelineBase(
        open_pipeline(place), device=tools.device, statistics=tools.base.statistics
    )


def _drawable(tensors: Mapping[str, Tensor], tools: Tools) -> Drawable:
    new = {key: tensor_bytes(value) for key, value in tensors.items()}
    return unstored(tools.base.folder, new)
