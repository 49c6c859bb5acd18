"""All live edits of a model, solved jointly: text encoders, then cross-attention.

Text-encoder rows come first, layer by layer; then prompts are encoded by the encoder
composed so far, and one cross-attention system holds all other rows. No search is in
it: weights are a function of the base and of the set of resolved edits.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from torch import Tensor

from governance.engine.apply import Edited, apply, factors
from governance.engine.compose import Composition, Precision, compose
from governance.engine.edit import EditSpec
from governance.engine.protocols import Encoder, SiteT, Weights

Progress: TypeAlias = Callable[[int, int], None]
Factors: TypeAlias = tuple[str, Tensor, Tensor]


class Base(Protocol[SiteT]):
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
    """

    edited: Edited
    cross: Composition
    weights: Weights  # type: ignore[type-arg]

    def factors(self) -> Iterator[Factors]:
        """Yield key, up [d_out, r] and down [r, d_in] of every changed matrix.

        Yields:
            Float64 factors with W' = W + up . down before rounding; matrices that
            share a ``down`` share one object.
        """
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
        precision: See :func:`governance.engine.compose.compose`.
        device: Where the algebra runs.
        on_progress: Called with matrices done and matrices in all.

    Returns:
        The solution; with no edits it changes nothing.

    Raises:
        RequestError: An edit is not valid for this model.
        EngineError: An edit is not resolved, or the system is ill-conditioned.
    """
    cross = compose(edits, base.encoder({}), precision=precision, device=device)
    edited = apply(cross, base.weights, on_progress)
    return Solution(edited, cross, base.weights)
