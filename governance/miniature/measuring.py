"""How often the judge is right, and how often a default shows, with intervals."""

from dataclasses import dataclass

import numpy as np
from scipy import stats

from governance.miniature.canvas import Pixels
from governance.miniature.cases import Case, Default, drawn_label
from governance.miniature.dataset import Drawn
from governance.pipeline.judge_model import Judge

# Seeds of measurements never meet those of training images.
CALIBRATION_SEED = 5_000_000
DEFAULTS_SEED = 7_000_000


@dataclass(frozen=True)
class Proportion:
    """A proportion with its 95 % Wilson interval.

    Args:
        value: Right over all.
        low: Lower bound.
        high: Upper bound.
        n: How many were looked at.
    """

    value: float
    low: float
    high: float
    n: int

    @classmethod
    def of(cls, right: int, n: int) -> "Proportion":
        """Count right ones among n."""
        interval = stats.binomtest(right, n).proportion_ci(method="wilson")
        return cls(right / n, float(interval.low), float(interval.high), n)


def on_drawn(judge: Judge, drawn: Drawn, kind: str) -> Proportion:
    """Measure a kind on drawn images.

    Args:
        judge: The judge.
        drawn: Images that were never trained on.
        kind: What to name.

    Returns:
        How often the judge is right where the kind applies.
    """
    labels = [drawn_label(kind, scene) for scene in drawn.scenes]
    rows = [row for row, label in enumerate(labels) if label is not None]
    found = judge.name(np.asarray(drawn.images)[rows], kind)
    right = sum(labels[row] == name for row, name in zip(rows, found, strict=True))
    return Proportion.of(right, len(rows))


def on_generated(
    judge: Judge, images: Pixels, kind: str, cases: list[Case]
) -> Proportion:
    """Measure a kind on generated images.

    Args:
        judge: The judge.
        images: uint8 [n, 64, 64, 3], one for each case.
        kind: What to name.
        cases: What was asked for.

    Returns:
        How often the judge names what the prompt asked for.
    """
    names = judge.name(images, kind)
    right = sum(case.label == name for case, name in zip(cases, names, strict=True))
    return Proportion.of(right, len(cases))


def count_default(judge: Judge, images: Pixels, default: Default) -> Proportion:
    """Count how often a default shows.

    Args:
        judge: The judge.
        images: uint8 [n, 64, 64, 3], generated from the default's prompt.
        default: What is counted.

    Returns:
        The fraction of images with the default's label.
    """
    names = judge.name(images, default.kind)
    return Proportion.of(names.count(default.label), len(names))
