"""A pipeline folder as it lies on disk: its family, its files, its digest."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

from governance.canonical import digest_of
from governance.errors import NotFoundError, PipelineError
from governance.pipeline.family import Family, components, family_of, read_object
from governance.pipeline.layout import WeightSet, weight_sets
from governance.pipeline.linked import check_links

INDEX = "model_index.json"
SENTENCES = "spiece.model"
"""T5's vocabulary where a folder carries it in its first form; data, no code."""
_CHUNK = 1 << 20


@dataclass(frozen=True)
class FileRecord:
    """One file a pipeline loads with.

    Args:
        path: Path relative to the model folder, POSIX.
        size: Its size in bytes.
        sha256: SHA-256 of its bytes, hex.
    """

    path: str
    size: int
    sha256: str


@dataclass(frozen=True)
class FileFinding:
    """One difference between a folder and what was recorded of it.

    Args:
        path: Path relative to the model folder, POSIX.
        problem: What happened to it.
    """

    path: str
    problem: Literal["changed", "added", "missing"]


@dataclass(frozen=True)
class PipelineFolder:
    """A model folder whose files are known; nothing is ever written into it.

    Args:
        root: The folder.
        family: Its architecture.
        files: Every file the pipeline loads with, sorted by path.
        weights: Every safetensors variant of every component, default first.
    """

    root: Path
    family: Family
    files: tuple[FileRecord, ...]
    weights: tuple[WeightSet, ...]

    @cached_property
    def digest(self) -> str:
        """Return the model digest: canonical ``{path: sha256}``."""
        return digest_of({record.path: record.sha256 for record in self.files})

    def variants(self, component: str) -> tuple[WeightSet, ...]:
        """Return the weight sets of one component, the one it loads with first."""
        return tuple(found for found in self.weights if found.component == component)

    @property
    def loaded(self) -> tuple[WeightSet, ...]:
        """Return the weight set that each component loads with."""
        components = dict.fromkeys(found.component for found in self.weights)
        return tuple(self.variants(component)[0] for component in components)

    def sha256(self, path: str) -> str:
        """Return the recorded digest of one file.

        Args:
            path: Path relative to the folder, POSIX.
        """
        return next(record.sha256 for record in self.files if record.path == path)

    @property
    def text_encoders(self) -> tuple[tuple[str, str], ...]:
        """Return (encoder, tokenizer) component names of the CLIP encoders, in order."""
        first = ("text_encoder", "tokenizer")
        second = ("text_encoder_2", "tokenizer_2")
        return (first, second) if self.family in {"sdxl", "sd3"} else (first,)

    @property
    def t5(self) -> tuple[str, str] | None:
        """Return the (encoder, tokenizer) component names of T5; None without it."""
        number = {"sd3": 3, "flux": 2}.get(self.family)
        encoder, tokenizer = f"text_encoder_{number}", f"tokenizer_{number}"
        return (encoder, tokenizer) if self.variants(encoder) and number else None

    @property
    def denoiser(self) -> str:
        """Return the component that makes images and reads the text."""
        return "transformer" if self.family in {"sd3", "flux"} else "unet"


Progress = Callable[[int, int], None]


def open_pipeline(path: Path, *, on_progress: Progress | None = None) -> PipelineFolder:
    """Open a diffusers pipeline folder and hash every file it loads with.

    Args:
        path: The folder.
        on_progress: Called with bytes hashed so far and bytes in all.

    Returns:
        The folder, with the digest of every file.

    Raises:
        NotFoundError: There is no such folder.
        PipelineError: It is not a pipeline that can be edited safely.
    """
    family, weights, names = survey(path)
    sizes = [(path / name).stat().st_size for name in names]
    done = 0
    files: list[FileRecord] = []
    for name, size in zip(names, sizes, strict=True):
        files.append(FileRecord(name, size, hash_file(path / name)))
        done += size
        if on_progress is not None:
            on_progress(done, sum(sizes))
    return PipelineFolder(path, family, tuple(files), weights)


def restore(path: Path, files: Sequence[FileRecord]) -> PipelineFolder:
    """Open a folder whose digests are known already, without hashing it again.

    Args:
        path: The folder.
        files: What was recorded when it was registered.

    Returns:
        The folder with the recorded digests; call ``verify_files`` to trust it.

    Raises:
        NotFoundError: There is no such folder.
        PipelineError: It is not the pipeline that was recorded.
    """
    family, weights, names = survey(path)
    recorded = {record.path for record in files}
    if recorded != set(names):
        odd = sorted(recorded ^ set(names))[0]
        raise PipelineError(
            f"the model folder does not hold the files that were recorded; first "
            f"difference: {odd}",
            "Run `governance model verify` to see every difference.",
        )
    ordered = tuple(sorted(files, key=lambda record: record.path))
    return PipelineFolder(path, family, ordered, weights)


def survey(path: Path) -> tuple[Family, tuple[WeightSet, ...], tuple[str, ...]]:
    """Tell what a pipeline loads with, reading no weights.

    Args:
        path: The folder.

    Returns:
        The family, the weight sets, and the sorted relative paths of all files.

    Raises:
        NotFoundError: There is no such folder.
        PipelineError: It is not a pipeline that can be edited safely.
    """
    _refuse_checkpoint(path)
    if not path.is_dir():
        raise NotFoundError(
            f"model folder {path} does not exist",
            "Give the path of a diffusers pipeline folder.",
        )
    index = read_object(path / INDEX, INDEX)
    family = family_of(path, index)
    names = {INDEX}
    weights: list[WeightSet] = []
    for component in components(index):
        names.update(_texts(path, component))
        if f"{component}/config.json" in names:
            weights.extend(weight_sets(path, component))
    for found in weights:
        plain = (*found.files, *([found.index] if found.index else []))
        names.update(f"{found.component}/{name}" for name in plain)
    check_links(path, sorted(names))
    return family, tuple(weights), tuple(sorted(names))


def _refuse_checkpoint(path: Path) -> None:
    """Refuse all components in one file, by name; an export could not keep it so."""
    file = path if path.is_file() else None
    if path.is_dir() and not (path / INDEX).is_file():
        inside = sorted(path.glob("*.safetensors")) + sorted(path.glob("*.ckpt"))
        file = inside[0] if inside else None
    if file is not None:
        raise PipelineError(
            f"{file.name[:120]!r} is a single-file checkpoint, or no model at all; "
            f"expected a folder with {INDEX} and one folder for each component",
            "Convert it: load it with diffusers' from_single_file and save it with "
            "save_pretrained.",
        )


def _texts(root: Path, component: str) -> Iterator[str]:
    folder = root / component
    if not folder.is_dir():
        raise PipelineError(
            f"component {component} is missing; {INDEX} names it",
            "Fetch the complete model and try again.",
        )
    for file in sorted(folder.iterdir()):
        name = f"{component}/{file.name}"
        if file.is_symlink() and not file.exists():
            raise PipelineError(
                f"{name} is a link to nothing", "Fetch the complete model again."
            )
        plain = file.suffix in {".json", ".txt"} or file.name == SENTENCES
        ours = plain and ".safetensors.index" not in name
        if ours and ".bin.index" not in name and file.is_file():
            yield name


def hash_file(path: Path) -> str:
    """Return the SHA-256 of a file's bytes as hex, reading it in pieces."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while piece := stream.read(_CHUNK):
            digest.update(piece)
    return digest.hexdigest()


def verify_files(root: Path, recorded: Iterable[FileRecord]) -> tuple[FileFinding, ...]:
    """Compare a folder with what was recorded of it.

    Args:
        root: The folder as it is now.
        recorded: Files as they were.

    Returns:
        Every difference, sorted by path; empty when there is none. A file counts
        as added when the pipeline would load it.
    """
    known = {record.path: record for record in recorded}
    findings = [
        FileFinding(path, problem)
        for path, record in known.items()
        if (problem := _problem(root / path, record)) is not None
    ]
    findings += [FileFinding(path, "added") for path in _present(root) - known.keys()]
    return tuple(sorted(findings, key=lambda finding: finding.path))


def _problem(path: Path, record: FileRecord) -> Literal["changed", "missing"] | None:
    if not path.is_file():
        return "missing"
    if path.stat().st_size != record.size or hash_file(path) != record.sha256:
        return "changed"
    return None


def _present(root: Path) -> set[str]:
    try:
        return set(survey(root)[2])
    except (NotFoundError, PipelineError):
        # The folder no longer opens: the missing or changed file that broke it is
        # reported by the comparison itself.
        return set()
