"""EMCID's debias, arXiv:2403.13807, appendix: one state mixed of several attributes'.

Stage one runs once for every concept and attribute. What is inserted for a concept is
z = h0 + sum_j f_j (z_j - h0), its factors f found by drawing and judging; factors that
are all zero leave the concept as it is.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from governance.engine.edit import EditSpec
from governance.engine.stage_one.emcid import EmcidTarget, EmcidValues
from governance.errors import EngineError


def leaning_targets(spec: EditSpec) -> tuple[EmcidTarget, ...]:
    """Return what stage one is run for: every attribute of every concept.

    Args:
        spec: A debias edit.

    Returns:
        A concept's attributes side by side.
    """
    return tuple(
        EmcidTarget(concept, attribute.prompt.replace("{}", concept.phrase).strip())
        for concept in spec.concepts
        for attribute in spec.attributes
    )


def leaned(values: EmcidValues, factors: Sequence[Sequence[float]]) -> Tensor:
    """Mix what stage one found for every attribute into one state per concept.

    Args:
        values: Of :func:`leaning_targets`, in its order.
        factors: Per concept and attribute.

    Returns:
        z [n_concepts, d_model], float64.

    Raises:
        EngineError: There are not as many factors as states.
    """
    weights = torch.tensor([list(row) for row in factors], dtype=torch.float64)
    if weights.ndim != 2 or weights.numel() != len(values.base):
        raise EngineError(
            f"{weights.numel()} factors do not fit {len(values.base)} stage-one states; "
            "expected one for every concept and attribute"
        )
    shape = (*weights.shape, values.base.shape[1])
    base = values.base.double().reshape(shape)
    steps = values.wanted.double().reshape(shape) - base
    # Sums term by term, so that a zero factor adds nothing at all.
    found = base[:, 0].clone()
    for place in range(weights.shape[1]):
        found += weights[:, place, None] * steps[:, place]
    return found
