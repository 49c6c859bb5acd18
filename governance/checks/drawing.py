"""Images of (weights, prompt, seed), drawn by one-thread workers, kept on disk."""

import hashlib
import io
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from governance.canonical import digest_of
from governance.pipeline.folder import PipelineFolder
from governance.runners.pool import WorkerPool

Picture: TypeAlias = NDArray[np.uint8]
OnDrawn: TypeAlias = Callable[[int, int], None]
BATCH = 8
IMAGE_FORMAT = 1
"""Grows when drawing changes, so that older cached images count no more."""


@dataclass(frozen=True, slots=True)
class Drawable:
    """Weights that can be drawn from.

    Args:
        folder: The base pipeline.
        name: What these weights are called in the cache; snapshot digest.
        overrides: ``file:tensor`` to the bytes that stand in for the base's.
    """

    folder: PipelineFolder
    name: str
    overrides: Mapping[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Wish:
    """One image to draw."""

    weights: Drawable
    prompt: str
    seed: int


@dataclass(frozen=True, slots=True)
class Sampler:
    """How images are drawn."""

    steps: int
    guidance: float


class Drawer:
    """Draws wishes; the pixels depend on the wish alone, not on who draws it.

    Args:
        pool: Where drawing runs on a CPU.
        device: ``cpu``, or an accelerator, on which this process draws.
    """

    def __init__(self, pool: WorkerPool, device: str = "cpu") -> None:
        self._pool = pool
        self._device = device

    def draw(
        self,
        wishes: Sequence[Wish],
        sampler: Sampler,
        cache: Path | None = None,
        on_drawn: OnDrawn | None = None,
    ) -> list[Picture]:
        """Draw every wish, or take it from the cache.

        Args:
            wishes: What to draw; repeated ones are drawn once.
            sampler: How.
            cache: Folder of drawn images; none is read or written where omitted.
            on_drawn: Told how many are done, of how many.

        Returns:
            uint8 [H, W, 3] for each wish, in order.

        Raises:
            WorkerLostError: A worker died.
            PipelineError: The pipeline cannot be loaded.
        """
        keys = [_key(wish, sampler) for wish in wishes]
        found: dict[str, Picture] = {}
        missing: dict[str, Wish] = {}
        for key, wish in zip(keys, wishes, strict=True):
            if key in found or key in missing:
                continue
            kept = _read(cache, key)
            if kept is None:
                missing[key] = wish
            else:
                found[key] = kept
        done, total = len(found), len(found) + len(missing)
        if on_drawn is not None:
            on_drawn(done, total)
        for batch_keys, pictures in self._batches(missing, sampler):
            for key, picture in zip(batch_keys, pictures, strict=True):
                found[key] = picture
                _write(cache, key, picture)
            done += len(batch_keys)
            if on_drawn is not None:
                on_drawn(done, total)
        return [found[key] for key in keys]

    def close(self) -> None:
        """Stop the workers."""
        self._pool.close()

    def _batches(
        self, missing: Mapping[str, Wish], sampler: Sampler
    ) -> Iterator[tuple[list[str], Picture]]:
        batches = _grouped(missing)
        if self._device != "cpu":
            return (
                (keys, draw_batch(weights, shots, sampler, self._device))
                for keys, weights, shots in batches
            )
        tasks = [(weights, shots, sampler, "cpu") for _, weights, shots in batches]
        return (
            (batches[number][0], pictures)
            for number, pictures in self._pool.run(draw_batch, tasks)
        )


_Shots: TypeAlias = list[tuple[str, int]]


def _grouped(
    missing: Mapping[str, Wish],
) -> list[tuple[list[str], Drawable, _Shots]]:
    by_weights: dict[str, list[tuple[str, Wish]]] = {}
    for key, wish in missing.items():
        name = f"{wish.weights.folder.digest}{wish.weights.name}"
        by_weights.setdefault(name, []).append((key, wish))
    batches = []
    for rows in by_weights.values():
        for start in range(0, len(rows), BATCH):
            some = rows[start : start + BATCH]
            shots = [(wish.prompt, wish.seed) for _, wish in some]
            batches.append(([key for key, _ in some], some[0][1].weights, shots))
    return batches


class _Loaded:
    """The one pipeline a process keeps, and the weights it has on."""

    folder: str | None = None
    name: str | None = None
    generator: object = None


def draw_batch(
    weights: Drawable, shots: _Shots, sampler: Sampler, device: str
) -> Picture:
    """Draw one batch in this process; loads the pipeline when it is another.

    Args:
        weights: What to draw from.
        shots: Prompt and seed of each image, at most ``BATCH``.
        sampler: How.
        device: Where.

    Returns:
        uint8 [n, H, W, 3].
    """
    import torch

    from governance.pipeline.generate import Generator, Sampling

    if device == "cpu" and torch.get_num_threads() != 1:
        torch.set_num_threads(1)
    generator = _Loaded.generator
    if not isinstance(generator, Generator) or _Loaded.folder != weights.folder.digest:
        generator = Generator(weights.folder, device=device, batch=BATCH)
        _Loaded.generator, _Loaded.folder, _Loaded.name = (
            generator,
            weights.folder.digest,
            None,
        )
    if _Loaded.name != weights.name:
        generator.replace(weights.overrides)
        _Loaded.name = weights.name
    how = Sampling(steps=sampler.steps, guidance=sampler.guidance)
    return generator.draw(shots, how)


def png_bytes(picture: Picture) -> bytes:
    """Encode a picture as PNG, the same bytes each time."""
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, format="PNG", optimize=False)
    return buffer.getvalue()


def _key(wish: Wish, sampler: Sampler) -> str:
    return digest_of(
        {
            "format": IMAGE_FORMAT,
            "model": wish.weights.folder.digest,
            "weights": wish.weights.name,
            "prompt": wish.prompt,
            "seed": wish.seed,
            "steps": sampler.steps,
            "guidance": sampler.guidance,
        }
    )


def _path(cache: Path, key: str) -> Path:
    return cache / key[:2] / f"{key}.png"


def _read(cache: Path | None, key: str) -> Picture | None:
    if cache is None:
        return None
    path = _path(cache, key)
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return None
    body, digest = data[:-32], data[-32:]
    if hashlib.sha256(key.encode() + body).digest() != digest:
        # A damaged cache entry is drawn again; evidence never rests on it.
        return None
    with Image.open(io.BytesIO(body)) as image:
        return np.asarray(image.convert("RGB"), dtype=np.uint8)


def _write(cache: Path | None, key: str, picture: Picture) -> None:
    if cache is None:
        return
    path = _path(cache, key)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    body = png_bytes(picture)
    # PNG readers stop at the end chunk, so the digest can ride behind it.
    temporary = path.with_suffix(f".{os.getpid()}.part")
    temporary.write_bytes(body + hashlib.sha256(key.encode() + body).digest())
    temporary.replace(path)
