"""The miniature's own key covariances: ``python -m governance.miniature.statistics``.

Captions come from its grammar, with the frequencies of its training pictures.
"""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from governance.canonical import sha256_hex
from governance.miniature import pipeline_path, statistics_path
from governance.miniature.captioning import caption
from governance.miniature.scene import sample_scene
from governance.pipeline.covariances import write_covariances
from governance.pipeline.folder import open_pipeline
from governance.pipeline.statistics import Measured, encoder_digests, measure_keys

CAPTIONS = 16_000
SEED = 20_240_304


def captions(count: int = CAPTIONS, seed: int = SEED) -> Iterator[str]:
    """Yield captions of the training distribution, without drawing pictures.

    Args:
        count: How many.
        seed: What they depend on, and on nothing else.
    """
    rng = np.random.default_rng(seed)
    for _ in range(count):
        yield caption(sample_scene(rng), rng)


def write_statistics(path: Path, texts: list[str]) -> Measured:
    """Measure the shipped text encoder's keys, and write them in float32.

    Half the size of float64; the smallest eigenvalue moves by less than 2e-5 of itself.

    Args:
        path: Where; replaced at once or not at all.
        texts: Captions.

    Returns:
        What was measured.
    """
    folder = open_pipeline(pipeline_path())
    found = measure_keys(folder, texts)
    rounded = {place: one.float() for place, one in found.covariances.items()}
    about = found.about(sha256_hex(captions_file(texts)))
    written = path.with_name(f".{path.name}.partial")
    with written.open("wb") as file:
        write_covariances(file, rounded, encoder_digests(folder), about)
        file.flush()
        os.fsync(file.fileno())
    written.replace(path)
    return found


def captions_file(texts: list[str]) -> bytes:
    """Return captions as a file that ``governance statistics compute`` reads."""
    return "".join(f"{text}\n" for text in texts).encode()


def main() -> None:
    """Write the shipped statistics, and the captions too where a file is named."""
    texts = list(captions())
    if len(sys.argv) > 1:
        Path(sys.argv[1]).write_bytes(captions_file(texts))
    found = write_statistics(statistics_path(), texts)
    sys.stdout.write(
        f"{statistics_path()}: {found.tokens} tokens of {found.captions} captions\n"
    )


if __name__ == "__main__":
    main()
