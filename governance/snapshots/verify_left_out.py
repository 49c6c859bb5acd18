"""Is what an export says it leaves behind what it has to leave behind."""

from collections.abc import Iterator
from pathlib import Path

from governance.pipeline.layout import variant_of
from governance.snapshots.findings import ExportFinding, finding
from governance.snapshots.manifest import Manifest
from governance.snapshots.names import (
    MANIFEST,
    OTHER_VARIANT,
    left_behind,
    reason_of,
    unedited,
)


def verify_left_out(manifest: Manifest) -> Iterator[ExportFinding]:
    """Compare ``left_out`` with the base's files, and reasons with the paths.

    A file that the base loads has to be in the export, or to be left out as another
    variant. Of what the base does not load, no digest says that it is there.

    Args:
        manifest: What the export says of itself.
    """
    if manifest.form.kind != "diffusers":
        if manifest.left_out:
            message = f"left_out: an export as {manifest.form.kind} holds no base files"
            yield finding(MANIFEST, "proof", message)
        return
    for path, reason in sorted(manifest.left_out.items()):
        both = path in manifest.files and path in manifest.base_files
        if both or not _is_reason(manifest, path, reason):
            message = f"left_out: {path!r} is not left out because {reason!r:.120}"
            yield finding(MANIFEST, "proof", message)


def _is_reason(manifest: Manifest, path: str, reason: str) -> bool:
    if path not in manifest.base_files:
        return reason == reason_of(path)
    component, _, name = path.partition("/")
    variants = _variants(manifest, component)
    variant = variant_of(name)
    if variant is None:
        # A shard may be called anything; its index then stays behind with it.
        shard = name.endswith(".safetensors")
        variant = _indexed(manifest, component) if shard else None
    # What sorts first is what the pipeline loads.
    if not variant or variant == min(variants):
        return False
    if manifest.form.dtype is not None:
        return reason == OTHER_VARIANT
    edited = any(key.startswith(f"{component}/") for key in manifest.snapshot.tensors)
    return edited and reason == unedited(variant, component)


def _variants(manifest: Manifest, component: str) -> set[str]:
    """Return the variants of a component that the names of its base files tell."""
    folders = (path.partition("/") for path in manifest.base_files)
    found = (variant_of(name) for folder, _, name in folders if folder == component)
    return {variant for variant in found if variant is not None}


def _indexed(manifest: Manifest, component: str) -> str:
    """Return the variant of a component whose shard index is left out, if one is."""
    for path in sorted(manifest.left_out):
        folder, _, name = path.partition("/")
        if folder == component and path in manifest.base_files:
            variant = variant_of(name) if name.endswith(".json") else None
            if variant:
                return variant
    return ""


def unlike(manifest: Manifest, base: Path) -> str | None:
    """Say where ``left_out`` names other things than lie in a base, if it does.

    Another copy of the same base may well have other files beside what is loaded, so
    this proves nothing.

    Args:
        manifest: What the export says of itself.
        base: The base model's folder.
    """
    if manifest.form.kind != "diffusers":
        return None
    copied = frozenset(manifest.base_files.keys() & manifest.files.keys())
    try:
        there = {item.path for item in left_behind(base, copied)}
    except OSError as error:
        return f"left_out is not compared: the base you gave cannot be listed: {error}"
    odd = sorted(there ^ manifest.left_out.keys())
    if not odd:
        return None
    return (
        f"left_out names other files than the base you gave holds beside those it "
        f"loads, first {odd[0]!r}: no digest covers them"
    )
