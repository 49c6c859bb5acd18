"""TIME needs every word of a source in its destination: said when it is proposed."""

from collections.abc import Sequence
from pathlib import Path

from governance.documents.request import LoadedRequest
from governance.domain.request import EditRequest
from governance.errors import RequestError
from governance.service.parts.spec import spec_of
from governance.service.selecting import the_model
from governance.service.wording import placed
from governance.service.workspace import Workspace


def check_alignment(
    workspace: Workspace, loaded: Sequence[LoadedRequest], path: Path
) -> None:
    """Refuse TIME edits whose sources cannot be aligned with what they become.

    Args:
        workspace: The workspace.
        loaded: Requests of one file.
        path: That file, for messages.

    Raises:
        RequestError: A source is not a subsequence of its destination's tokens.
    """
    for item in loaded:
        try:
            _check(workspace, item.request)
        except RequestError as error:
            raise placed(error, item, path) from error


def _check(workspace: Workspace, request: EditRequest) -> None:
    if request.method != "time":
        return
    from governance.engine.aligned import check_aligned
    from governance.engine.presets import validate

    model = the_model(workspace.state, request.model)
    vocabulary = workspace.parts.models.vocabulary(model)
    spec = spec_of(request, request.digest, {})
    check_aligned(spec, validate(spec).templates, vocabulary.readings)
