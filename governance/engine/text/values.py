"""Stage-one values of one edit, checked against the encoder they are written into."""

import torch
from torch import Tensor

from governance.engine.edit import EditSpec
from governance.engine.text.protocols import TextProbe
from governance.engine.text.settings import TextSettings
from governance.errors import EngineError

FIRST = "text_encoder"


def value_name(method: str, component: str, layer: int) -> str:
    """Name the stage-one values of one encoder.

    Args:
        method: refact or emcid.
        component: The encoder; the pipeline's first one is not named.
        layer: The edited layer; EMCID's values have none.
    """
    parts = ["value" if method == "refact" else "z"]
    parts += [component] if component != FIRST else []
    parts += [str(layer)] if method == "refact" else []
    return ".".join(parts)


def stage_one_values(
    spec: EditSpec, probe: TextProbe, settings: TextSettings
) -> Tensor:
    """Return an edit's stage-one values for one encoder.

    Args:
        spec: The edit.
        probe: The encoder.
        settings: Its layers.

    Returns:
        [n_concepts, d_model], as given.

    Raises:
        EngineError: They are missing, misshapen or not finite.
    """
    name = value_name(spec.method, probe.component, settings.layers[-1])
    found = (spec.values or {}).get(name)
    if found is None:
        raise EngineError(
            f"edit {spec.digest[:12]} has no stage-one values {name!r} for "
            f"{probe.component}",
            "Apply the edit in a workspace, which computes them, or give values in "
            "the request.",
        )
    expected = (len(spec.concepts), probe.d_model)
    if tuple(found.shape) != expected:
        raise EngineError(
            f"values {name!r} of edit {spec.digest[:12]} have shape "
            f"{tuple(found.shape)}; expected {expected}, one row per concept",
            "Give values that were computed for this model and these concepts.",
        )
    if not found.is_floating_point() or not bool(torch.isfinite(found).all()):
        raise EngineError(
            f"values {name!r} of edit {spec.digest[:12]} hold NaN or infinity; "
            "expected finite numbers",
            "Compute them again.",
        )
    return found
