import pytest

from governance.engine.edit import Concept, EditSpec
from governance.engine.plan import destination_of
from governance.engine.presets import validate
from governance.engine.prompts import Phrase, Template, last_token
from governance.errors import RequestError
from tests.engine.fakes import FakeEncoder


def said(method: str, subject: str, *, templates: object) -> list[str]:
    action = "update"
    spec = EditSpec(
        "a",
        action,
        method,
        (Concept("x", "y"),),
        parameters={"templates": templates},  # type: ignore[dict-item]
    )
    return [t.say(subject).text for t in validate(spec).templates]


def test_art_says_an_artist_in_five_ways_beside_the_bare_name() -> None:
    assert said("uce", "Kora", templates="art") == [
        "Kora",
        "painting by Kora",
        "art by Kora",
        "artwork by Kora",
        "picture by Kora",
        "style of Kora",
    ]


def test_object_says_a_thing_in_five_ways_beside_the_bare_name() -> None:
    assert said("uce-2023", "rose", templates="object") == [
        "rose",
        "image of rose",
        "photo of rose",
        "portrait of rose",
        "picture of rose",
        "painting of rose",
    ]


def test_time_lower_cases_the_first_letter_after_its_prefixes_only() -> None:
    assert said("time", "A Rose", templates=True) == [
        "A Rose",
        "A photo of a Rose",
        "An image of a Rose",
        "A picture of a Rose",
    ]


def test_no_templates_and_a_list_of_them() -> None:
    assert said("uce", "rose", templates=False) == ["rose"]
    assert said("time", "rose", templates=["the {} at night"]) == [
        "rose",
        "the rose at night",
    ]


def test_braces_in_a_concept_mean_nothing() -> None:
    assert Template.parse("art by {}").say("{} {0} {x}").text == "art by {} {0} {x}"


@pytest.mark.parametrize(
    ("text", "start", "end", "expected"),
    [
        ("kora", 0, 4, 1),
        ("art by old kora now", 7, 15, 4),
        ("", 0, 0, 0),
        ("image of", 9, 9, 2),
        ("kora kora", 5, 9, 2),
    ],
)
def test_the_last_subject_token_is_found_by_offsets(
    text: str, start: int, end: int, expected: int
) -> None:
    assert last_token(Phrase(text, start, end), FakeEncoder().tokens(text)) == expected


def test_a_subject_without_any_token_is_refused() -> None:
    with pytest.raises(RequestError, match="the model reads no token in '\\?\\?'"):
        last_token(Phrase("art by ??", 7, 9), FakeEncoder().tokens("art by ??"))


def test_an_omitted_destination_is_art_with_the_art_templates_and_empty_otherwise() -> (
    None
):
    assert destination_of(Concept("kora"), {"templates": "art"}) == "art"
    assert destination_of(Concept("kora", ""), {"templates": "art"}) == ""
    assert destination_of(Concept("kora"), {"templates": "object"}) == ""
    assert destination_of(Concept("kora", " \t"), {}) == ""
