"""All live edits of a model, solved jointly: text encoders, then cross-attention.

Text-encoder rows come first, layer by layer; then prompts are encoded by the encoder
composed so far, and one cross-attention system holds all other rows. No search is in
it: weights are a function of the base and of the set of resolved edits.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby, pairwise
from typing import Protocol, TypeAlias

from torch import Tensor

from governance.engine.apply import Edited, apply, factors
from governance.engine.compose import Composition, Precision, compose
from governance.engine.edit import EditSpec
from governance.engine.presets import TEXT_METHODS
from governance.engine.protocols import Encoder, Releases, SiteT, Weights
from governance.engine.text.protocols import TextBase
from governance.engine.text.solve import TextSolution, solve_text
from governance.errors import EngineError

Progress: TypeAlias = Callable[[int, int], None]
Factors: TypeAlias = tuple[str, Tensor, Tensor]


class Base(TextBase, Protocol[SiteT]):
    """One untouched model: its weights, and encoders with some weights replaced."""

    @property
    def weights(self) -> Weights[SiteT]:
        """The base's editable weights."""

    def encoder(self, overrides: Mapping[str, Tensor]) -> Encoder:
        """Open the text encoders, with some of their tensors replaced.

        Args:
            overrides: Tensor by key; empty for the base's own encoder.
        """


@dataclass(frozen=True)
class Solution:
    """What a set of edits does to a base.

    Args:
        edited: New weights, norms, certificates and warnings.
        cross: The solved cross-attention system.
        weights: The untouched base.
        text: The solved text encoders.
    """

    edited: Edited
    cross: Composition
    weights: Weights  # type: ignore[type-arg]
    text: TextSolution = field(default_factory=TextSolution)

    def factors(self) -> Iterator[Factors]:
        """Yield key, up [d_out, r] and down [r, d_in] of every changed matrix.

        Yields:
            Float64 factors with W' = W + up . down before rounding, text encoders
            first; matrices that share a ``down`` share one object.
        """
        yield from self.text.factors()
        yield from factors(self.cross, self.weights)


def solve_jointly(
    edits: Sequence[EditSpec],
    base: Base[SiteT],
    *,
    precision: Precision = "mixed",
    device: str = "cpu",
    on_progress: Progress | None = None,
) -> Solution:
    """Solve a set of resolved edits from the untouched base.

    Args:
        edits: Resolved edits with unique digests, in any order.
        base: The model.
        precision: See :func:`governance.engine.compose.compose`; text-encoder systems
            are solved in float64 always.
        device: Where the algebra runs.
        on_progress: Called with what is done and what there is in all, first for text
            encoders, then for matrices that read their rows.

    Returns:
        The solution; with no edits it changes nothing.

    Raises:
        RequestError: An edit is not valid for this model.
        WrongStateError: Two text-encoder edits at one layer have different priors.
        NotFoundError: A text-encoder edit has no statistics.
        EngineError: An edit is not resolved, a system is ill-conditioned, or a new
            tensor or a figure of a certificate is not finite.
    """
    _refuse_twins(edits)
    inner = [spec for spec in edits if spec.method in TEXT_METHODS]
    outer = [spec for spec in edits if spec.method not in TEXT_METHODS]
    text = solve_text(inner, base, device=device, on_progress=on_progress)
    encoder = base.encoder(text.tensors)
    cross = compose(outer, encoder, precision=precision, device=device)
    _release(encoder, cross)
    edited = apply(cross, base.weights, on_progress)
    merged = _merged(text, edited)
    _refuse_unmeasured(merged)
    return Solution(merged, cross, base.weights, text)


def _refuse_unmeasured(edited: Edited) -> None:
    """Refuse figures that are not finite: NaN passes every comparison with a limit."""
    for one in edited.certificates:
        figures = [one.drift, one.condition]
        figures += [x for c in one.concepts for x in (c.residual, c.moved)]
        if not all(map(math.isfinite, figures)):
            moved = max(edited.sites, key=lambda site: site.relative)
            raise EngineError(
                f"edit {one.digest[:12]}: its certificate is not finite; tensor "
                f"{moved.key} moved most, by {moved.relative:.1e} of its own size",
                "Lower the strength of the edits.",
            )
    if not math.isfinite(edited.drift):
        raise EngineError("the joint drift of all edits is not finite")


def _release(encoder: Encoder, cross: Composition) -> None:
    """Give text encoders' memory back: new matrices need not lie beside them."""
    if isinstance(encoder, Releases):
        measured = sorted(
            {pick for one in cross.plans for pick in one.measured},
            key=lambda pick: (pick.space, pick),
        )
        # Rows of different spaces have different widths.
        for _, same in groupby(measured, key=lambda pick: pick.space):
            for _ in cross.reader.stream(list(same)):
                pass  # what certificates will ask for is read, and kept, before
        encoder.release()


def _refuse_twins(edits: Sequence[EditSpec]) -> None:
    for one, other in pairwise(sorted(spec.digest for spec in edits)):
        if one == other:
            raise EngineError(f"edit {one[:12]} is given twice; expected it once")


def _merged(text: TextSolution, cross: Edited) -> Edited:
    """Join both parts; joint drift is that of the part that drifts more."""
    if not text.encoders:
        return cross
    certificates = (*text.certificates, *cross.certificates)
    return Edited(
        tensors={**text.tensors, **cross.tensors},
        sites=(*text.sites, *cross.sites),
        certificates=tuple(sorted(certificates, key=lambda one: one.digest)),
        drift=max(text.drift, cross.drift),
        warnings=(*text.warnings(), *cross.warnings),
    )
