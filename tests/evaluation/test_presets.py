"""A sidecar says how a method is asked; what it does not say is published."""

from pathlib import Path

import pytest

from governance.engine.presets import effective
from governance.errors import RequestError
from governance.evaluation.cases import Case, Probe
from governance.evaluation.presets import Preset, Presets, load_presets, sidecar_of
from governance.evaluation.specs import protected, spec_of
from tests.checks.fakes import FakeJudge

SIDECAR = """apiVersion: governance/v1
kind: EvaluationMethods
preserve: [a lemon, a rose, two roses, a red car]
methods:
  uce: {preserve: all, parameters: {lambda: 2.0}, note: because}
"""


def case(
    source: str = "a rose",
    destination: str = "a blue rose",
    aligned: str | None = None,
    shows: str | None = None,
) -> Case:
    probe = Probe("specificity", "A red car", "a red car", "a red car", "a blue car")
    return Case(
        line=2,
        action="update",
        source=source,
        destination=destination,
        aligned=destination if aligned is None else aligned,
        shows=source if shows is None else shows,
        probes=(probe,),
    )


def written(place: Path, text: str) -> Path:
    file = sidecar_of(place / "rose.csv")
    file.write_text(text, encoding="utf-8")
    return file


def test_a_sidecar_lies_beside_its_set(tmp_path: Path) -> None:
    assert sidecar_of(tmp_path / "rose.csv") == tmp_path / "rose.methods.yaml"


def test_a_sidecar_changes_what_it_names_and_nothing_else(tmp_path: Path) -> None:
    presets = load_presets(written(tmp_path, SIDECAR))
    uce = effective(spec_of(case(), "uce", presets, FakeJudge()))
    assert uce["lambda"] == 2.0
    assert uce["edit_scale"] == 1.0
    time = spec_of(case(), "time", presets, FakeJudge())
    assert time.parameters == {}
    assert time.preserve == ()


def test_what_an_edit_is_about_or_measured_on_is_never_protected(
    tmp_path: Path,
) -> None:
    presets = load_presets(written(tmp_path, SIDECAR))
    assert spec_of(case(), "uce", presets, FakeJudge()).preserve == ("a lemon",)
    assert protected(case(), ["ROSES", "a blue rose", "a leaf"]) == ("a leaf",)


def test_refact_and_emcid_are_told_what_the_phrase_shows_now() -> None:
    one = case(source="the mayor", destination="caro", shows="bela")
    [concept] = spec_of(one, "refact", Presets(), FakeJudge(), "s" * 64).concepts
    assert (concept.phrase, concept.source) == ("the mayor", "bela")
    [concept] = spec_of(one, "uce", Presets(), FakeJudge()).concepts
    assert (concept.source, concept.destination) == ("the mayor", "caro")


def test_time_gets_the_destination_that_repeats_the_source() -> None:
    one = case(source="the mayor", destination="caro", aligned="caro the mayor")
    [concept] = spec_of(one, "time", Presets(), FakeJudge()).concepts
    assert concept.destination == "caro the mayor"


def test_everything_that_changes_an_edit_changes_its_digest() -> None:
    judge = FakeJudge()
    changed = Presets({"uce": Preset({"lambda": 2.0})})
    kept = Presets({"uce": Preset({}, preserve=True)}, ("a lemon",))
    specs = [
        spec_of(case(), "uce", Presets(), judge),
        spec_of(case(), "uce", changed, judge),
        spec_of(case(), "uce", kept, judge),
        spec_of(case(), "uce-2023", Presets(), judge),
        spec_of(case(destination="a red rose"), "uce", Presets(), judge),
        spec_of(case(), "refact", Presets(), judge, "1" * 64),
        spec_of(case(), "refact", Presets(), judge, "2" * 64),
    ]
    assert len({spec.digest for spec in specs}) == len(specs)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (SIDECAR.replace("uce:", "uec:"), "rose.methods.yaml:5: methods.uec: unknown"),
        (SIDECAR.replace("all", "some"), "methods.uce.preserve: expected one of all"),
        (SIDECAR.replace("note", "nota"), "methods.uce.nota: unknown field"),
        (SIDECAR + "---\n" + SIDECAR, "expected one document, found 2"),
        (SIDECAR.replace("kind: Eval", "kind: Eva"), "kind: expected one of"),
        ("apiVersion: governance/v1\n", "expected `kind`, found none"),
        (SIDECAR.replace("{lambda: 2.0}", "[2]"), "expected a mapping, found a list"),
    ],
)
def test_a_wrong_sidecar_is_named_by_file_line_and_field(
    tmp_path: Path, text: str, told: str
) -> None:
    with pytest.raises(RequestError) as caught:
        load_presets(written(tmp_path, text))
    assert told in caught.value.message


def test_a_parameter_that_does_not_exist_is_the_sidecars_mistake(
    tmp_path: Path,
) -> None:
    presets = load_presets(written(tmp_path, SIDECAR.replace("lambda", "lambd")))
    with pytest.raises(RequestError, match=r"spec\.parameters\.lambd is wrong"):
        spec_of(case(), "uce", presets, FakeJudge())
