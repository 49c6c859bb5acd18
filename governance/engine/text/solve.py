"""All text-encoder edits of a model, in every encoder it has."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

from torch import Tensor

from governance.engine.apply import SiteNorm
from governance.engine.certificate import JOINT_DRIFT, Certificate
from governance.engine.edit import EditSpec
from governance.engine.text.certify import certify_text, text_drift
from governance.engine.text.compose import (
    ComposedEncoder,
    TextChange,
    compose_encoder,
)
from governance.engine.text.plan import plan_text
from governance.engine.text.protocols import TextBase

Progress: TypeAlias = Callable[[int, int], None]


@dataclass(frozen=True)
class TextSolution:
    """What a set of text-encoder edits does to a model.

    Args:
        encoders: Every encoder with its edits; empty without edits.
    """

    encoders: Sequence[ComposedEncoder] = ()

    @cached_property
    def tensors(self) -> Mapping[str, Tensor]:
        """Return the matrices that moved, by key, in the base's own dtype."""
        return {one.key: one.tensor for one in self.changes if one.norm.norm > 0}

    @property
    def changes(self) -> Iterator[TextChange]:
        """Yield every edited matrix, moved or not."""
        return (change for encoder in self.encoders for change in encoder.changes)

    @property
    def sites(self) -> tuple[SiteNorm, ...]:
        """Return how far every edited matrix moved."""
        return tuple(change.norm for change in self.changes)

    @cached_property
    def certificates(self) -> tuple[Certificate, ...]:
        """Return one certificate per edit, sorted by digest."""
        return certify_text(self.encoders)

    @cached_property
    def drift(self) -> float:
        """Return what all edits change of the texts they should preserve."""
        return text_drift(self.encoders)

    def warnings(self) -> Iterator[str]:
        """Yield what a person should read before signing."""
        for one in self.certificates:
            if one.idle or not self.tensors:
                yield (
                    f"edit {one.digest[:12]} did nothing: it moved none of its "
                    "concepts; try a smaller lambda or other layers"
                )
        if self.drift > JOINT_DRIFT:
            yield (
                "all text-encoder edits together change what they should preserve by "
                f"{self.drift:.0%} of its size; more than {JOINT_DRIFT:.0%} is a lot"
            )

    def factors(self) -> Iterator[tuple[str, Tensor, Tensor]]:
        """Yield key, up [d_out, r] and down [r, d_in] of every edited matrix.

        Yields:
            Float64 factors with W' = W + up . down before rounding; variants of one
            layer share one ``down`` object.
        """
        for change in self.changes:
            yield change.key, change.up, change.down


def solve_text(
    edits: Sequence[EditSpec],
    base: TextBase,
    *,
    device: str = "cpu",
    on_progress: Progress | None = None,
) -> TextSolution:
    """Compose all ReFACT and EMCID edits, in every encoder, from the untouched base.

    Args:
        edits: Resolved edits with unique digests, in any order.
        base: The model.
        device: Where the algebra runs.
        on_progress: Called with encoders done and encoders in all.

    Returns:
        The solution; a function of the set of edits.

    Raises:
        RequestError: An edit is not valid for this model.
        WrongStateError: Two edits at one layer have different priors.
        NotFoundError: An edit has no statistics.
        EngineError: An edit has no stage-one values, a layer's system is
            ill-conditioned, or two edits cannot both be met.
    """
    if not edits:
        return TextSolution()
    ordered = sorted(edits, key=lambda spec: spec.digest)
    probes = base.text_probes()
    # All plans first, so that what is wrong with an edit is said before any work.
    plans = [[plan_text(spec, probe) for spec in ordered] for probe in probes]
    found: list[ComposedEncoder] = []
    for own, probe in zip(plans, probes, strict=True):
        found.append(compose_encoder(own, probe, base, device))
        if on_progress is not None:
            on_progress(len(found), len(probes))
    return TextSolution(tuple(found))
