"""The engine on a registered model."""

import time
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from governance.canonical import JSON
from governance.domain.events import Document
from governance.domain.request import Action, EditRequest
from governance.domain.snapshot import ResolvedEdit, Snapshot
from governance.domain.state import ModelRecord
from governance.errors import EngineError
from governance.pipeline.folder import PipelineFolder
from governance.service.facade import Progress, ProgressCallback
from governance.service.parts.covariances import covariances_of
from governance.service.parts.judges import Judges
from governance.service.parts.models import FolderModels
from governance.service.parts.optimising import Optimiser, needs_stage_one
from governance.service.parts.priors import check_priors
from governance.service.parts.search import AlphaSearch
from governance.service.parts.spec import edit_spec, spec_of
from governance.service.parts.studio import Studio
from governance.service.ports import Place, Planned, Solved
from governance.service.stored import put_document

if TYPE_CHECKING:
    from governance.engine.apply import Edited
    from governance.engine.edit import EditSpec
    from governance.engine.joint import Solution


class EngineSolver:
    """Resolves edits once, and solves sets of them from the untouched base.

    Args:
        studio: Drawing workers, for searches.
        judges: Judges by model, for searches.
    """

    def __init__(
        self, studio: Studio | None = None, judges: Judges | None = None
    ) -> None:
        self._search = AlphaSearch(studio or Studio(), judges or Judges())

    def validate(self, request: EditRequest) -> None:
        """Refuse parameters, or an action, the method does not have.

        Raises:
            RequestError: It has something the method has not; the field is named.
        """
        from governance.engine.presets import validate

        validate(spec_of(request, request.digest, {}))

    def parameters(self, request: EditRequest) -> Document:
        """Return the parameters with the published defaults filled in."""
        from governance.engine.presets import effective

        return effective(spec_of(request, request.digest, {}))

    def resolve(
        self,
        place: Place,
        model: ModelRecord,
        request: EditRequest,
        dropped: Sequence[str],
        live: Sequence[Planned],
        progress: ProgressCallback,
        statistics: str | None = None,
    ) -> ResolvedEdit:
        """Run an edit's searches and stage one, once.

        Searches see the live edits; stage one runs on the untouched base always, and
        only once the layers it is for are known to be solvable.

        Raises:
            EngineError: A key covariance has not full rank, or a search found nothing.
        """
        found: dict[str, JSON] = {}
        if dropped:
            found["dropped"] = list(dropped)
        if statistics is not None:
            found["statistics"] = statistics
        spec = spec_of(request, request.digest, found)
        optimiser = None
        if needs_stage_one(request):
            _check_priors(place, model, spec)
            optimiser = Optimiser(place, model, progress)
        # Values that are given say already how far a debias leans.
        sought = request.action is Action.DEBIAS and request.values is None
        if sought and spec.alphas is None:
            others = [edit_spec(item, place.store) for item in live]
            ready = optimiser.ready if optimiser else None
            found |= self._search.run(
                place, model, request, spec, others, progress, ready
            )
        if optimiser is not None:
            found |= optimiser.found(spec_of(request, request.digest, found))
        return ResolvedEdit(request.digest, found)

    def solve(
        self,
        place: Place,
        model: ModelRecord,
        edits: Sequence[Planned],
        progress: ProgressCallback,
    ) -> Solved:
        """Solve a set of resolved edits from the base; a function of the set.

        Raises:
            EngineError: The system is ill-conditioned.
            IntegrityError: A tensor could not be stored as it was solved.
        """
        if not edits:
            base = Snapshot(model.digest, (), {})
            put_document(place.store, base.document())
            return Solved(base, (), (), (), {"solve": 0.0})
        from governance.snapshots.compose import write_snapshot

        folder = FolderModels().folder(model)
        names = {item.resolved.digest: item for item in edits}
        started = time.perf_counter()
        try:
            solution, encoding = solution_of(place, folder, edits, progress)
        except EngineError as error:
            raise EngineError(_named(error.message, names), error.hint) from error
        edited = solution.edited
        applied = time.perf_counter()
        progress(Progress("write", 0, len(edited.tensors)))
        snapshot = write_snapshot(place.store, folder.digest, names, edited.tensors)
        progress(Progress("write", len(edited.tensors), len(edited.tensors)))
        return Solved(
            snapshot=snapshot,
            certificate=tuple(_rows(edited, names)),
            sites=tuple({"name": s.key, "norm": s.norm} for s in edited.sites),
            warnings=tuple(_named(text, names) for text in edited.warnings),
            seconds={
                "encode": round(encoding, 3),
                "solve": round(applied - started - encoding, 3),
                "write": round(time.perf_counter() - applied, 3),
            },
        )


def _check_priors(place: Place, model: ModelRecord, spec: "EditSpec") -> None:
    folder = FolderModels().folder(model)
    check_priors(spec, folder, covariances_of(folder, place.store))


def solution_of(
    place: Place,
    folder: PipelineFolder,
    edits: Sequence[Planned],
    progress: ProgressCallback,
) -> "tuple[Solution, float]":
    """Solve a set of resolved edits from the base.

    Args:
        place: Where to read and write.
        folder: The base.
        edits: Resolved edits; at least one.
        progress: Told about every matrix.

    Returns:
        The solution, and the seconds spent in text encoders.

    Raises:
        EngineError: The system is ill-conditioned.
    """
    from governance.engine.joint import solve_jointly
    from governance.pipeline.base import PipelineBase
    from governance.pipeline.device import algebra_device, resolve_device

    device = algebra_device(resolve_device(place.device))
    progress(Progress("encode", 0, len(edits)))
    model_base = PipelineBase(
        folder,
        cache=place.encodings,
        device=device,
        statistics=covariances_of(folder, place.store),
    )

    def solved(done: int, total: int) -> None:
        progress(Progress("solve", done, total))

    specs = [edit_spec(item, place.store) for item in edits]
    solution = solve_jointly(specs, model_base, device=device, on_progress=solved)
    return solution, model_base.seconds


def _rows(edited: "Edited", names: Mapping[str, Planned]) -> Iterator[Document]:
    for certificate in edited.certificates:
        idle = "changed nothing" if certificate.idle else ""
        note = "; ".join(part for part in (idle, certificate.note) if part)
        for row in certificate.as_json():
            edit = names[certificate.digest].id
            yield {**row, "edit": edit, "note": note}


def _named(text: str, names: Mapping[str, Planned]) -> str:
    """Say an edit's id where the engine could only say its digest."""
    for digest, item in names.items():
        text = text.replace(f"edit {digest[:12]}", item.id)
    return text
