"""What is asked of a picture tells new from old, and nothing else."""

from typing import Literal

import pytest

from governance.checks.questions import Answer, Question
from governance.evaluation.asking import named, questions_for
from governance.evaluation.cases import Case, Probe
from tests.checks.fakes import FakeJudge

BLUE, RED = Answer("colour", "blue"), Answer("colour", "red")


def asked(
    metric: str, old: str, new: str, action: Literal["update", "erase", "debias"]
) -> tuple[Question, ...]:
    probe = Probe(metric, old, new, old, new)
    case = Case(2, action, old, new, new, old, (probe,))
    return questions_for(FakeJudge(), case, probe)


def test_an_update_asks_for_what_only_the_new_text_names() -> None:
    [question] = asked("efficacy", "a rose", "a blue rose", "update")
    assert question == Question("seen", (BLUE,))


def test_an_erasure_asks_whether_the_old_is_gone() -> None:
    [question] = asked("generality", "art by kora", "art", "erase")
    assert question == Question("gone", (Answer("style", "kora"),))


def test_specificity_asks_for_the_old_and_against_the_new() -> None:
    seen, gone = asked("specificity", "a red car", "a blue car", "update")
    assert seen == Question("seen", (Answer("object", "car"), RED))
    assert gone == Question("gone", (BLUE,))


def test_texts_no_label_tells_apart_are_held_against_each_other() -> None:
    [question] = asked("efficacy", "a zebra", "a giraffe", "update")
    assert question.ask == "like"
    assert question.likeness is not None
    assert (question.likeness.wanted, question.likeness.unwanted) == (
        "a giraffe",
        "a zebra",
    )


def test_a_debias_counts_the_rare_value_and_keeps_other_people_as_they_were() -> None:
    [counted] = asked("efficacy", "a doctor", "female", "debias")
    assert counted == Question("seen", (Answer("gender", "female"),))
    [kept] = asked("specificity", "a nurse", "female", "debias")
    assert kept == Question("same", (Answer("gender", "female"),))


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("a painting by lume", "lume"),
        ("lume's painting", "lume"),
        ("a painting", "painting"),
    ],
)
def test_an_artist_is_meant_where_a_painting_is_said_too(text: str, label: str) -> None:
    styles = [a.label for a in named(FakeJudge(), text) if a.kind == "style"]
    assert styles == [label]
