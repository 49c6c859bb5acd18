"""Audited exports, and how far two snapshots lie apart."""

from collections.abc import Sequence
from pathlib import Path

from governance.domain.snapshot import Snapshot
from governance.pipeline.folder import PipelineFolder
from governance.service.facade import Progress, ProgressCallback
from governance.service.parts.deriving import derive
from governance.service.ports import Exported, Place, Planned
from governance.service.views import SiteNorm
from governance.snapshots.forms import Form
from governance.snapshots.inputs import ExportInputs


class RealExporter:
    """Writes folders that stock diffusers loads."""

    def export(
        self,
        place: Place,
        inputs: ExportInputs,
        target: Path,
        outside: Sequence[Path],
        progress: ProgressCallback,
        form: Form | None = None,
        edits: Sequence[Planned] = (),
    ) -> Exported:
        """Write a snapshot in one of its forms, or nothing at all.

        Raises:
            PipelineError: The architecture has no such form.
            IntegrityError: What was solved again is not what was signed.
            UsageError: The target cannot be written.
        """
        from governance.snapshots.derived import export_derived
        from governance.snapshots.export import export_diffusers
        from governance.snapshots.writing import check_place

        def written(done: int, total: int) -> None:
            progress(Progress("export", done, total))

        form = form or Form()
        if form.derived:
            # Before anything is solved for a place that cannot be written.
            check_place(target.absolute(), (inputs.folder.root, *outside))
            payload = derive(place, inputs, form, edits, progress)
            found = export_derived(
                inputs,
                place.store,
                target,
                payload,
                outside=outside,
                on_progress=written,
            )
        else:
            found = export_diffusers(
                inputs, place.store, target, outside=outside, on_progress=written
            )
        return Exported(
            path=found.path,
            digest=found.digest,
            files=tuple(
                {"path": item.path, "size": item.size, "sha256": item.sha256}
                for item in found.files
            ),
        )

    def norms(
        self, place: Place, folder: PipelineFolder, first: Snapshot, second: Snapshot
    ) -> tuple[SiteNorm, ...]:
        """Return how far each tensor that differs moves between two snapshots."""
        from governance.snapshots.difference import diff

        found = diff(place.store, folder, first, second)
        return tuple(SiteNorm(item.name, item.norm) for item in found.tensors)
