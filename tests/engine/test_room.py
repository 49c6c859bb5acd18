"""Ten thousand concepts are solved where they fit, and refused in words where not."""

import pytest
import torch

from governance.engine.apply import apply
from governance.engine.compose import compose, plan
from governance.engine.edit import Concept, EditSpec
from governance.engine.room import LIMIT, check_room
from governance.errors import EngineError
from tests.engine.fakes import FakeEncoder, weights


def many(method: str, count: int) -> EditSpec:
    names = [f"artist{number}" for number in range(count)]
    if method == "time":
        pairs = tuple(Concept(text, f"blue {text}") for text in names)
        return EditSpec("a" * 64, "update", "time", pairs)
    pairs = tuple(Concept(text, "art") for text in names)
    return EditSpec("a" * 64, "erase", method, pairs)


def test_ten_thousand_concepts_are_one_dense_system() -> None:
    composition = compose([many("uce", 10_000)], FakeEncoder(9))
    assert composition.multipliers["k"].down is None
    assert composition.multipliers["k"].left.shape == (9, 9)
    edited = apply(composition, weights(9))
    assert len(edited.certificates[0].concepts) == 10_000
    assert all(bool(torch.isfinite(new).all()) for new in edited.tensors.values())


def test_rows_that_do_not_fit_are_refused_before_any_is_encoded() -> None:
    encoder = FakeEncoder(768, length=77)
    with pytest.raises(
        EngineError, match="308000 rows to change in 8000 whole"
    ) as seen:
        compose([many("time", 1000)], encoder)
    assert "GiB of memory; expected at most 8 GiB" in seen.value.message
    assert "Use method uce" in seen.value.hint
    assert encoder.texts == []


def test_the_largest_published_edits_fit() -> None:
    encoder = FakeEncoder(768, length=77)
    for method, count in (("time", 82), ("uce-2023", 1000), ("uce", 10_000)):
        check_room([plan(many(method, count), encoder)], encoder)
    assert LIMIT == 8 * 2**30
