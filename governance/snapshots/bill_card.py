"""The model card inside a bill of materials: what it is, what was measured, limits."""

from collections.abc import Iterator, Mapping

from governance.canonical import JSON
from governance.snapshots.limits import LIMITS
from governance.snapshots.told import Document, Said


def model_card(said: Said) -> dict[str, JSON]:
    """Return a CycloneDX model card.

    Args:
        said: What manifest and edits say.
    """
    card: dict[str, JSON] = {
        "modelParameters": {
            "task": "text-to-image",
            "architectureFamily": said.manifest["base"]["family"],
            "inputs": [{"format": "text"}],
            "outputs": [{"format": "image"}],
        },
        "considerations": {"technicalLimitations": list(LIMITS)},
    }
    metrics = [one for item in said.edits["results"] for one in _metrics(item)]
    if metrics:
        card["quantitativeAnalysis"] = {"performanceMetrics": metrics}
    return card


def _metrics(item: Document) -> Iterator[JSON]:
    """Yield a result before and after its edit; numbers are text in CycloneDX."""
    for moment in ("before", "after"):
        found = item[moment]
        if isinstance(found, Mapping):
            yield {
                "type": item["metric"],
                "slice": f"{item['edit']}, {moment}, n = {found['n']}",
                "value": str(found["value"]),
                "confidenceInterval": {
                    "lowerBound": str(found["low"]),
                    "upperBound": str(found["high"]),
                },
            }
    if item["value"] is not None:
        yield {
            "type": item["metric"],
            "slice": f"{item['edit']}, after",
            "value": str(item["value"]),
        }
