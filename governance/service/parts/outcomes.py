"""What a check leaves behind: pictures, sheets, details and figures."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from governance.canonical import JSON
from governance.domain.events import Document
from governance.policy.evidence import Metric
from governance.service.ports import Measurement, Place, Shot, Subject

if TYPE_CHECKING:
    from governance.checks.images import Drawn, ImageFindings
    from governance.checks.weights import WeightFindings

SHOWN = {"efficacy": 6, "generality": 2, "ratio": 12, "specificity": 1}
"""How many pictures of a prompt are kept for people to look at."""


def stored_images(
    place: Place, subject: Subject, drawn: "Sequence[Drawn]"
) -> tuple[tuple[Shot, ...], tuple[str, ...]]:
    """Store the pictures and sheets people look at."""
    from governance.checks.drawing import png_bytes
    from governance.checks.sheets import contact_sheet

    shots = []
    for item in drawn:
        fewest = min(len(pictures) for pictures in item.pictures.values())
        shown = min(fewest, SHOWN[item.row.metric])
        for at, seed in enumerate(item.seeds[:shown]):
            digests = {
                side: place.store.put_bytes(png_bytes(pictures[at]))
                for side, pictures in item.pictures.items()
            }
            shots.append(Shot(item.edit, item.row.prompt, seed, **digests))
    sheets = []
    for planned in subject.edits:
        own = [item for item in drawn if item.edit == planned.id]
        title = f"{planned.id} {planned.request.title}"
        sheets.append(place.store.put_bytes(contact_sheet(title, own)))
    return tuple(shots), tuple(sheets)


def details_of(
    subject: Subject,
    weights: "WeightFindings",
    found: "ImageFindings",
    judge: str,
    drawn: "Sequence[Drawn]",
) -> Document:
    """Write down how the figures came about."""
    seeds: dict[str, JSON] = {
        f"{item.edit} {item.row.metric} {item.row.prompt}": list(item.seeds)
        for item in drawn
    }
    return {
        "judge": judge,
        "sampler": {
            "steps": subject.suite.sampler.steps,
            "guidance": subject.suite.sampler.guidance,
        },
        "seeds": seeds,
        "rows": list(found.rows),
        "before": {edit: dict(rows) for edit, rows in found.before.items()},
        "silent": list(found.silent),
        "blast_radius": list(weights.blast_radius),
    }


def weights_only(
    weights: "WeightFindings",
    _images: None,
    shots: tuple[Shot, ...],
    sheets: tuple[str, ...],
    seconds: Mapping[str, float],
) -> Measurement:
    """Return a measurement without images."""
    details: Document = {"blast_radius": list(weights.blast_radius)}
    return Measurement(weights.metrics, shots, sheets, details, seconds)


def figures_of(edit: str, found: "ImageFindings") -> Document:
    """Return one edit's figures before and after, as the contract names them."""
    after = {item.name: item for item in found.metrics[edit]}
    row: dict[str, JSON] = {"id": edit}
    for name in ("efficacy", "generality", "specificity"):
        row[name] = _pair(found, edit, name, after.get(name))
    ratios: dict[str, JSON] = {
        name.removeprefix("ratio."): _pair(found, edit, name, metric)
        for name, metric in after.items()
        if name.startswith("ratio.")
    }
    row["ratios"] = ratios or None
    return row


def _pair(
    found: "ImageFindings", edit: str, name: str, metric: Metric | None
) -> dict[str, JSON]:
    before = found.before[edit].get(name, {}).get("base")
    after: JSON = None
    if metric is not None:
        after = {
            "value": metric.value,
            "low": metric.low,
            "high": metric.high,
            "n": metric.n,
        }
    return {"before": before, "after": after}
