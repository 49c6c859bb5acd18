"""What would leave a text encoder saying nothing: refused, with edit and tensor named."""

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor

from governance.engine.apply import SiteNorm
from governance.engine.text.gauge import Reading
from governance.engine.text.plan import TextPlan
from governance.engine.text.protocols import TextProbe
from governance.engine.text.reading import means
from governance.errors import EngineError

FARTHEST = 1000.0
"""Longest stage-one value, over the median length of what its layer puts out.

Stage one itself may be told to go this far (``clamp``), and a value this long already
leaves three digits of float32 to everything else the layer says."""


def refuse_far(plans: Sequence[TextPlan], probe: TextProbe, before: Reading) -> None:
    """Refuse stage-one values that no layer could mean.

    A value is held against the residual stream after the edit's last layer, at the
    bare phrases (ReFACT) or over the templates (EMCID): it becomes part of it.

    Args:
        plans: The edits of one encoder.
        probe: The encoder, unedited.
        before: What it says, from the same moment.

    Raises:
        EngineError: A value is longer than 1,000 times the median of an edit's own.
    """
    for one, values in zip(plans, before.values, strict=True):
        layer = one.settings.layers[-1]
        usual = _outputs(one, layer, probe) if one.settings.hard else values
        length = float(torch.linalg.vector_norm(usual, dim=1).median())
        lengths = torch.linalg.vector_norm(one.targets, dim=1)
        if not bool((lengths <= FARTHEST * length).all()):
            place = int(lengths.nan_to_num(torch.inf).argmax())
            raise EngineError(
                f"edit {one.digest[:12]}: the stage-one value of "
                f"{one.concepts[place].bare[0]!a} is {float(lengths[place]):.2e} long; "
                f"expected at most {FARTHEST:,.0f} times what layer {layer} of "
                f"{one.component} puts out, {length:.2e}",
                "Give values that were computed for this model, or compute them again.",
            )


def refuse_silent(
    rows: Iterable[Tensor],
    plans: Sequence[TextPlan],
    probe: TextProbe,
    moved: Sequence[SiteNorm],
) -> None:
    """Refuse edits after which the encoder gives NaN or infinity.

    Args:
        rows: What it says as composed so far.
        plans: The edits of the encoder.
        probe: The encoder.
        moved: The matrices edited so far.

    Raises:
        EngineError: A number is not finite; the matrix that moved most is named, and
            the edits that have rows there.
    """
    if all(bool(torch.isfinite(row).all()) for row in rows):
        return
    if not moved:
        raise EngineError(
            f"{probe.component} gives NaN or infinity before any edit",
            "Check the model's own weights.",
        )
    worst = max(moved, key=lambda one: one.relative)
    raise EngineError(
        f"{edits_at(worst.key, plans, probe)} makes {probe.component} give NaN or "
        f"infinity: tensor {worst.key} moved by {worst.relative:.1e} of its own size",
        "Lower the strength of the edit, or give other values.",
    )


def edits_at(key: str, plans: Sequence[TextPlan], probe: TextProbe) -> str:
    """Name the edits that have rows at a matrix.

    Args:
        key: The tensor.
        plans: The edits of the encoder.
        probe: The encoder.
    """
    layers = [
        layer
        for layer in range(probe.depth)
        if any(site.key == key for site in probe.sites(layer))
    ]
    here = [
        f"edit {one.digest[:12]}"
        for one in plans
        if set(layers) & set(one.settings.layers)
    ]
    return " and ".join(here)


def _outputs(one: TextPlan, layer: int, probe: TextProbe) -> Tensor:
    """Return the residual stream [n, d_model] after a layer at the bare phrases."""
    return means(
        lambda places: probe.blocks(layer, places), [(c.bare,) for c in one.concepts]
    )
