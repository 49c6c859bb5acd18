"""Links in a model folder: followed to where a hub's cache keeps files, else refused."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from governance.errors import PipelineError
from governance.pipeline.header import read_header

_WEIGHTS = ".safetensors"


def check_links(root: Path, names: Iterable[str]) -> None:
    """Refuse files that a model folder only borrows from elsewhere on the disk.

    Everything a pipeline loads goes into exports, so that a link named like a
    tokenizer's vocabulary would carry a stranger's choice of the reader's own files out
    of the house. Weights may lie anywhere, as long as they are weights.

    Args:
        root: The model folder.
        names: What the pipeline loads, relative to it.

    Raises:
        PipelineError: A file is no regular file, or lies outside the folder and the
            cache it belongs to.
    """
    homes = tuple(_homes(root))
    for name in names:
        place = root / name
        if not place.is_file():
            raise PipelineError(
                f"{name} is no regular file; expected one", "Fetch the model again."
            )
        real = place.resolve()
        if any(real.is_relative_to(home) for home in homes):
            continue
        if not name.endswith(_WEIGHTS):
            raise PipelineError(
                f"{name} is a link out of the model folder; expected a file in the "
                "folder, or in the blobs of the hub cache it lies in",
                "Look at where it leads; where it is right, copy the folder with "
                "`cp -rL` and use the copy.",
            )
        # Not a secret with the name of weights: it must read as what it is called.
        read_header(place)


def _homes(root: Path) -> Iterator[Path]:
    """Yield where a folder's files may lie: itself, and the blobs of a hub's cache."""
    real = root.resolve()
    yield real
    # CACHE/models--OWNER--NAME/snapshots/REVISION, its files in .../blobs.
    if real.parent.name == "snapshots":
        yield real.parent.parent / "blobs"
