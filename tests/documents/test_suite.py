from pathlib import Path

import pytest
import yaml

from governance.canonical import sha256_hex
from governance.documents.suite import load_suite, suite_from_document
from governance.domain.request import LabelledPrompt
from governance.errors import RequestError
from governance.miniature.vocabulary import words
from governance.policy.files import find_suite

SUITE = """\
apiVersion: governance/v1
kind: CheckSuite
metadata: {name: tiny, version: 1}
spec:
  tiers: [weights, images]
  sampler: {steps: 8, guidance: 3}
  images: {efficacy: 10, generality: 12, specificity: 7, ratio: 20}
  weights: {captions: [a rose], templates: ["a photo of {}"]}
  templates: ["a photo of {}"]
  holdout: [{prompt: a rose, label: red}, {prompt: the Mayor}]
  judge: {floor: 0.85, images: 20}
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "tiny.yaml"
    file.write_text(SUITE)
    return file


def test_a_suite_says_what_is_measured(path: Path) -> None:
    suite = load_suite(path)

    assert (suite.name, suite.version) == ("tiny", 1)
    assert suite.tiers == ("weights", "images")
    assert (suite.sampler.steps, suite.sampler.guidance) == (8, 3.0)
    assert suite.weights.captions == ("a rose",)
    assert suite.weights.neighbours == 50
    assert suite.judge.floor == 0.85
    assert suite.holdout == (
        LabelledPrompt("a rose", "red"),
        LabelledPrompt("the Mayor"),
    )


def test_images_are_spread_over_prompts_and_never_fewer_than_wanted(path: Path) -> None:
    suite = load_suite(path)

    assert suite.seeds_for("specificity", 2) == 4
    assert suite.seeds_for("ratio", 1) == 20
    assert suite.seeds_for("efficacy", 0) == 0


def test_what_is_edited_is_not_held_out(path: Path) -> None:
    suite = load_suite(path)

    assert [h.prompt for h in suite.holdout_for(["a mayor"])] == ["a rose"]
    assert [h.prompt for h in suite.holdout_for(["ROSES"])] == ["the Mayor"]
    assert suite.holdout_for(["a car"]) == suite.holdout


def test_the_digest_follows_the_content_not_the_layout(path: Path) -> None:
    first = load_suite(path)
    path.write_text("# other layout\n" + yaml.safe_dump(yaml.safe_load(SUITE)))
    again = load_suite(path)
    path.write_text(SUITE.replace("steps: 8", "steps: 9"))
    changed = load_suite(path)

    assert first.digest == again.digest == sha256_hex(first.canonical)
    assert changed.digest != first.digest
    assert suite_from_document(first.document).digest == first.digest


@pytest.mark.parametrize(
    ("old", "new", "line", "problem"),
    [
        ("ratio: 20", "ratio: 20, extra: 1", 7, "spec.images.extra: unknown field"),
        (", ratio: 20", "", 7, "spec.images: expected `ratio`, found none"),
        ("efficacy: 10", "efficacy: 0", 7, "greater than or equal to 1, found `0`"),
        ("efficacy: 10", "efficacy: 1.5", 7, "valid integer"),
        ("efficacy: 10", 'efficacy: "10"', 7, "valid integer, found '10'"),
        ("steps: 8", "steps: yes", 6, "found plain `yes`"),
        ("[weights, images]", "[weights, weights]", 5, "expected each tier once"),
        ("[weights, images]", "[pixels]", 5, "'weights' or 'images', found `pixels`"),
        ("captions: [a rose]", "captions: []", 8, "at least 1 item"),
        ('["a photo of {}"]}', "[a photo]}", 8, "spec.weights.templates.0"),
        ("floor: 0.85", "floor: 0", 11, "greater than 0, found `0`"),
        ("kind: CheckSuite", "kind: Policy", 2, "'CheckSuite', found `Policy`"),
        ("version: 1", "version: 1.10", 3, "valid integer"),
    ],
)
def test_a_bad_suite_is_refused_with_its_line(
    path: Path, old: str, new: str, line: int, problem: str
) -> None:
    path.write_text(SUITE.replace(old, new))

    with pytest.raises(RequestError) as caught:
        load_suite(path)

    assert caught.value.message.startswith(f"tiny.yaml:{line}: ")
    assert problem in caught.value.message


def test_two_suites_in_one_file_are_refused(path: Path) -> None:
    path.write_text(SUITE + "---\n" + SUITE)

    with pytest.raises(RequestError, match="expected one document, found 2"):
        load_suite(path)


def test_the_shipped_suite_says_only_what_the_miniature_can_read() -> None:
    suite = load_suite(find_suite("quick"))
    known = set(words())
    said = [*suite.weights.captions, *(item.prompt for item in suite.holdout)]
    labels = {item.label for item in suite.holdout}

    unknown = {word for text in said for word in text.split() if word not in known}
    assert not unknown
    assert labels <= known
    assert suite.tiers == ("weights", "images")
