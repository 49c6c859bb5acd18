"""Which files of a component folder hold its weights, by variant."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from governance.errors import PipelineError

PICKLES = (".bin", ".ckpt", ".pt", ".pth", ".pkl", ".msgpack", ".h5")
_NAME = re.compile(
    r"^(?P<stem>diffusion_pytorch_model|model|pytorch_model)"
    r"(?:\.(?P<early>[A-Za-z0-9_]+?))?"
    r"(?:-(?P<part>\d{5})-of-(?P<parts>\d{5}))?"
    r"(?:\.(?P<late>[A-Za-z0-9_]+))?"
    r"\.safetensors$"
)
_INDEX = re.compile(
    r"^(?:diffusion_pytorch_model|model|pytorch_model)"
    r"(?:\.(?P<early>[A-Za-z0-9_]+))?\.safetensors\.index"
    r"(?:\.(?P<late>[A-Za-z0-9_]+))?\.json$"
)


@dataclass(frozen=True)
class WeightSet:
    """One variant of one component's weights.

    Args:
        component: Folder of the component, such as ``unet``.
        variant: Variant such as ``fp16``, or an empty string for the default one.
        files: Plain file names of its safetensors shards, sorted.
        index: Plain file name of the shard index, where there is one.
    """

    component: str
    variant: str
    files: tuple[str, ...]
    index: str | None = None


def variant_of(name: str) -> str | None:
    """Return the variant that a weight file or shard index says it is of.

    Args:
        name: Plain file name.

    Returns:
        The variant, empty for the default one; ``None`` where the name says nothing.
    """
    match = _NAME.match(name) or _INDEX.match(name)
    return None if match is None else match["early"] or match["late"] or ""


def weight_sets(root: Path, component: str) -> tuple[WeightSet, ...]:
    """Find every safetensors variant of a component, the default one first.

    Args:
        root: The pipeline folder.
        component: Folder of the component inside it.

    Returns:
        The weight sets; the first is what the pipeline loads.

    Raises:
        PipelineError: No safetensors weights, a shard is missing, or a shard
            index names something else than a plain file of its folder.
    """
    folder = root / component
    # Only what is there to be read: opening a pipe would wait for ever.
    present = folder.iterdir() if folder.is_dir() else ()
    names = sorted(path.name for path in present if path.is_file())
    found: dict[str, WeightSet] = {}
    for weights in (*_sharded(folder, component, names), *_single(component, names)):
        if (other := found.get(weights.variant)) is not None:
            raise _ambiguous(other, weights)
        found[weights.variant] = weights
    if not found:
        raise _no_weights(component, names)
    return tuple(found[variant] for variant in sorted(found))


def _sharded(folder: Path, component: str, names: Sequence[str]) -> Iterator[WeightSet]:
    for name in names:
        if match := _INDEX.match(name):
            variant = match["early"] or match["late"] or ""
            yield WeightSet(component, variant, _shards(folder, component, name), name)


def _single(component: str, names: Sequence[str]) -> Iterator[WeightSet]:
    indexed = any(_INDEX.match(name) for name in names)
    for name in names:
        match = _NAME.match(name)
        if match and match["part"] is None:
            yield WeightSet(component, match["early"] or match["late"] or "", (name,))
        elif match and not indexed:
            raise _shard_without_index(component, name)


def _ambiguous(first: WeightSet, second: WeightSet) -> PipelineError:
    """Refuse two sets for one variant: libraries differ in which of them they load."""
    one, other = (found.index or found.files[0] for found in (first, second))
    variant = first.variant or "default"
    return PipelineError(
        f"component {first.component} holds its {variant} weights twice, as {one} and "
        f"as {other}; expected one of them",
        "Remove the one that does not belong to the model.",
    )


def _shards(folder: Path, component: str, index: str) -> tuple[str, ...]:
    try:
        content = json.loads((folder / index).read_bytes())
    except (ValueError, RecursionError) as error:
        raise PipelineError(
            f"{component}/{index} is not JSON", "Fetch the model again."
        ) from error
    table = content.get("weight_map") if isinstance(content, dict) else None
    if not isinstance(table, Mapping) or not table:
        raise PipelineError(
            f"{component}/{index} has no weight map; expected tensor names mapped "
            "to file names",
            "Fetch the model again.",
        )
    names = sorted({_plain(component, index, value) for value in table.values()})
    for name in names:
        if not (folder / name).is_file():
            raise PipelineError(
                f"shard {component}/{name} is missing; {component}/{index} names it",
                "Fetch the missing file and try again.",
            )
    return tuple(names)


def _plain(component: str, index: str, value: object) -> str:
    if (
        not isinstance(value, str)
        or not value.endswith(".safetensors")
        or not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,199}", value)
    ):
        raise PipelineError(
            f"{component}/{index} names {str(value)[:80]!r}; expected the plain name "
            "of a safetensors file in the same folder",
            "Do not use this model: its index points outside its folder.",
        )
    return value


def _shard_without_index(component: str, name: str) -> PipelineError:
    return PipelineError(
        f"{component}/{name} is one shard of several, but its index is missing; "
        "expected a file ending in .safetensors.index.json beside it",
        "Fetch the missing file and try again.",
    )


def _no_weights(component: str, names: Sequence[str]) -> PipelineError:
    pickles = [name for name in names if name.endswith(PICKLES)]
    if pickles:
        return PipelineError(
            f"{component}/{pickles[0]} is a pickle, which can run code when it is "
            "opened; expected safetensors weights, found none",
            "Use a revision of the model that ships safetensors.",
        )
    return PipelineError(
        f"component {component} has no weights; expected a safetensors file in the "
        f"folder {component}",
        "Fetch the complete model and try again.",
    )
