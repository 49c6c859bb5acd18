"""Exports made from a signed snapshot: another dtype, a delta, an adapter."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from governance.canonical import JSON
from governance.ledger.store import ObjectStore
from governance.snapshots.export import Exported, write_record
from governance.snapshots.forms import Form
from governance.snapshots.inputs import ExportInputs
from governance.snapshots.names import LeftOut, check_name
from governance.snapshots.record import Derivation, check_inputs
from governance.snapshots.staging import Disk, staged
from governance.snapshots.writing import (
    Cancelled,
    Fill,
    Meter,
    Progress,
    Writer,
    check_place,
)


@dataclass(frozen=True, slots=True)
class Payload:
    """What a derived export holds beside its record.

    Args:
        form: Its form.
        files: Relative path to what writes the file.
        facts: What the manifest says of how it was derived.
        left_out: What stays behind in the base folder.
        links: Base files that were links, and where to.
    """

    form: Form
    files: Mapping[str, Fill]
    facts: Mapping[str, JSON] = field(default_factory=dict)
    left_out: tuple[LeftOut, ...] = ()
    links: Mapping[str, str] = field(default_factory=dict)


def export_derived(
    inputs: ExportInputs,
    store: ObjectStore,
    target: Path,
    payload: Payload,
    *,
    outside: Sequence[Path] = (),
    on_progress: Progress | None = None,
    cancelled: Cancelled | None = None,
    disk: Disk | None = None,
) -> Exported:
    """Write a payload with the whole record of the snapshot it comes from.

    Args:
        inputs: Everything the export says.
        store: Where the snapshot's tensors and evidence lie.
        target: A new folder.
        payload: The derived files.
        outside: Folders the target must not lie in, besides the base.
        on_progress: Called with files written so far and files in all.
        cancelled: Asked between files whether to stop.
        disk: What writes; the real disk where omitted.

    Returns:
        What was written.

    Raises:
        UsageError: If the target exists, lies where it must not, or cannot be written.
        IntegrityError: If an object or an input is not what was recorded.
        InterruptedByUserError: If ``cancelled`` said so.
    """
    target = target.absolute()
    check_place(target, (inputs.folder.root, *outside))
    check_inputs(inputs)
    for path in payload.files:
        check_name(path)
    meter = Meter(len(payload.files), on_progress, cancelled)
    meter.add(0)
    real = disk or Disk()
    derivation = Derivation(payload.form, payload.facts)
    with staged(target, real) as staging:
        writer = Writer(staging, real)
        for path, fill in payload.files.items():
            writer.fill(path, fill)
            meter.add(1)
        files = write_record(
            inputs, store, writer, payload.left_out, payload.links, derivation
        )
    return Exported(target, inputs.snapshot.digest, files)
