"""The change of a base, matrix by matrix, as the weights a pipeline loads hold it."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from governance.errors import EngineError
from governance.pipeline.folder import PipelineFolder
from governance.pipeline.weights import split_key
from governance.snapshots.tensor_names import delta_name


@dataclass(frozen=True, eq=False, slots=True)
class Factor:
    """One matrix's change, W' = W + up . down before rounding.

    Args:
        component: Folder of the component: ``unet``, ``text_encoder`` ...
        name: The weight's name in the component's files.
        up: [d_out, r], float64.
        down: [r, d_in], float64, r <= d_in; matrices with equal rows share one object.
    """

    component: str
    name: str
    up: Tensor
    down: Tensor

    @property
    def label(self) -> str:
        """The name in a delta file."""
        return delta_name(self.component, self.name)


def loaded_factors(
    folder: PipelineFolder,
    factors: Iterable[tuple[str, Tensor, Tensor]],
    only: Collection[str] | None = None,
) -> Iterator[Factor]:
    """Yield the factors of the weights a pipeline loads, leaving other variants out.

    Args:
        folder: The base.
        factors: ``file:name``, up and down of every addressed matrix.
        only: Keys that count; every one where ``None``.

    Raises:
        EngineError: A factor holds NaN or infinity.
    """
    loaded = loaded_files(folder)
    square: dict[int, Tensor] = {}
    for key, up, down in factors:
        file, name = split_key(key)
        if file not in loaded or (only is not None and key not in only):
            continue
        rows, width = down.shape
        if rows > width:  # more rows than columns: the change itself is smaller
            up = up @ down
            down = square.setdefault(width, torch.eye(width, dtype=down.dtype))
        if not bool(torch.isfinite(up).all() and torch.isfinite(down).all()):
            raise EngineError(
                f"the change of tensor {key} is not finite",
                "Lower the strength of the edits.",
            )
        yield Factor(file.partition("/")[0], name, up, down)


def loaded_files(folder: PipelineFolder) -> frozenset[str]:
    """Return the weight files of every component as a pipeline loads it."""
    return frozenset(f"{w.component}/{n}" for w in folder.loaded for n in w.files)
