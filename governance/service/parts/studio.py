"""What drawing needs: workers, the device, and weights by snapshot."""

from typing import TYPE_CHECKING

from governance.canonical import digest_of, sha256_hex
from governance.domain.snapshot import Snapshot
from governance.runners.pool import WorkerPool
from governance.service.ports import Place

if TYPE_CHECKING:
    from collections.abc import Mapping

    from governance.checks.drawing import Drawable, Drawer
    from governance.pipeline.folder import PipelineFolder


class Studio:
    """Keeps the drawing workers, so that a pipeline is loaded once per process."""

    def __init__(self) -> None:
        self._pool = WorkerPool()
        self._drawers: dict[str, Drawer] = {}

    def drawer(self, place: Place) -> "Drawer":
        """Return the drawer of a device."""
        from governance.checks.drawing import Drawer
        from governance.pipeline.device import resolve_device

        device = resolve_device(place.device)
        if device not in self._drawers:
            self._drawers[device] = Drawer(self._pool, device)
        return self._drawers[device]


def drawable(place: Place, folder: "PipelineFolder", snapshot: Snapshot) -> "Drawable":
    """Read a snapshot's tensors, re-hashed, ready to be drawn from."""
    from governance.checks.drawing import Drawable
    from governance.snapshots.compose import load_overrides

    return Drawable(folder, snapshot.digest, load_overrides(place.store, snapshot))


def unstored(folder: "PipelineFolder", overrides: "Mapping[str, bytes]") -> "Drawable":
    """Draw from tensors that no snapshot holds, as a search does."""
    from governance.checks.drawing import Drawable

    name = digest_of({key: sha256_hex(data) for key, data in overrides.items()})
    return Drawable(folder, name, overrides)
