"""Tier 0 against a movement computed by hand and an unedited model."""

from collections.abc import Sequence

import pytest
import torch
from torch import Tensor

from governance.canonical import JSON
from governance.checks.weights import (
    Change,
    WeightFindings,
    movement,
    nearest,
    weight_findings,
)
from governance.policy.evidence import Metric

# Two numbers a word: the first says rose, the second anything else.
WORDS = {"a": (0.0, 0.2), "rose": (1.0, 0.0), "lemon": (0.0, 1.0), "red": (0.6, 0.8)}
IDENTITY = torch.eye(2)
NO_ROSE = torch.tensor([[0.0, 0.0], [0.0, 1.0]])


def encode(texts: Sequence[str]) -> Tensor:
    """A first row that is the same for every text, then one row a word, padded."""
    rows = [[(9.0, 9.0), *(WORDS[word] for word in text.split())] for text in texts]
    longest = 4
    return torch.tensor([row + [(0.0, 0.0)] * (longest - len(row)) for row in rows])


def found(
    changes: Sequence[Change],
    others: Sequence[str] = (),
    preserve: Sequence[str] = ("lemon",),
    captions: Sequence[str] = ("lemon", "red rose", "a rose", "a"),
    neighbours: int = 1,
) -> WeightFindings:
    certificate: list[dict[str, JSON]] = [
        {"edit": "E-1", "source": "rose", "residual": 0.1, "condition": 5.0},
        {"edit": "E-1", "source": "a rose", "residual": 0.3, "condition": 5.0},
        {"edit": "E-2", "source": "red", "residual": 0.7, "condition": 9.0},
    ]
    return weight_findings(
        {"E-1": (("rose",), preserve)},
        others,
        certificate,
        captions,
        neighbours,
        changes,
        encode,
    )


def by_name(metrics: Sequence[Metric]) -> dict[str, float | None]:
    return {metric.name: metric.value for metric in metrics}


def test_movement_is_the_relative_length_summed_over_tokens_and_matrices() -> None:
    # "red rose": moved .6^2 + 1^2, size 1 + 1; the same again for a second matrix
    # that does not change: sqrt(1.36 / 4).
    changes = [Change(IDENTITY, NO_ROSE), Change(IDENTITY, IDENTITY)]
    [moved] = movement(encode(["red rose"]), changes)
    assert float(moved) == pytest.approx((1.36 / 4) ** 0.5)


def test_a_text_the_edit_does_not_touch_moves_nowhere() -> None:
    moved = movement(encode(["a lemon", "rose"]), [Change(IDENTITY, NO_ROSE)])
    assert moved.tolist() == pytest.approx([0.0, 1.0])


def test_the_first_token_is_left_out() -> None:
    # It reads (9, 9) and would move; every text has it, and none means it.
    assert float(movement(encode(["lemon"]), [Change(IDENTITY, NO_ROSE)])[0]) == 0.0


def test_weights_of_any_dtype_are_measured_in_float64() -> None:
    half = Change(IDENTITY.half(), (IDENTITY * (1 + 2**-10)).half())
    moved = movement(encode(["rose"]), [half])
    assert moved.dtype == torch.float64
    assert float(moved[0]) == 2**-10


def test_an_unedited_model_drifts_by_nothing() -> None:
    metrics = by_name(found([]).metrics["E-1"])
    assert metrics["drift"] == 0.0
    assert found([Change(IDENTITY, IDENTITY)]).metrics["E-1"][0] == Metric("drift", 0.0)


def test_nearest_captions_come_first() -> None:
    texts = encode(["lemon", "red rose", "rose"])
    assert nearest(texts, encode(["rose"]), 2) == [2, 1]
    assert nearest(texts, encode(["rose", "lemon"]), 3)[-1] == 1


def test_drift_is_the_mean_over_preserved_and_neighbouring_texts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(WORDS, "", (0.0, 0.0))
    # lemon 0, the empty prompt 0, and the nearest caption, "a rose".
    expected = float(movement(encode(["a rose"]), [Change(IDENTITY, NO_ROSE)])[0]) / 3
    metrics = by_name(found([Change(IDENTITY, NO_ROSE)]).metrics["E-1"])
    assert metrics["drift"] == pytest.approx(expected)
    assert expected > 0.3


def test_the_blast_radius_names_what_moves_most_first() -> None:
    radius = found([Change(IDENTITY, NO_ROSE)]).blast_radius
    assert [row["prompt"] for row in radius] == ["a rose", "red rose", "lemon", "a"]
    moved = [row["moved"] for row in radius]
    assert moved[2:] == [0.0, 0.0]


def test_residual_and_condition_are_the_worst_of_the_edits_own_concepts() -> None:
    metrics = by_name(found([], others=["E-2"]).metrics["E-1"])
    assert metrics["residual"] == 0.3
    assert metrics["condition"] == 5.0


def test_interference_is_the_worst_residual_of_the_other_live_edits() -> None:
    assert by_name(found([], others=["E-2"]).metrics["E-1"])["interference"] == 0.7
    assert by_name(found([]).metrics["E-1"])["interference"] == 0.0


def test_no_caption_still_measures_what_is_preserved() -> None:
    findings = found([Change(IDENTITY, NO_ROSE)], preserve=["red rose"], captions=[])
    expected = float(movement(encode(["red rose"]), [Change(IDENTITY, NO_ROSE)])[0]) / 2
    assert by_name(findings.metrics["E-1"])["drift"] == pytest.approx(expected)
    assert findings.blast_radius == ()
