"""The prior of one layer, which all edits there must share."""

from collections.abc import Sequence

import torch
from torch import Tensor

from governance.engine.text.plan import TextPlan
from governance.engine.text.protocols import TextBase, TextProbe
from governance.errors import EngineError, NotFoundError, WrongStateError


def layer_prior(
    plans: Sequence[TextPlan], layer: int, probe: TextProbe, base: TextBase
) -> Tensor:
    """Return C0 of one layer.

    Args:
        plans: The edits at that layer, at least one.
        layer: Layer, counted from 0.
        probe: The encoder.
        base: Gives the statistics.

    Returns:
        E[k k^T] [d_ff, d_ff], float64; the identity where that was asked for.

    Raises:
        WrongStateError: Two edits there have different priors or statistics.
        NotFoundError: An edit has no statistics.
        EngineError: The statistics are of another encoder.
    """
    first = plans[0]
    place = f"layer {layer} of {probe.component}"
    for other in plans[1:]:
        if _prior(other) != _prior(first):
            raise WrongStateError(
                f"edits {first.digest[:12]} and {other.digest[:12]} meet at {place} "
                f"with different priors: {_shown(first)} and {_shown(other)}; expected "
                "one prior",
                "Apply both with the same statistics, or edit different layers.",
            )
    if first.settings.prior == "identity":
        return torch.eye(probe.d_ff, dtype=torch.float64)
    if first.statistics is None:
        raise NotFoundError(
            f"edit {first.digest[:12]} needs the key covariance of {place}; found no "
            "statistics",
            "Run `governance statistics compute --captions FILE`, or ask for "
            "`prior: identity`.",
        )
    found = base.statistics(first.statistics, probe.component, layer)
    if tuple(found.shape) != (probe.d_ff, probe.d_ff):
        raise EngineError(
            f"the key covariance of {place} has shape {tuple(found.shape)}; expected "
            f"{(probe.d_ff, probe.d_ff)}",
            "Use statistics that were computed with this model.",
        )
    if not bool(torch.isfinite(found).all()):
        raise EngineError(f"the key covariance of {place} holds NaN or infinity")
    return found.to("cpu", torch.float64)


def _prior(one: TextPlan) -> tuple[str, str | None]:
    identity = one.settings.prior == "identity"
    return one.settings.prior, None if identity else one.statistics


def _shown(one: TextPlan) -> str:
    kind, digest = _prior(one)
    if kind == "identity":
        return "identity"
    return f"statistics {digest[:12]}" if digest else "no statistics"
