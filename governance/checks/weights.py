"""Tier 0: what moves in the weights and in the text, before any image is drawn."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from governance.canonical import JSON
from governance.policy.evidence import Metric

Row = Mapping[str, JSON]


@dataclass(frozen=True, slots=True)
class Change:
    """One edited matrix.

    Args:
        before: Base weight, float [d_out, d_in].
        after: Candidate weight, float [d_out, d_in].
    """

    before: Tensor
    after: Tensor


@dataclass(frozen=True, slots=True)
class WeightFindings:
    """What tier 0 found.

    Args:
        metrics: Edit id to residual, drift, interference and condition.
        blast_radius: Captions that move most, ``{prompt, moved}``, largest first.
    """

    metrics: Mapping[str, tuple[Metric, ...]]
    blast_radius: tuple[Row, ...]


def movement(embeddings: Tensor, changes: Sequence[Change]) -> Tensor:
    """Measure how far the K and V outputs of each text move.

    Args:
        embeddings: float [n, T, d], texts as cross-attention reads them.
        changes: Edited matrices.

    Returns:
        float64 [n], sqrt(sum |(W' - W) c|^2 / sum |W c|^2) over matrices and tokens;
        the first token, the same in every text, is left out.
    """
    rows = embeddings[:, 1:].double()
    moved = torch.zeros(len(rows), dtype=torch.float64)
    size = torch.zeros(len(rows), dtype=torch.float64)
    for change in changes:
        before = change.before.double()
        step = change.after.double() - before
        moved += (rows @ step.T).square().sum(dim=(1, 2))
        size += (rows @ before.T).square().sum(dim=(1, 2))
    return torch.sqrt(moved / size.clamp_min(torch.finfo(torch.float64).tiny))


def nearest(texts: Tensor, sources: Tensor, count: int) -> list[int]:
    """Find the captions nearest to any source.

    Args:
        texts: float [n, T, d], captions.
        sources: float [m, T, d], concepts.
        count: How many.

    Returns:
        Indices of captions, nearest first, by cosine of the mean over tokens.
    """
    first = torch.nn.functional.normalize(texts[:, 1:].mean(dim=1).double(), dim=-1)
    second = torch.nn.functional.normalize(sources[:, 1:].mean(dim=1).double(), dim=-1)
    closeness = (first @ second.T).amax(dim=1)
    order = torch.argsort(closeness, descending=True, stable=True)
    return [int(index) for index in order[:count]]


def weight_findings(
    edits: Mapping[str, tuple[Sequence[str], Sequence[str]]],
    others: Sequence[str],
    certificate: Sequence[Row],
    captions: Sequence[str],
    neighbours: int,
    changes: Sequence[Change],
    encode: Callable[[Sequence[str]], Tensor],
) -> WeightFindings:
    """Measure tier 0.

    Args:
        edits: New edits: id to its source prompts and what it preserves.
        others: Ids of the other edits in the candidate.
        certificate: ``{edit, source, residual, drift, condition}`` per concept.
        captions: The suite's caption list, without those that mention a source.
        neighbours: How many captions near the edit count for drift.
        changes: Every edited matrix.
        encode: Texts to float [n, T, d].

    Returns:
        Metrics per edit and the captions that move most.
    """
    embedded = encode(list(captions)) if captions else None
    moved = movement(embedded, changes) if embedded is not None else torch.zeros(0)
    metrics = {}
    for edit, (sources, preserve) in edits.items():
        held = list(dict.fromkeys([*preserve, ""]))
        if embedded is not None:
            near = nearest(embedded, encode(list(sources)), neighbours)
            held += [captions[index] for index in near]
        drift = movement(encode(list(dict.fromkeys(held))), changes)
        metrics[edit] = _metrics(edit, others, certificate, float(drift.mean()))
    order = torch.argsort(moved, descending=True, stable=True)
    radius: tuple[Row, ...] = tuple(
        {"prompt": captions[int(at)], "moved": float(moved[at])} for at in order[:20]
    )
    return WeightFindings(metrics, radius)


def _metrics(
    edit: str, others: Sequence[str], certificate: Sequence[Row], drift: float
) -> tuple[Metric, ...]:
    own = [row for row in certificate if row["edit"] == edit]
    foreign = [row for row in certificate if row["edit"] in others]
    found = [
        Metric("drift", drift),
        Metric("interference", _largest(foreign, "residual") or 0.0),
    ]
    for name in ("residual", "condition"):
        value = _largest(own, name)
        if value is not None:
            found.append(Metric(name, value))
    return tuple(found)


def _largest(rows: Sequence[Row], name: str) -> float | None:
    values = [row[name] for row in rows]
    numbers = [float(value) for value in values if isinstance(value, int | float)]
    return max(numbers, default=None)
