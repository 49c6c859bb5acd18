from dataclasses import replace

import pytest
import torch

from governance.engine.aligned import align
from governance.engine.apply import apply, factors
from governance.engine.compose import compose
from governance.engine.edit import Attribute, Concept, EditSpec
from governance.errors import EngineError
from tests.engine.fakes import FakeEncoder, weights


def test_a_subsequence_is_matched_left_to_right() -> None:
    rows = align(["<", "a", "rose", ">"], ["<", "a", "blue", "rose", ">"], 8)
    assert rows == (0, 1, 3, 4, 5, 6, 7, 7)


def test_equal_texts_are_matched_row_by_row() -> None:
    assert align(["<", "x", ">"], ["<", "x", ">"], 6) == (0, 1, 2, 3, 4, 5)


def test_the_first_match_wins_when_a_word_repeats() -> None:
    assert align(["<", "x", ">"], ["<", "x", "y", "x", ">"], 6) == (0, 1, 4, 5, 5, 5)


@pytest.mark.parametrize("destination", [["<", ">"], ["<", "b", "a", ">"]])
def test_a_source_that_is_no_subsequence_is_not_matched(destination: list[str]) -> None:
    assert align(["<", "a", "b", ">"], destination, 6) is None


def test_a_prompt_that_fills_the_context_has_no_pads_to_match() -> None:
    assert align(["<", "a", ">"], ["<", "b", "a", ">"], 4) == (0, 2, 3, 3)


DEBIAS = EditSpec(
    "d" * 64,
    "debias",
    "time",
    (Concept("a doctor"), Concept("a nurse")),
    (Attribute("female", "a female {}", 0.5), Attribute("male", "male {}", 0.5)),
    alphas=((0.25, 0.0), (0.0, 4.0)),
    parameters={"templates": False},
)


def said(spec: EditSpec) -> EditSpec:
    attributes = (
        Attribute("female", "a female doctor", 0.5),
        Attribute("male", "a male doctor", 0.5),
    )
    return replace(spec, concepts=(Concept("a doctor"),), attributes=attributes)


def test_a_debias_is_an_update_at_the_lambda_that_was_found() -> None:
    found = replace(said(DEBIAS), alphas=((0.25, 0.0),))
    update = EditSpec(
        "d" * 64,
        "update",
        "time",
        (Concept("a doctor", "a female doctor"),),
        parameters={"templates": False, "lambda": 4.0},
    )
    one, other = (compose([spec], FakeEncoder()) for spec in (found, update))
    for left, right in zip(
        factors(one, weights()), factors(other, weights()), strict=True
    ):
        assert left[0] == right[0]
        assert torch.allclose(left[1] @ left[2], right[1] @ right[2], rtol=1e-12)


def test_every_debiased_concept_has_its_own_lambda() -> None:
    first = EditSpec(
        "d" * 64,
        "debias",
        "time",
        (Concept("a doctor"),),
        (
            Attribute("female", "a female doctor", 0.5),
            Attribute("male", "a male doctor", 0.5),
        ),
        alphas=((1.0, 0.0),),
        parameters={"templates": False, "lambda": 7.0},
    )
    strong = replace(first, alphas=((100.0, 0.0),))
    residuals = []
    for spec in (first, strong):
        edited = apply(compose([spec], FakeEncoder()), weights())
        residuals.append(edited.certificates[0].concepts[0].residual)
    # lambda is 1/alpha, whatever the edit's own parameter says.
    assert residuals[1] < residuals[0] / 10


def test_a_balanced_concept_is_left_where_it_is() -> None:
    spec = replace(said(DEBIAS), alphas=((0.0, 0.0),))
    edited = apply(compose([spec], FakeEncoder()), weights())
    base = weights()
    for key, tensor in edited.tensors.items():
        assert torch.equal(tensor, base.matrices[key])


@pytest.mark.parametrize("alphas", [((1.0, 1.0),), ((-1.0, 0.0),)])
def test_a_debias_leans_one_way_only(alphas: tuple[tuple[float, ...], ...]) -> None:
    with pytest.raises(EngineError, match="expected at most one alpha above 0"):
        compose([replace(said(DEBIAS), alphas=alphas)], FakeEncoder())


def test_a_debias_without_its_lambda_is_not_resolved() -> None:
    with pytest.raises(EngineError, match="has no alphas; expected 1/lambda"):
        compose([replace(said(DEBIAS), alphas=None)], FakeEncoder())
