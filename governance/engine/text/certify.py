"""Certificates of text-encoder edits, over all encoders of a model."""

import math
from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from governance.engine.certificate import IDLE, Certificate, ConceptCertificate
from governance.engine.text.compose import ComposedEncoder
from governance.engine.text.plan import TextPlan

IDENTITY = "solved with an identity prior, not with key covariances"


def certify_text(encoders: Sequence[ComposedEncoder]) -> tuple[Certificate, ...]:
    """Say what each edit achieved, and what it cost.

    Residuals and moves are distances over the distance the base has to the target,
    in all encoders together.

    Args:
        encoders: The composed encoders, all of the same edits.

    Returns:
        One certificate per edit, sorted by digest.
    """
    if not encoders:
        return ()
    return tuple(
        _certificate(number, one, encoders)
        for number, one in enumerate(encoders[0].plans)
    )


def text_drift(encoders: Sequence[ComposedEncoder]) -> float:
    """Return what all edits together change of what they should preserve."""
    pairs: dict[tuple[str, str, int], tuple[Tensor, Tensor]] = {}
    for one in encoders:
        for number, plan in enumerate(one.plans):
            rows = zip(one.before.kept[number], one.after.kept[number], strict=True)
            for place, pair in zip(plan.measured, rows, strict=True):
                pairs[(plan.component, *place)] = pair
    return _ratio(pairs[key] for key in sorted(pairs))


def _certificate(
    number: int, one: TextPlan, encoders: Sequence[ComposedEncoder]
) -> Certificate:
    concepts = tuple(
        _concept(number, place, one, encoders) for place in range(len(one.concepts))
    )
    conditions = [
        encoder.conditions[layer]
        for encoder in encoders
        for layer in encoder.plans[number].settings.layers
    ]
    kept = (
        pair
        for encoder in encoders
        for pair in zip(
            encoder.before.kept[number], encoder.after.kept[number], strict=True
        )
    )
    return Certificate(
        digest=one.digest,
        concepts=concepts,
        drift=_ratio(kept),
        condition=max(conditions),
        idle=all(concept.moved < IDLE for concept in concepts),
        note=IDENTITY if one.settings.prior == "identity" else "",
    )


def _concept(
    number: int, place: int, one: TextPlan, encoders: Sequence[ComposedEncoder]
) -> ConceptCertificate:
    gap, left, moved = 0.0, 0.0, 0.0
    for encoder in encoders:
        target = encoder.plans[number].targets[place]
        old = encoder.before.values[number][place]
        new = encoder.after.values[number][place]
        gap += _energy(target - old)
        left += _energy(target - new)
        moved += _energy(new - old)
    concept = one.concepts[place]
    return ConceptCertificate(
        source=concept.source,
        destination=concept.destination,
        tokens=concept.tokens,
        residual=math.sqrt(left / gap) if gap else 0.0,
        moved=math.sqrt(moved / gap) if gap else 0.0,
    )


def _ratio(pairs: Iterator[tuple[Tensor, Tensor]]) -> float:
    changed: list[float] = []
    size: list[float] = []
    for old, new in pairs:
        changed.append(_energy(new - old))
        size.append(_energy(old))
    whole = math.fsum(size)
    return math.sqrt(math.fsum(changed) / whole) if whole else 0.0


def _energy(row: Tensor) -> float:
    size = float(torch.linalg.vector_norm(row))
    return size * size  # a power would raise where this is infinite
