"""Shares with intervals, and what changed in pairs; formulas are scipy's."""

from collections.abc import Sequence
from dataclasses import dataclass

from scipy.stats import binomtest

from governance.canonical import JSON

CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class Share:
    """A proportion with its Wilson interval.

    Args:
        value: Hits over trials.
        low: Lower end at 95 %.
        high: Upper end at 95 %.
        n: Trials; at least 1.
    """

    value: float
    low: float
    high: float
    n: int

    def document(self) -> dict[str, JSON]:
        """Return the contract's ``{value, low, high, n}``."""
        return {"value": self.value, "low": self.low, "high": self.high, "n": self.n}


def share(hits: Sequence[bool]) -> Share | None:
    """Return the share of hits with its Wilson interval.

    Args:
        hits: One outcome per image.

    Returns:
        The share, or nothing where there is no trial: nothing was measured.
    """
    if not hits:
        return None
    count = sum(hits)
    interval = binomtest(count, len(hits)).proportion_ci(CONFIDENCE, method="wilson")
    return Share(
        count / len(hits), float(interval.low), float(interval.high), len(hits)
    )


def paired_p_value(before: Sequence[bool], after: Sequence[bool]) -> float | None:
    """Return McNemar's exact p-value for paired outcomes.

    Args:
        before: Outcome on each image before.
        after: Outcome on the same prompt and seed after.

    Returns:
        Two-sided p; nothing where no pair differs.

    Raises:
        ValueError: The two are not of one length.
    """
    pairs = list(zip(before, after, strict=True))
    lost = sum(a and not b for a, b in pairs)
    won = sum(b and not a for a, b in pairs)
    if lost + won == 0:
        return None
    return float(binomtest(lost, lost + won).pvalue)
