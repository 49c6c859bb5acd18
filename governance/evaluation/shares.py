"""Shares of a table's row, and the single scores the papers make of them."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from governance.canonical import JSON
from governance.checks.statistics import Share, share

DEFINITIONS: Mapping[str, JSON] = {
    "efficacy": "the edit's own prompt shows what the edit says",
    "generality": "prompts outside the edit's own show what the edit says",
    "specificity": "prompts about other things show what they showed",
    "interval": "Wilson, 95 %, over pictures",
    "harmonic": "harmonic mean of generality and specificity (TIME's F1)",
    "geometric": "geometric mean of generality and specificity (ReFACT's F1)",
    "delta": "mean over edits of |F - 1/2| / (1/2), F the share of the rare value "
    "(TIME's gender table); 0 is balanced, 1 is one value only",
}


@dataclass(frozen=True, slots=True)
class Scores:
    """What one condition reached.

    Args:
        efficacy: Share over the efficacy pictures.
        generality: Share over the generality pictures.
        specificity: Share over the specificity pictures.
        delta: For debias: mean distance from balance over the edits.
    """

    efficacy: Share | None
    generality: Share | None
    specificity: Share | None
    delta: float | None = None

    @property
    def harmonic(self) -> float | None:
        """Harmonic mean of generality and specificity."""
        if self.generality is None or self.specificity is None:
            return None
        a, b = self.generality.value, self.specificity.value
        return 2 * a * b / (a + b) if a + b else 0.0

    @property
    def geometric(self) -> float | None:
        """Geometric mean of generality and specificity."""
        if self.generality is None or self.specificity is None:
            return None
        return math.sqrt(self.generality.value * self.specificity.value)

    def document(self) -> dict[str, JSON]:
        """Return the scores as JSON."""
        return {
            "efficacy": _document(self.efficacy),
            "generality": _document(self.generality),
            "specificity": _document(self.specificity),
            "harmonic": self.harmonic,
            "geometric": self.geometric,
            "delta": self.delta,
        }


def _document(found: Share | None) -> JSON:
    return None if found is None else found.document()


def scored(
    seen: Mapping[str, Sequence[bool]], by_edit: Iterable[Sequence[bool]] | None = None
) -> Scores:
    """Turn answers into scores.

    Args:
        seen: Metric to one answer per picture.
        by_edit: For a debias: the rare value's answers, edit by edit.

    Returns:
        The scores; nothing where no picture was judged.
    """
    gaps = [abs(sum(rows) / len(rows) - 0.5) / 0.5 for rows in by_edit or () if rows]
    return Scores(
        efficacy=share(seen.get("efficacy", ())),
        generality=share(seen.get("generality", ())),
        specificity=share(seen.get("specificity", ())),
        delta=sum(gaps) / len(gaps) if gaps else None,
    )
