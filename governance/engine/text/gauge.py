"""What every text-encoder edit is judged by, read before and after composing.

A ReFACT concept is read as the fc2 output of the bare phrase's last token at its layer,
an EMCID concept as the mean output of the edit's last layer over its templates; drift is
what moves in the rows that the model reads of the preserved texts.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from governance.engine.text.plan import TextPlan
from governance.engine.text.protocols import Place, TextProbe
from governance.engine.text.reading import means


@dataclass(frozen=True)
class Reading:
    """What one encoder says at one time.

    Args:
        values: Each plan's current values [n, d_model], beside its targets.
        kept: Rows [m, d_model] at which each plan's drift is measured.
    """

    values: Sequence[Tensor]
    kept: Sequence[Tensor]


def gauge(
    plans: Sequence[TextPlan], probe: TextProbe, fc2: Mapping[int, Tensor]
) -> Reading:
    """Read what all edits are judged by.

    Args:
        plans: The edits of one encoder.
        probe: The encoder as composed so far.
        fc2: Its current weights of edited layers, float64.
    """
    values: dict[int, Tensor] = {}
    for hard in (True, False):
        for layer in sorted({p.settings.layers[-1] for p in _kind(plans, hard=hard)}):
            values |= _read_layer(plans, probe, fc2, layer, hard=hard)
    kept = means(
        lambda places: probe.blocks(probe.read_layer, places),
        [(place,) for one in plans for place in one.measured],
    )
    counts = [len(one.measured) for one in plans]
    every = [values[number] for number in range(len(plans))]
    return Reading(every, torch.split(kept, counts))


def current_blocks(plans: Sequence[TextPlan], probe: TextProbe) -> list[Tensor]:
    """Read the mean output of each EMCID edit's last layer over its templates.

    Args:
        plans: EMCID edits of one encoder.
        probe: The encoder as composed so far.

    Returns:
        [n, d_model] for each plan.
    """
    found: dict[int, Tensor] = {}
    for layer in sorted({one.settings.layers[-1] for one in plans}):
        found |= _read_layer(plans, probe, {}, layer, hard=False)
    return [found[number] for number in range(len(plans))]


def _read_layer(
    plans: Sequence[TextPlan],
    probe: TextProbe,
    fc2: Mapping[int, Tensor],
    layer: int,
    *,
    hard: bool,
) -> Iterator[tuple[int, Tensor]]:
    own = [
        (number, one)
        for number, one in enumerate(plans)
        if one.settings.hard == hard and one.settings.layers[-1] == layer
    ]
    groups = [group for _, one in own for group in _groups(one)]
    if hard:
        keys = means(lambda places: probe.keys(layer, places), groups)
        rows = keys @ fc2[layer].T + probe.bias(layer).to(torch.float64)
    else:
        rows = means(lambda places: probe.blocks(layer, places), groups)
    parts = torch.split(rows, [len(one.concepts) for _, one in own])
    yield from zip((number for number, _ in own), parts, strict=True)


def _groups(one: TextPlan) -> Iterator[tuple[Place, ...]]:
    """Yield the places each concept's current value is the mean of."""
    for concept in one.concepts:
        yield (concept.bare,) if one.settings.hard else concept.places


def _kind(plans: Sequence[TextPlan], *, hard: bool) -> Iterator[TextPlan]:
    return (one for one in plans if one.settings.hard == hard)
