"""The drawn and captioned data set, made once and read many times."""

import json
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from governance.miniature.canvas import SIZE, Pixels
from governance.miniature.captioning import caption
from governance.miniature.drawing import draw
from governance.miniature.scene import Scene, sample_scene

CAPTIONS_PER_IMAGE = 3
_SHARD = 1000


@dataclass(frozen=True)
class Drawn:
    """Drawn scenes.

    Args:
        images: uint8 [n, 64, 64, 3].
        scenes: What each image shows.
        captions: For each image, some ways to say it.
    """

    images: Pixels
    scenes: list[Scene]
    captions: list[list[str]]

    def __len__(self) -> int:
        """Count the images."""
        return len(self.scenes)


def draw_many(count: int, seed: int, *, workers: int = 1) -> Drawn:
    """Draw scenes of the training distribution.

    Args:
        count: How many images.
        seed: Every shard of 1,000 images derives its own stream from it, so the
            result does not depend on the number of workers.
        workers: Processes.

    Returns:
        The drawn scenes.
    """
    sizes = [min(_SHARD, count - start) for start in range(0, count, _SHARD)]
    jobs = [(size, seed, index) for index, size in enumerate(sizes)]
    if workers == 1:
        shards = [_draw_shard(job) for job in jobs]
    else:
        with ProcessPoolExecutor(workers) as pool:
            shards = list(pool.map(_draw_shard, jobs))
    return Drawn(
        np.concatenate([shard.images for shard in shards]),
        [scene for shard in shards for scene in shard.scenes],
        [texts for shard in shards for texts in shard.captions],
    )


def save(drawn: Drawn, folder: Path) -> None:
    """Write a data set.

    Args:
        drawn: What to write.
        folder: Where; made if missing.
    """
    folder.mkdir(parents=True, exist_ok=True)
    np.save(folder / "images.npy", drawn.images)
    lines = (
        json.dumps({"scene": asdict(scene), "captions": texts})
        for scene, texts in zip(drawn.scenes, drawn.captions, strict=True)
    )
    (folder / "scenes.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")


def load(folder: Path) -> Drawn:
    """Read what `save` wrote, the images as a memory map.

    Args:
        folder: Where it was written.

    Returns:
        The data set.
    """
    text = (folder / "scenes.jsonl").read_text(encoding="utf-8")
    rows = [json.loads(line) for line in text.splitlines()]
    images = np.load(folder / "images.npy", mmap_mode="r")
    scenes = [Scene(**row["scene"]) for row in rows]
    return Drawn(images, scenes, [row["captions"] for row in rows])


def _draw_shard(job: tuple[int, int, int]) -> Drawn:
    size, seed, index = job
    rng = np.random.default_rng([seed, index])
    images = np.empty((size, SIZE, SIZE, 3), dtype=np.uint8)
    scenes, captions = [], []
    for row in range(size):
        scene = sample_scene(rng)
        images[row] = draw(scene, rng)
        scenes.append(scene)
        captions.append([caption(scene, rng) for _ in range(CAPTIONS_PER_IMAGE)])
    return Drawn(images, scenes, captions)
