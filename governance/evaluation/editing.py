"""Make one edit of a data set: resolve it, solve it, and keep what that took."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from governance.canonical import JSON, digest_of
from governance.checks.drawing import Drawable
from governance.engine.apply import Edited
from governance.engine.edit import EditSpec
from governance.engine.joint import solve_jointly
from governance.errors import EngineError, RequestError
from governance.evaluation.cases import Case
from governance.evaluation.resolving import BATCH, optimise, resolved, search
from governance.evaluation.tools import Tools
from governance.pipeline.tensors import tensor_bytes
from governance.service.parts.studio import unstored


@dataclass(frozen=True, slots=True)
class Record:
    """What making an edit took.

    Args:
        seconds: Resolve and solve together, drawing for a search included.
        found: What its search found.
        warnings: What the engine said.
        refused: Why it could not be made, or nothing.
    """

    seconds: float
    found: Mapping[str, JSON]
    warnings: tuple[str, ...] = ()
    refused: str | None = None


class Editor:
    """Makes edits, and remembers in cells what they took.

    Args:
        tools: Model and cells.
    """

    def __init__(self, tools: Tools) -> None:
        self._tools = tools
        self._solved: dict[str, Drawable] = {}

    def record(self, spec: EditSpec) -> Record | None:
        """Return what making an edit took, nothing where it was never made."""
        key = self._key(spec)
        kept = self._tools.cells.found([key]).get(key)
        return _record_of(kept) if isinstance(kept, dict) else None

    def prepare(self, specs: Sequence[EditSpec]) -> None:
        """Run stage one of edits not made yet, many concepts at once.

        Each edit's record then counts its share of the time.

        Args:
            specs: One method's edits.
        """
        missing = [spec for spec in specs if self.record(spec) is None]
        for start in range(0, len(missing), BATCH):
            some = missing[start : start + BATCH]
            started = time.perf_counter()
            try:
                optimise(some, self._tools)
            except (EngineError, RequestError):
                continue  # alone, each says for itself what is wrong with it
            each = (time.perf_counter() - started) / len(some)
            known = self._tools.cells.found([self._share_key(one) for one in some])
            # A run that was stopped here counted the time when it was spent.
            fresh = (key for one in some if (key := self._share_key(one)) not in known)
            self._tools.cells.keep(dict.fromkeys(fresh, each))

    def resolved(self, case: Case, spec: EditSpec) -> EditSpec | None:
        """Resolve an edit, from its record where it was resolved before.

        Args:
            case: The edit.
            spec: The same for the engine.

        Returns:
            The resolved edit, or nothing where it cannot be made.
        """
        kept = self.record(spec)
        if kept is not None:
            if kept.refused is not None:
                return None
            return resolved(spec, kept.found, self._tools)
        started = time.perf_counter() - self._share(spec)
        try:
            found = search(case, spec, self._tools)
            ready = resolved(spec, found, self._tools)
            edited = self._solve([ready])
        except (EngineError, RequestError) as error:
            self._keep(spec, _took(started, {}, refused=error.message))
            return None
        self._keep(spec, _took(started, found, tuple(edited.warnings)))
        self._solved[spec.digest] = self._drawable(edited)
        return ready

    def weights(self, specs: Sequence[EditSpec]) -> Drawable:
        """Solve resolved edits jointly and return what to draw from."""
        if len(specs) == 1 and specs[0].digest in self._solved:
            return self._solved.pop(specs[0].digest)
        return self._drawable(self._solve(specs))

    def _solve(self, specs: Sequence[EditSpec]) -> Edited:
        tools = self._tools
        return solve_jointly(specs, tools.base, device=tools.device).edited

    def _drawable(self, edited: Edited) -> Drawable:
        new = {key: tensor_bytes(value) for key, value in edited.tensors.items()}
        return unstored(self._tools.base.folder, new)

    def _share(self, spec: EditSpec) -> float:
        key = self._share_key(spec)
        found = self._tools.cells.found([key]).get(key)
        return float(found) if isinstance(found, int | float) else 0.0

    def _share_key(self, spec: EditSpec) -> str:
        return digest_of(
            {"cell": "stage-one/v1", "model": self._tools.model, "edit": spec.digest}
        )

    def _keep(self, spec: EditSpec, record: Record) -> None:
        document: dict[str, JSON] = {
            "seconds": record.seconds,
            "found": dict(record.found),
            "warnings": list(record.warnings),
            "refused": record.refused,
        }
        self._tools.cells.keep({self._key(spec): document})

    def _key(self, spec: EditSpec) -> str:
        return digest_of(
            {"cell": "edit/v1", "model": self._tools.model, "edit": spec.digest}
        )


def _took(
    started: float,
    found: Mapping[str, JSON],
    warnings: tuple[str, ...] = (),
    refused: str | None = None,
) -> Record:
    return Record(time.perf_counter() - started, found, warnings, refused)


def _record_of(kept: Mapping[str, JSON]) -> Record:
    seconds, found, warnings, refused = (
        kept.get(name) for name in ("seconds", "found", "warnings", "refused")
    )
    return Record(
        float(seconds) if isinstance(seconds, int | float) else 0.0,
        found if isinstance(found, dict) else {},
        tuple(map(str, warnings)) if isinstance(warnings, list) else (),
        None if refused is None else str(refused),
    )
