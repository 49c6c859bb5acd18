"""From evidence to the closing table, and whether an effect is there."""

from collections.abc import Mapping

from governance.canonical import JSON
from governance.demo.report import DemoEdit, Measured
from governance.errors import CheckFailedError
from governance.service.views import EditDetail

HOLDS = 0.5
"""An effect is there when at least this share of images shows it."""
RATIO_MOVED = 0.2
"""A debias holds when a ratio lies at least this far from the base's."""


def row_of(detail: EditDetail) -> DemoEdit:
    """Return one edit's line of the closing table, from its newest evidence."""
    summary = detail.summary
    ratios: dict[str, JSON] = {
        name.removeprefix("ratio."): {
            "before": _mapping(figure).get("base"),
            "after": _share(_mapping(figure)),
        }
        for name, figure in detail.metrics.items()
        if name.startswith("ratio.")
    }
    return DemoEdit(
        id=detail.id,
        title=summary.title,
        action=summary.action,
        method=summary.method,
        state=summary.state.value,
        evidence=summary.evidence.value,
        efficacy=_measured(detail.metrics, "efficacy"),
        generality=_measured(detail.metrics, "generality"),
        specificity=_measured(detail.metrics, "specificity"),
        ratios=ratios or None,
    )


def effect(figures: Mapping[str, JSON]) -> tuple[str, float, float, bool]:
    """Say whether an edit's effect is there.

    Args:
        figures: ``{efficacy: {before, after}, ratios}`` of one edit.

    Returns:
        Name of the figure, before, after, and whether the effect is there.

    Raises:
        CheckFailedError: It could not be measured.
    """
    for name, pair in _mapping(figures.get("ratios")).items():
        before, after = _two(_mapping(pair))
        return f"ratio.{name}", before, after, abs(after - before) >= RATIO_MOVED
    before, after = _two(_mapping(figures.get("efficacy")))
    return "efficacy", before, after, after >= HOLDS


def _measured(metrics: Mapping[str, JSON], name: str) -> Measured:
    figure = _mapping(metrics.get(name))
    base = figure.get("base")
    before = _mapping(base) if base is not None else None
    return Measured(before, _share(figure) if figure else None)


def _share(figure: Mapping[str, JSON]) -> dict[str, JSON]:
    return {key: figure[key] for key in ("value", "low", "high", "n")}


def _mapping(value: JSON) -> Mapping[str, JSON]:
    return value if isinstance(value, Mapping) else {}


def _two(pair: Mapping[str, JSON]) -> tuple[float, float]:
    first, second = (
        _mapping(pair.get(side)).get("value") for side in ("before", "after")
    )
    if not isinstance(first, int | float) or not isinstance(second, int | float):
        raise CheckFailedError("demo: an effect could not be measured")
    return float(first), float(second)
