"""Audited exports, and how far two snapshots lie apart."""

from collections.abc import Sequence
from pathlib import Path

from governance.domain.snapshot import Snapshot
from governance.pipeline.folder import PipelineFolder
from governance.service.facade import Progress, ProgressCallback
from governance.service.ports import Exported, Place
from governance.service.views import SiteNorm
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
    ) -> Exported:
        """Write a folder that stock diffusers loads, or nothing at all."""
        from governance.snapshots.export import export_diffusers

        def written(done: int, total: int) -> None:
            progress(Progress("export", done, total))

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
