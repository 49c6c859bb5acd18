"""The shipped sets: whole, in words the model knows, and outside what edits are told."""

from pathlib import Path

import pytest

from governance.engine.presets import effective
from governance.evaluation.asking import questions_for
from governance.evaluation.cases import Case, Dataset, Kind
from governance.evaluation.formats import load_dataset
from governance.evaluation.presets import load_presets, sidecar_of
from governance.evaluation.specs import can, protected, spec_of
from governance.evaluation.together import check_compatible
from governance.miniature import pipeline_path
from governance.miniature.edit_sets import csv_text, sets_path, tables
from governance.miniature.judge_kinds import kinds
from governance.pipeline.folder import open_pipeline
from governance.pipeline.vocabulary import open_vocabulary

KINDS = {
    "timed.csv": Kind.TIMED,
    "together.csv": Kind.TIMED,
    "road.csv": Kind.ROAD,
    "gender.csv": Kind.GENDER,
    "artist.csv": Kind.ARTIST,
    "rectification.csv": Kind.RECTIFICATION,
}


class Kinds:
    kinds = kinds()


def dataset(name: str) -> Dataset:
    return load_dataset(sets_path() / name, KINDS[name])


@pytest.mark.parametrize("name", KINDS)
def test_the_files_are_what_the_script_writes(name: str) -> None:
    text = (sets_path() / name).read_text(encoding="utf-8")
    assert text == csv_text(tables()[name])


@pytest.mark.parametrize("name", KINDS)
def test_a_set_has_at_least_twenty_edits_and_every_metric(name: str) -> None:
    found = dataset(name)
    assert len(found.cases) >= (50 if name == "together.csv" else 20)
    for case in found.cases:
        assert {probe.metric for probe in case.probes} == {
            "efficacy",
            "generality",
            "specificity",
        }


@pytest.mark.parametrize("name", KINDS)
def test_every_word_is_one_the_model_knows(name: str) -> None:
    vocabulary = open_vocabulary(open_pipeline(pipeline_path()))
    texts = {
        text
        for case in dataset(name).cases
        for text in (
            *(case.source, case.destination, case.aligned, case.shows),
            *(t for p in case.probes for t in (p.prompt, p.oracle, p.old, p.new)),
        )
    }
    texts |= set(load_presets(sidecar_of(sets_path() / name)).preserve)
    assert not vocabulary.unknown_words(texts - {""})
    assert not vocabulary.too_long(texts)


def told(case: Case, method: str, place: Path) -> set[str]:
    """Everything an edit is told: its concept in templates, and what it protects."""
    presets = load_presets(sidecar_of(place))
    spec = spec_of(case, method, presets, Kinds())
    templates = effective(spec)["templates"]
    said = [str(t) for t in templates] if isinstance(templates, list) else []
    if method == "time" and templates is True:
        said = ["A photo of {}", "An image of {}", "A picture of {}"]
    texts = {t.replace("{}", spec.concepts[0].phrase) for t in said}
    return {text.casefold() for text in (*texts, *spec.preserve)}


@pytest.mark.parametrize("name", KINDS)
def test_no_prompt_is_one_that_an_edit_was_told(name: str) -> None:
    for case in dataset(name).cases:
        measured = {
            probe.prompt.casefold()
            for probe in case.probes
            if probe.metric != "efficacy"
        }
        for method in load_presets(sidecar_of(sets_path() / name)).methods:
            if can(method, case):
                both = measured & told(case, method, sets_path() / name)
                published = {f"an image of {case.source}"}
                # TIME's published templates hold "An image of"; its row says so.
                assert both <= (published if method == "time" else set()), method


@pytest.mark.parametrize("name", KINDS)
def test_no_edit_protects_what_it_edits(name: str) -> None:
    presets = load_presets(sidecar_of(sets_path() / name))
    for case in dataset(name).cases:
        kept = protected(case, presets.preserve)
        assert len(kept) >= 20
        assert case.source not in kept
        assert case.destination not in kept


@pytest.mark.parametrize("name", KINDS)
def test_the_judge_has_words_for_every_prompt(name: str) -> None:
    for case in dataset(name).cases:
        for probe in case.probes:
            for question in questions_for(Kinds(), case, probe):
                assert question.ask == "like" or question.answers, probe


def test_fifty_edits_can_live_together() -> None:
    found = dataset("together.csv")
    check_compatible(found, 50)
    sources = {case.source for case in found.cases[:50]}
    assert not sources & {case.destination for case in found.cases[:50]}
