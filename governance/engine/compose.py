"""All live edits, solved jointly from the untouched base, in one canonical order.

The result is a function of the set of edits: the order they are given in changes
nothing, and taking one away equals never having had it, to the byte.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, TypeAlias

import torch
from torch import Tensor

from governance.engine import aligned, uce
from governance.engine.edit import EditSpec
from governance.engine.plan import EditPlan, Pick
from governance.engine.presets import validate
from governance.engine.protocols import SPACES, Encoder, Projection, Space
from governance.engine.reader import Reader
from governance.engine.room import check_room
from governance.engine.solver import EditRows, Multiplier, solve
from governance.errors import EngineError

Precision: TypeAlias = Literal["mixed", "float64", "float32"]


@dataclass(frozen=True)
class Composition:
    """Every edit's rows and the multipliers that make them true together.

    Args:
        plans: What each edit asks for, sorted by digest.
        multipliers: X by projection; a projection that no edit touches is absent,
            and two that see the same rows share one object.
        reader: Embeddings of the edit rows.
        dtype: Precision of the algebra.
        device: Where the algebra runs.
    """

    plans: tuple[EditPlan, ...]
    multipliers: Mapping[Projection, Multiplier]
    reader: Reader
    dtype: torch.dtype
    device: str


def plan(spec: EditSpec, encoder: Encoder) -> EditPlan:
    """Validate one edit and turn it into rows in words.

    Args:
        spec: The edit; a debias needs its alphas.
        encoder: Tells where tokens stand.

    Returns:
        Its rows, not yet encoded.

    Raises:
        RequestError: The edit is not valid for this model.
        EngineError: A debias has no alphas yet.
    """
    parameters = validate(spec)
    if spec.method == "time":
        return aligned.plan(spec, parameters, encoder)
    return uce.plan(spec, parameters, encoder)


def compose(
    edits: Sequence[EditSpec],
    encoder: Encoder,
    *,
    precision: Precision = "mixed",
    device: str = "cpu",
) -> Composition:
    """Solve a set of edits jointly.

    Args:
        edits: Resolved edits with unique digests, in any order.
        encoder: Encodes prompts, in float64 if ``precision`` is float64.
        precision: ``float32`` does the algebra in float32, for comparison only.
        device: Where the algebra runs.

    Returns:
        The composition; with no edits it changes nothing.

    Raises:
        RequestError: An edit is not valid for this model.
        EngineError: Two edits have one digest, a debias has no alphas, the rows do
            not fit into memory, or the system is ill-conditioned.
    """
    ordered = sorted(edits, key=lambda spec: spec.digest)
    digests = [spec.digest for spec in ordered]
    for one, other in pairwise(digests):
        if one == other:
            raise EngineError(f"edit {one[:12]} is given twice; expected it once")
    plans = tuple(plan(spec, encoder) for spec in ordered)
    check_room(plans, encoder)
    dtype = torch.float32 if precision == "float32" else torch.float64
    reader = Reader(encoder, dtype)
    reader.load(_picks(plans))
    return Composition(
        plans, _multipliers(plans, reader, dtype, device), reader, dtype, device
    )


def _picks(plans: Sequence[EditPlan]) -> Iterator[Pick]:
    for one in plans:
        for concept in one.concepts:
            for key, target in concept.pairs:
                yield key
                yield from (chosen for _, chosen in target)


def _multipliers(
    plans: Sequence[EditPlan], reader: Reader, dtype: torch.dtype, device: str
) -> dict[Projection, Multiplier]:
    found: dict[Projection, Multiplier] = {}
    by_rows: dict[tuple[str, ...], Multiplier] = {}
    for projection, space in SPACES.items():
        own = [one for one in plans if projection in one.projections]
        key = (space, *(one.digest for one in own))
        if own and key not in by_rows:
            by_rows[key] = _system(own, space, reader, dtype, device)
        if own:
            found[projection] = by_rows[key]
    return found


def _system(
    plans: Sequence[EditPlan],
    space: Space,
    reader: Reader,
    dtype: torch.dtype,
    device: str,
) -> Multiplier:
    weights = _preserve_weights(plans, space)

    def chunks() -> Iterator[tuple[Tensor, Tensor]]:
        for picks, rows in reader.stream(sorted(weights)):
            each = [w for p in picks for w in [weights[p]] * len(p.rows)]
            yield rows.to(device), torch.tensor(each, dtype=dtype, device=device)

    count = sum(len(chosen.rows) for chosen in weights)
    return solve(_edit_rows(plans, space, reader, dtype, device), chunks(), count)


def _edit_rows(
    plans: Sequence[EditPlan],
    space: Space,
    reader: Reader,
    dtype: torch.dtype,
    device: str,
) -> EditRows:
    keys: list[Tensor] = []
    targets: list[Tensor] = []
    weights: list[Tensor] = []
    for one in plans:
        for concept in one.concepts:
            key, target = reader.concept(concept, space)
            keys.append(key)
            targets.append(target)
            weight = one.weight * concept.weight
            weights.append(torch.full((len(key),), weight, dtype=dtype))
    parts = (torch.cat(part).to(device) for part in (keys, targets, weights))
    return EditRows(*parts)


def _preserve_weights(plans: Sequence[EditPlan], space: Space) -> dict[Pick, float]:
    shares: dict[Pick, list[float]] = {}
    for one in plans:
        for chosen in (pick for pick in one.preserve if pick.space == space):
            shares.setdefault(chosen, []).append(one.preserve_weight)
    # fsum is exact before it rounds, so the total does not depend on any order.
    totals = {chosen: math.fsum(each) for chosen, each in shares.items()}
    return {chosen: total for chosen, total in totals.items() if total > 0}
