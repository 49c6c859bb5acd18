"""From a signed snapshot to another dtype, a delta or an adapter."""

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from governance.canonical import JSON
from governance.service.facade import Progress, ProgressCallback
from governance.service.parts.solver import solution_of
from governance.service.ports import Place, Planned
from governance.snapshots.forms import ADAPTER, DELTA, TABLE, Form, Keys
from governance.snapshots.inputs import ExportInputs

if TYPE_CHECKING:
    from governance.engine.joint import Solution
    from governance.snapshots.derived import Payload
    from governance.snapshots.recompose import Recomposed


def derive(
    place: Place,
    inputs: ExportInputs,
    form: Form,
    edits: Sequence[Planned],
    progress: ProgressCallback,
) -> "Payload":
    """Plan the files of a derived export.

    Args:
        place: Where to read.
        inputs: Everything the export says.
        form: A derived form.
        edits: The snapshot's edits.
        progress: Told what will be written, and its size, before it is.

    Returns:
        Files that are yet to be written.

    Raises:
        PipelineError: The architecture has no such form.
        IntegrityError: What was solved again is not what was signed.
    """
    from governance.snapshots.adapters import check_adapters
    from governance.snapshots.casting import cast_payload
    from governance.snapshots.recompose import check_recomposed

    if form.dtype is not None:
        return cast_payload(inputs, place.store, form.dtype)
    if form.kind == "lora":
        check_adapters(inputs.folder.family)
    solution, _ = solution_of(place, inputs.folder, edits, progress)
    tensors = solution.edited.tensors
    near = check_recomposed(place.store, inputs.folder, inputs.snapshot, tensors)
    if form.keys is not None:
        return _adapter(inputs, solution, form, form.keys, near, progress)
    return _delta(inputs, solution, form, edits, near, progress)


def _adapter(
    inputs: ExportInputs,
    solution: "Solution",
    form: Form,
    keys: Keys,
    near: "Recomposed",
    progress: ProgressCallback,
) -> "Payload":
    from governance.snapshots.adapters import build_adapter
    from governance.snapshots.derived import Payload
    from governance.snapshots.factors import loaded_factors
    from governance.snapshots.tensor_file import write_tensors

    only = inputs.snapshot.tensors
    factors = loaded_factors(inputs.folder, solution.factors(), only)
    made = build_adapter(inputs.folder.family, factors, keys)
    progress(Progress(f"write {made.words}", 0, 1))
    facts: dict[str, JSON] = {
        "modules": made.modules,
        "ranks": dict(made.ranks),
        "recomposed": near.document(),
    }
    fill = partial(write_tensors, tensors=made.tensors)
    return Payload(form, {ADAPTER: fill}, facts)


def _delta(
    inputs: ExportInputs,
    solution: "Solution",
    form: Form,
    edits: Sequence[Planned],
    near: "Recomposed",
    progress: ProgressCallback,
) -> "Payload":
    from governance.snapshots.delta import build_delta, delta_document, write_document
    from governance.snapshots.derived import Payload
    from governance.snapshots.factors import loaded_factors
    from governance.snapshots.tensor_file import write_tensors

    only = inputs.snapshot.tensors
    made = build_delta(loaded_factors(inputs.folder, solution.factors(), only))
    progress(Progress(f"write {made.words}", 0, 1))
    edited = solution.edited
    document = delta_document(
        made,
        base=inputs.snapshot.base,
        snapshot=inputs.snapshot.digest,
        requests=sorted(item.resolved.request for item in edits),
        sites=[{"name": s.key, "norm": s.norm} for s in edited.sites],
        certificate=[row for one in edited.certificates for row in one.as_json()],
        warnings=list(edited.warnings),
    )
    files = {
        DELTA: partial(write_tensors, tensors=made.tensors),
        TABLE: partial(write_document, document=document),
    }
    facts: dict[str, JSON] = {
        "weights": len(made.table),
        "recomposed": near.document(),
    }
    return Payload(form, files, facts)
