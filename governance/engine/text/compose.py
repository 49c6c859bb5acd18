"""All text-encoder edits of one encoder, composed layer by layer, shallow to deep.

At each layer one system holds the rows of every edit there; keys and gaps are read in
the encoder as composed so far, its finished layers rounded to the base's own dtype,
since that is the encoder the next layer will sit in. A probe that computes in float64
reads them unrounded, as the formula has it. The algebra is float64 always.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

import torch
from torch import Tensor

from governance.engine.apply import SiteNorm
from governance.engine.text.gauge import Reading, current_blocks, gauge
from governance.engine.text.plan import TextPlan
from governance.engine.text.priors import layer_prior
from governance.engine.text.protocols import (
    Place,
    TextBase,
    TextProbe,
    TextSite,
)
from governance.engine.text.reading import means
from governance.engine.text.sound import edits_at, refuse_far, refuse_silent
from governance.engine.text.system import LayerRows, LayerSystem, solve_layer
from governance.errors import EngineError


@dataclass(frozen=True)
class TextChange:
    """One edited matrix.

    Args:
        key: The tensor.
        up: [d_out, r], float64.
        down: [r, d_in], float64; variants of one layer share one object.
        tensor: W + up . down, rounded once to the base's dtype.
        norm: How far it moved.
    """

    key: str
    up: Tensor
    down: Tensor
    tensor: Tensor
    norm: SiteNorm


@dataclass(frozen=True)
class ComposedEncoder:
    """One encoder with all its edits.

    Args:
        plans: The edits, sorted by digest.
        changes: Every edited matrix, shallow to deep.
        conditions: Condition number of each edited layer's system.
        before: What the base says.
        after: What the composed encoder says.
    """

    plans: Sequence[TextPlan]
    changes: Sequence[TextChange]
    conditions: Mapping[int, float]
    before: Reading
    after: Reading


def compose_encoder(
    plans: Sequence[TextPlan], probe: TextProbe, base: TextBase, device: str = "cpu"
) -> ComposedEncoder:
    """Compose all edits of one encoder.

    Args:
        plans: The edits, sorted by digest.
        probe: The encoder, with the base's own weights.
        base: Gives the statistics.
        device: Where the algebra runs.

    Returns:
        The composed encoder; a function of the set of edits.

    Raises:
        WrongStateError: Two edits at one layer have different priors.
        NotFoundError: An edit has no statistics.
        EngineError: A layer's system is ill-conditioned, two edits cannot both be
            met, a value is longer than anything the layer says, or a new weight
            or what the encoder then says is not finite.
    """
    layers = sorted({layer for one in plans for layer in one.settings.layers})
    weights = {n: _exact(probe.read(probe.sites(n)[0].key)) for n in layers}
    before = gauge(plans, probe, weights)
    refuse_silent((*before.values, *before.kept), plans, probe, ())
    refuse_far(plans, probe, before)
    changes: list[TextChange] = []
    conditions: dict[int, float] = {}
    finished: dict[int, Tensor] = {}
    for layer in layers:
        own = [one for one in plans if layer in one.settings.layers]
        rows = _Rows.read(layer, own, probe, weights[layer])
        refuse_silent(rows.numbers, plans, probe, [one.norm for one in changes])
        prior = layer_prior(own, layer, probe, base)
        system = solve_layer(prior.to(device), rows.system(device), rows.place)
        conditions[layer] = system.condition
        made = _changes(rows, system, probe, device)
        _refuse_overflow(made, own, probe)
        changes += made
        finished[layer] = made[0].tensor
        if probe.exact:
            read = weights[layer] + made[0].up @ made[0].down
        else:
            read = made[0].tensor
        weights[layer] = _exact(read)
        probe.replace(layer, read)
    if probe.exact:  # certificates speak of what is written
        for layer, tensor in finished.items():
            weights[layer] = _exact(tensor)
            probe.replace(layer, tensor)
    after = gauge(plans, probe, weights)
    said = (*after.values, *after.kept)
    refuse_silent(said, plans, probe, [one.norm for one in changes])
    return ComposedEncoder(plans, changes, conditions, before, after)


@dataclass(frozen=True)
class _Rows:
    """The rows of all edits at one layer, float64, on the CPU.

    Args:
        layer: Layer, counted from 0.
        place: How messages name it.
        soft: EMCID edits there.
        hard: ReFACT edits there.
        keys: Mean keys of the soft rows [n, d].
        gaps: Residuals of the soft rows [n, d_out].
        mean: Mean keys of the hard rows [m, d].
        bare: Keys of their bare phrases [m, d].
        values: v* - b of the hard rows [m, d_out].
    """

    layer: int
    place: str
    soft: Sequence[TextPlan]
    hard: Sequence[TextPlan]
    keys: Tensor
    gaps: Tensor
    mean: Tensor
    bare: Tensor
    values: Tensor

    @classmethod
    def read(
        cls, layer: int, plans: Sequence[TextPlan], probe: TextProbe, weight: Tensor
    ) -> "_Rows":
        """Read the rows in the encoder as composed so far.

        Args:
            layer: Layer, counted from 0.
            plans: The edits there, sorted by digest.
            probe: The encoder.
            weight: The base's W [d_out, d] that the pipeline loads, float64.
        """
        soft = [one for one in plans if not one.settings.hard]
        hard = [one for one in plans if one.settings.hard]
        groups: list[list[tuple[Place, ...]]] = [
            [c.places for one in soft for c in one.concepts],
            [c.places for one in hard for c in one.concepts],
            [(c.bare,) for one in hard for c in one.concepts],
        ]
        every = means(
            lambda places: probe.keys(layer, places), list(chain.from_iterable(groups))
        )
        keys, mean, bare = torch.split(every, [len(group) for group in groups])
        bias = probe.bias(layer).to(torch.float64)
        none = torch.empty((0, len(weight)), dtype=torch.float64)
        return cls(
            layer=layer,
            place=f"layer {layer} of {probe.component}",
            soft=soft,
            hard=hard,
            keys=keys,
            gaps=torch.cat([none, *_gaps(layer, soft, probe, keys @ weight.T + bias)]),
            mean=mean,
            bare=bare,
            values=torch.cat([none, *[one.targets for one in hard]]) - bias,
        )

    @property
    def numbers(self) -> tuple[Tensor, ...]:
        """Return every number that goes into the layer's system."""
        return self.keys, self.gaps, self.mean, self.bare, self.values

    def system(self, device: str) -> LayerRows:
        """Return what the layer's system is made of."""
        weights = [w for one in self.soft for w in _each(one.settings.weight, one)]
        return LayerRows(
            keys=self.keys.to(device),
            weights=torch.tensor(weights, dtype=torch.float64, device=device),
            hard=self.mean.to(device),
            bare=self.bare.to(device),
            names=[
                f"{c.bare[0]!a} of edit {one.digest[:12]}"
                for one in self.hard
                for c in one.concepts
            ],
        )


def _gaps(
    layer: int, plans: Sequence[TextPlan], probe: TextProbe, outputs: Tensor
) -> Iterator[Tensor]:
    """Yield each EMCID edit's share of its gap, the rest left to deeper layers.

    A gap is measured in the output of the edit's last layer, so that a value equal to
    what is there edits nothing. The published code subtracts this layer's own fc2
    output instead, although its values are residual-stream vectors; with
    ``residual: published`` that is what is done, term for term: (z - W k - b) over the
    layers that remain, at every layer.
    """
    parts = torch.split(outputs, [len(one.concepts) for one in plans])
    blocks = current_blocks(plans, probe)
    for one, output, block in zip(plans, parts, blocks, strict=True):
        here = output if one.settings.published else block
        left = sum(1 for number in one.settings.layers if number >= layer)
        yield (one.targets - here) / left


def _changes(
    rows: _Rows, system: LayerSystem, probe: TextProbe, device: str
) -> list[TextChange]:
    """Edit the matrix of every variant, the loaded one first."""
    found: list[TextChange] = []
    gaps = rows.gaps.to(device)
    for site in probe.sites(rows.layer):
        old = probe.read(site.key)
        exact = _exact(old)
        hard = (rows.values - rows.bare @ exact.T).to(device)
        up, down = (part.cpu() for part in system.factors(gaps, hard))
        new = (exact + up @ down).to(old.dtype)
        shared = found[0].down if found else down
        found.append(TextChange(site.key, up, shared, new, _norm(site, exact, new)))
    return found


def _each(weight: float, one: TextPlan) -> list[float]:
    return [weight] * len(one.concepts)


def _exact(weight: Tensor) -> Tensor:
    return weight.to("cpu", torch.float64)


def _norm(site: TextSite, old: Tensor, new: Tensor) -> SiteNorm:
    moved = float(torch.linalg.norm(_exact(new) - old))
    size = float(torch.linalg.norm(old))
    return SiteNorm(site.key, moved, moved / size if size else 0.0)


def _refuse_overflow(
    made: Sequence[TextChange], plans: Sequence[TextPlan], probe: TextProbe
) -> None:
    for one in made:
        parts = (one.up, one.down, one.tensor)
        if not all(bool(torch.isfinite(part).all()) for part in parts):
            raise EngineError(
                f"{edits_at(one.key, plans, probe)}: the edited tensor {one.key} "
                f"overflows {one.tensor.dtype}",
                "Lower the strength of the edits, or use a float32 base.",
            )
