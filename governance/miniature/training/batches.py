"""Batches that depend on the step number alone."""

import numpy as np
import torch
from numpy.typing import NDArray

from governance.miniature.dataset import CAPTIONS_PER_IMAGE, Drawn
from governance.miniature.training.loop import rank


def stream(seed: int, step: int) -> np.random.Generator:
    """Give the random stream of a step, one for each training process.

    Args:
        seed: Seed of the stage.
        step: From 0.

    Returns:
        A fresh generator.
    """
    return np.random.default_rng([seed, step, rank()])


def torch_stream(seed: int, step: int) -> torch.Generator:
    """Give the tensor random stream of a step, one for each training process.

    Args:
        seed: Seed of the stage.
        step: From 0.

    Returns:
        A fresh generator on the CPU.
    """
    return torch.Generator().manual_seed(seed * 1_000_003 + step * 16 + rank())


def images(drawn: Drawn, rows: NDArray[np.int64]) -> torch.Tensor:
    """Read images as the pipeline scales them.

    Args:
        drawn: The data set.
        rows: Which images.

    Returns:
        float32 [n, 3, 64, 64] in -1 to 1.
    """
    return scaled(drawn.images[rows])


def scaled(pixels: NDArray[np.uint8]) -> torch.Tensor:
    """Scale pixels as the pipeline does.

    Args:
        pixels: uint8 [n, 64, 64, 3].

    Returns:
        float32 [n, 3, 64, 64] in -1 to 1.
    """
    tensor = torch.from_numpy(np.array(pixels)).float()
    return tensor.permute(0, 3, 1, 2) / 127.5 - 1


def captions(
    drawn: Drawn, rows: NDArray[np.int64], rng: np.random.Generator
) -> list[str]:
    """Choose one wording for each image.

    Args:
        drawn: The data set.
        rows: Which images.
        rng: Source of randomness.

    Returns:
        Captions in the order of the rows.
    """
    which = rng.integers(CAPTIONS_PER_IMAGE, size=len(rows))
    return [drawn.captions[row][pick] for row, pick in zip(rows, which, strict=True)]
