"""From a request and its resolution to what the engine is asked to do."""

from collections.abc import Mapping
from dataclasses import replace

from governance.canonical import JSON
from governance.domain.request import EditRequest
from governance.engine.edit import EditSpec
from governance.errors import IntegrityError
from governance.ledger.store import ObjectStore
from governance.service.ports import Planned
from governance.snapshots.spec import Alphas as Alphas
from governance.snapshots.spec import spec_of as spec_of


def edit_spec(planned: Planned, store: ObjectStore) -> EditSpec:
    """Return a resolved edit as the engine sees it.

    Args:
        planned: The edit.
        store: Where its stage-one results are.

    Raises:
        IntegrityError: What is stored is not what the resolution names.
    """
    request, found = planned.request, planned.resolved.found
    spec = spec_of(request, planned.resolved.digest, found)
    digest = _values(request, found)
    if digest is None:
        return spec
    from governance.pipeline.values import read_values

    return replace(spec, values=read_values(store.path(digest)))


def _values(request: EditRequest, found: Mapping[str, JSON]) -> str | None:
    """Return the digest of an edit's stage-one results: as found, else as given."""
    digest = found.get("values")
    if digest is None:
        return None if request.values is None else request.values.sha256
    if not isinstance(digest, str):
        raise IntegrityError("a resolved edit's stage-one results are no digest")
    return digest
