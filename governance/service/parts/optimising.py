"""Stage one for a workspace: run once at apply, its results objects of the store."""

from dataclasses import replace
from typing import TYPE_CHECKING

from governance.canonical import JSON
from governance.domain.request import TEXT_METHODS, EditRequest
from governance.domain.state import ModelRecord
from governance.service.facade import Progress, ProgressCallback
from governance.service.parts.models import FolderModels
from governance.service.ports import Place

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from governance.engine.edit import EditSpec
    from governance.service.parts.stage_one import Leanings, Workshop


def needs_stage_one(request: EditRequest) -> bool:
    """Say whether an edit's values must be computed, since none are given."""
    return request.method in TEXT_METHODS and request.values is None


class Optimiser:
    """Runs stage one of one edit, on the untouched base.

    Args:
        place: Where to read and write.
        model: The registered model.
        progress: Told about steps and concepts.
    """

    def __init__(
        self, place: Place, model: ModelRecord, progress: ProgressCallback
    ) -> None:
        self._place = place
        self._folder = FolderModels().folder(model)
        self._progress = progress
        self._leanings: dict[str, Leanings] = {}

    def ready(self, spec: "EditSpec") -> "EditSpec":
        """Return an edit with its stage-one values.

        Args:
            spec: The edit; a debias with its alphas.

        Raises:
            RequestError: A prompt is too long, or an image cannot be read.
            PipelineError: The architecture has no such stage one.
            EngineError: A loss is not finite.
        """
        return replace(spec, values=self._values(spec))

    def found(self, spec: "EditSpec") -> dict[str, JSON]:
        """Store an edit's stage-one values.

        Args:
            spec: The edit; a debias with its alphas.

        Returns:
            Their digest, and the seed they come from.
        """
        from governance.engine.presets import effective
        from governance.pipeline.statistics import encoder_digests
        from governance.pipeline.values import write_values

        values, encoders = self._values(spec), encoder_digests(self._folder)
        digest = self._place.store.put_written(
            lambda file: write_values(file, values, encoders)
        )
        return {"values": digest, "seed": effective(spec)["seed"]}

    def _values(self, spec: "EditSpec") -> "Mapping[str, Tensor]":
        from governance.service.parts.stage_one import leanings, stage_one

        if spec.alphas is None:
            return stage_one(spec, self._workshop(), self._told)
        if spec.digest not in self._leanings:
            found = leanings(spec, self._workshop(), self._told)
            self._leanings[spec.digest] = found
        return self._leanings[spec.digest].values(spec.alphas)

    def _workshop(self) -> "Workshop":
        from governance.pipeline.device import resolve_device
        from governance.service.parts.stage_one import Workshop

        return Workshop(
            folder=self._folder,
            device=resolve_device(self._place.device),
            cache=self._place.stage_one,
            image=self._place.store.get,
        )

    def _told(self, step: str, done: int, total: int) -> None:
        self._progress(Progress(step, done, total))
