"""Key covariances that a layer can be solved against, or refused before any work."""

from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING

from governance.canonical import JSON
from governance.engine.edit import EditSpec
from governance.errors import UsageError
from governance.pipeline.folder import PipelineFolder

if TYPE_CHECKING:
    from torch import Tensor

    from governance.pipeline.covariance_library import CovarianceLibrary
    from governance.pipeline.covariances import CovarianceFile


def check_measured(
    covariances: "Mapping[tuple[str, int], Tensor]", about: Mapping[str, JSON]
) -> None:
    """Refuse measured covariances that no layer could be solved against.

    Args:
        covariances: (component, layer) to E[k k^T] [d, d], float64.
        about: What they were computed from.

    Raises:
        EngineError: One has not full rank in float64; it is named.
    """
    for place in sorted(covariances):
        _check(covariances[place], place, about)


def check_file(
    file: "CovarianceFile", widths: Mapping[tuple[str, int], int], name: str
) -> None:
    """Refuse a file that does not serve every layer of a model.

    Args:
        file: The statistics.
        widths: (component, layer) to d, of every layer of the model.
        name: What to call the file.

    Raises:
        UsageError: A layer is missing, or a matrix is no covariance.
        EngineError: A covariance has not full rank in float64; it is named.
    """
    missing = sorted(set(widths) - set(file.places))
    if missing:
        component, layer = missing[0]
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        raise UsageError(
            f"statistics {name} hold no covariance of layer {layer} of {component}"
            f"{more}; expected one of every layer, {len(widths)} in all",
            "Import a file that holds every layer of every text encoder.",
        )
    for place in file.places:
        _check(file.covariance(*place), place, file.about)


def check_priors(
    spec: EditSpec, folder: PipelineFolder, library: "CovarianceLibrary"
) -> None:
    """Refuse an edit whose layers cannot be solved, before a stage one runs.

    Args:
        spec: The edit; without statistics there is nothing to refuse.
        folder: The model.
        library: Finds the statistics it names.

    Raises:
        RequestError: A parameter is wrong, or an encoder has no such layer.
        UsageError: A layer has no covariance.
        EngineError: A covariance has not full rank in float64; it is named.
    """
    if spec.statistics is None:  # an identity prior, or no edit of a text encoder
        return
    from governance.engine.text.settings import settings_of
    from governance.pipeline.weights import PipelineWeights

    sites = {(s.component, s.layer) for s in PipelineWeights(folder).text_sites}
    for component, depth in sorted(Counter(name for name, _ in sites).items()):
        for layer in settings_of(spec, depth).layers:
            found = library(spec.statistics, component, layer)
            _check(found, (component, layer), {})


def _check(
    covariance: "Tensor", place: tuple[str, int], about: Mapping[str, JSON]
) -> None:
    from governance.engine.text.system import check_prior

    component, layer = place
    tokens = about.get("tokens")
    said = f", of {tokens:,} tokens," if type(tokens) is int else ""
    check_prior(covariance, f"the key covariance of layer {layer} of {component}{said}")
