"""TIME's condition can be told from tokens alone, before anything is computed."""

import pytest

from governance.engine.aligned import check_aligned
from governance.engine.edit import Attribute, Concept, EditSpec
from governance.engine.prompts import Template
from governance.errors import RequestError
from governance.miniature import pipeline_path
from governance.pipeline.folder import open_pipeline
from governance.pipeline.vocabulary import Vocabulary, open_vocabulary

TEMPLATES = (Template("", ""), Template("a photo of ", ""))


@pytest.fixture(scope="module")
def vocabulary() -> Vocabulary:
    return open_vocabulary(open_pipeline(pipeline_path()))


def update(source: str, destination: str) -> EditSpec:
    concept = Concept(source, destination)
    return EditSpec("a" * 64, "update", "time", (concept,), parameters={})


def test_a_source_whose_words_stand_in_the_destination_is_taken(
    vocabulary: Vocabulary,
) -> None:
    check_aligned(update("a rose", "a blue rose"), TEMPLATES, vocabulary.readings)


@pytest.mark.parametrize("destination", ["a blue car", "rose", ""])
def test_a_destination_without_the_sources_words_is_named(
    vocabulary: Vocabulary, destination: str
) -> None:
    spec = update("a rose", destination)
    with pytest.raises(RequestError, match="is not within") as caught:
        check_aligned(spec, TEMPLATES, vocabulary.readings)
    assert caught.value.field == "spec.concepts.0.destination"


def test_a_debias_is_judged_by_its_attributes_before_alphas_are_known(
    vocabulary: Vocabulary,
) -> None:
    attributes = (
        Attribute("female", "a female doctor", 0.5),
        Attribute("male", "a man", 0.5),
    )
    spec = EditSpec(
        "a" * 64,
        "debias",
        "time",
        (Concept("a doctor", None),),
        attributes=attributes,
        parameters={},
    )
    with pytest.raises(RequestError) as caught:
        check_aligned(spec, TEMPLATES, vocabulary.readings)
    assert caught.value.field == "spec.attributes.1.prompt"
