"""Stage-one results from outside, held against the model and the edit."""

from collections import Counter
from pathlib import Path

from governance.domain.request import EditRequest
from governance.pipeline.folder import PipelineFolder
from governance.service.parts.spec import spec_of


def checked_values(
    path: Path, request: EditRequest, folder: PipelineFolder
) -> tuple[str, ...]:
    """Refuse stage-one results that are not what an edit needs.

    Args:
        path: A safetensors file.
        request: The edit.
        folder: The model.

    Returns:
        For each encoder that the file names no digest of, what that means.

    Raises:
        RequestError: A name, shape, dtype, number or encoder is wrong.
    """
    from governance.engine.text.settings import settings_of
    from governance.engine.text.values import value_name
    from governance.pipeline.statistics import encoder_digests
    from governance.pipeline.values import check_values
    from governance.pipeline.weights import PipelineWeights

    spec = spec_of(request, request.digest, {})
    sites = {(s.component, s.layer): s for s in PipelineWeights(folder).text_sites}
    depths = Counter(component for component, _ in sites)
    wanted = {}
    for component, _ in folder.text_encoders:
        layer = settings_of(spec, depths[component]).layers[-1]
        shape = (len(spec.concepts), sites[component, layer].shape[0])
        wanted[value_name(spec.method, component, layer)] = (component, shape)
    return check_values(path, wanted, encoder_digests(folder))
