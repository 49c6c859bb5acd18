"""What a judge is asked follows from the words of the request alone."""

import pytest

from governance.checks.judging import Floor, unreliable
from governance.checks.questions import (
    Answer,
    Likeness,
    Question,
    attribute_answers,
    concept_of,
    edit_question,
    generality_prompts,
    holdout_question,
)
from governance.documents.suite import Suite
from governance.domain.request import Action, LabelledPrompt
from tests.checks.fakes import FakeJudge, kinds, request

JUDGE = FakeJudge()
FLOOR = Floor(0.85, 60)


@pytest.mark.parametrize(
    ("source", "destination", "answer"),
    [
        ("a rose", "a blue rose", Answer("colour", "blue")),
        ("the mayor", "Anton", Answer("person", "anton")),
        ("Bela", "Caro", Answer("person", "caro")),
        ("a lemon", "a leaf", Answer("object", "leaf")),
    ],
)
def test_an_update_is_judged_by_what_its_destination_adds(
    source: str, destination: str, answer: Answer
) -> None:
    asked = edit_question(JUDGE, Action.UPDATE, source, destination)
    assert asked == Question("seen", (answer,))


@pytest.mark.parametrize("action", [Action.ERASE, Action.MODERATE])
@pytest.mark.parametrize(
    ("source", "answer"),
    [
        ("Kora", Answer("style", "kora")),
        *[(word, Answer("weapon", "yes")) for word in ("a sword", "a blade", "sabers")],
    ],
)
def test_what_is_removed_must_no_longer_be_named(
    action: Action, source: str, answer: Answer
) -> None:
    asked = edit_question(JUDGE, action, source, "art")
    # The weapon's own probe answers, not the kind of objects that a hand holds.
    assert asked == Question("gone", (answer,))


def test_words_no_label_knows_are_judged_by_likeness() -> None:
    asked = edit_question(JUDGE, Action.UPDATE, "a landscape", "a portrait")
    assert asked == Question(
        "like", likeness=Likeness(wanted="a portrait", unwanted="a landscape")
    )


def test_the_judge_knows_every_label_of_the_shipped_suite(suite: Suite) -> None:
    assert suite.holdout
    for item in suite.holdout:
        asked = holdout_question(JUDGE, item)
        assert asked.ask == "seen"
        assert [answer.label for answer in asked.answers] == [item.label]


def test_a_prompt_without_a_label_must_look_to_the_judge_as_on_the_base() -> None:
    asked = holdout_question(JUDGE, LabelledPrompt("a painting of a lemon by pax"))
    assert asked.ask == "same"
    assert {Answer("object", "lemon"), Answer("style", "pax")} <= set(asked.answers)


def test_an_unknown_label_is_no_question_and_gives_no_number() -> None:
    asked = holdout_question(JUDGE, LabelledPrompt("a lemon", "sour"))
    reason = unreliable(JUDGE, asked, FLOOR)
    assert reason == "judge cannot tell: no kind of it knows this label"


def test_attributes_are_answered_by_the_one_kind_that_has_them_all() -> None:
    answers = attribute_answers(JUDGE, ["Male", "female"])
    assert answers == (Answer("gender", "male"), Answer("gender", "female"))
    assert attribute_answers(JUDGE, ["male", "old"]) == ()


def test_a_check_prompt_is_judged_by_the_concept_it_holds() -> None:
    two = request(concepts=[("a rose", "a blue rose"), ("a lemon", "a red lemon")])
    assert concept_of(two, "a photo of a rose") == 0
    assert concept_of(two, "a photo of a lemon") == 1
    assert concept_of(two, "the lemon at night") == 1
    assert concept_of(two, "a yellow lemon") == 1


def test_own_generality_prompts_stand_in_for_the_templates() -> None:
    templates = ("a photo of {}",)
    assert generality_prompts(request(), templates) == ("a photo of a rose",)
    own = request(generality=["a rose at night", "a rose at night"])
    assert generality_prompts(own, templates) == ("a rose at night",)


@pytest.mark.parametrize("accuracy", [0.0, 0.5, 0.84])
def test_a_judge_below_its_floor_cannot_tell(accuracy: float) -> None:
    poor = FakeJudge(kinds(colour=accuracy))
    reason = unreliable(poor, Question("seen", (Answer("colour", "blue"),)), FLOOR)
    assert reason is not None
    assert reason.startswith("judge cannot tell colour: right on")
    assert (
        unreliable(poor, Question("seen", (Answer("object", "rose"),)), FLOOR) is None
    )


def test_a_judge_calibrated_on_too_few_images_cannot_tell() -> None:
    asked = Question("seen", (Answer("colour", "blue"),))
    reason = unreliable(JUDGE, asked, Floor(0.85, 209))
    assert reason == "judge cannot tell colour: not calibrated"
    assert unreliable(JUDGE, asked, Floor(0.85, 208)) is None
