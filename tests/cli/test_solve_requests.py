"""What ``governance solve`` says of request files that are wrong: file, line, field."""

import json
from pathlib import Path

import pytest
import torch
import yaml
from safetensors.torch import save_file

from governance.canonical import JSON
from governance.cli.run import run
from tests.pipeline import tiny


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.build(tmp_path_factory.mktemp("model") / "tiny")


def written(path: Path, **spec: JSON) -> Path:
    document = {
        "apiVersion": "governance/v1",
        "kind": "ConceptEdit",
        "metadata": {"title": "A title", "model": "tiny", "rationale": "r"},
        "spec": {
            "action": "update",
            "method": "uce",
            "concepts": [{"source": "kora", "destination": "bela"}],
            **spec,
        },
    }
    path.parent.mkdir(exist_ok=True)
    path.write_text(yaml.safe_dump(document, sort_keys=False))
    return path


def refused(
    capsys: pytest.CaptureFixture[str], model: Path, *requests: Path, **options: object
) -> str:
    """Solve, and return the message of the usage error that it ends with."""
    output = requests[0].parent / "out"
    arguments: list[object] = ["solve", "--model", model, "--output", output, "--json"]
    for one in requests:
        arguments += ["--request", one]
    for name, value in options.items():
        arguments += [f"--{name}", value]
    code = run([str(word) for word in arguments])
    said = json.loads(capsys.readouterr().out)
    assert code == 2, said
    assert not output.exists()
    message: str = said["error"]["message"]
    return message


def line_of(path: Path, text: str) -> int:
    lines = path.read_text().splitlines()
    return next(n for n, line in enumerate(lines, 1) if text in line)


def test_two_files_that_send_one_source_to_two_places_are_refused(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, model: Path
) -> None:
    first = written(tmp_path / "a.yaml")
    second = written(
        tmp_path / "b.yaml", concepts=[{"source": "Kora", "destination": "caro"}]
    )
    message = refused(capsys, model, first, second)
    here, there = line_of(second, "source"), line_of(first, "source")
    assert message == (
        f"b.yaml:{here}: spec.concepts.0: 'Kora' has two destinations, first in "
        f"a.yaml:{there} (spec.concepts.0)"
    )


@pytest.mark.parametrize(
    ("one", "other"), [("uce", "uce-2023"), ("refact", "emcid"), ("time", "emcid")]
)
def test_two_methods_on_one_phrase_are_refused(
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    model: Path,
    one: str,
    other: str,
) -> None:
    first = written(tmp_path / "a.yaml", method=one)
    second = written(tmp_path / "b.yaml", method=other)
    message = refused(capsys, model, first, second)
    assert "b.yaml:11: spec.concepts.0: 'kora' is edited twice, first in a.y" in message


def test_a_file_that_preserves_what_another_edits_is_refused_in_either_order(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, model: Path
) -> None:
    first = written(tmp_path / "a.yaml")
    dora = [{"source": "dora", "destination": "caro"}]
    (tmp_path / "kept.txt").write_text("bela\nKORA\n")
    second = written(tmp_path / "b.yaml", concepts=dora, preserve_file="kept.txt")
    for order in ((first, second), (second, first)):
        message = refused(capsys, model, *order)
        assert message.startswith("kept.txt:2: spec.preserve_file: 'KORA' is edited by")
        assert "a.yaml:11 (spec.concepts.0) and cannot be preserved" in message


def test_the_same_request_twice_is_refused_with_a_hint(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, model: Path
) -> None:
    first = written(tmp_path / "a.yaml")
    (tmp_path / "b.yaml").write_text(first.read_text())
    message = refused(capsys, model, first, tmp_path / "b.yaml")
    assert message.startswith("b.yaml:1: the same request is given twice, first in a.y")
    message = refused(capsys, model, first, first)
    assert message.startswith("a.yaml:1: the same request is given twice, first in a.y")


EOS, BOS = "<|endoftext|>", "<|startoftext|>"


@pytest.mark.parametrize(
    ("field", "word", "spec"),
    [
        ("concepts.0.source", EOS, {"concepts": [{"source": EOS, "destination": "a"}]}),
        (
            "concepts.0.destination",
            "a " + BOS,
            {"concepts": [{"source": "kora", "destination": f"a {BOS}"}]},
        ),
        (
            "concepts.1.prompt",
            EOS,
            {
                "method": "refact",
                "concepts": [
                    {"source": "kora", "destination": "bela"},
                    {"prompt": f"the {EOS}", "source": "dora", "destination": "caro"},
                ],
            },
        ),
        ("preserve.1", BOS, {"preserve": ["bela", BOS]}),
        ("parameters.templates.1", EOS, {"templates": ["a {}", f"{{}} {EOS}"]}),
        (
            "attributes.1.prompt",
            EOS,
            {
                "action": "debias",
                "concepts": [{"source": "kora"}],
                "attributes": [
                    {"name": "a", "prompt": "bela", "ratio": 0.5, "alpha": [1]},
                    {"name": "b", "prompt": EOS, "ratio": 0.5, "alpha": [1]},
                ],
            },
        ),
    ],
)
def test_a_tokenizers_own_markers_are_no_words(
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    model: Path,
    field: str,
    word: str,
    spec: dict[str, JSON],
) -> None:
    if "templates" in spec:
        spec = {"parameters": {"templates": spec["templates"]}}
    path = written(tmp_path / "a.yaml", **spec)
    message = refused(capsys, model, path)
    line = max(n for n, t in enumerate(path.read_text().splitlines(), 1) if word in t)
    assert message.startswith(f"a.yaml:{line}: spec.{field}: the model has no word for")


def test_the_markers_of_t5_are_no_words_either(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    sd3 = tiny.build(tmp_path / "sd3", "sd3")
    for marker in ("</s>", "<pad>"):
        path = written(tmp_path / "a.yaml", preserve=["bela", f"bela {marker}"])
        message = refused(capsys, sd3, path)
        assert "spec.preserve.1: the model has no word for" in message
        assert marker in message


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (
            {"parameters": {"lambda": 0}},
            "a.yaml:14: spec.parameters.lambda is wrong: expected a number above 0",
        ),
        (
            {"action": "moderate", "method": "emcid"},
            "a.yaml:8: spec.action is wrong: expected debias or erase or update",
        ),
        (
            {
                "action": "debias",
                "concepts": [{"source": "kora"}],
                "attributes": [
                    {"name": "a", "prompt": "bela", "ratio": 0.5, "alpha": [1]},
                    {"name": "b", "prompt": "caro", "ratio": 0.500001, "alpha": [1]},
                ],
            },
            "a.yaml:13: spec.attributes is wrong: expected ratios that sum to 1",
        ),
        (
            {"preserve": ["bela", "a rose " * 40]},
            "a.yaml:15: spec.preserve.1: 'a rose a rose",
        ),
        (
            {"method": "time", "concepts": [{"source": "kora", "destination": "bela"}]},
            "a.yaml:12: spec.concepts.0.destination: method time needs",
        ),
        (
            {"method": "refact", "parameters": {"layer": 9, "prior": "identity"}},
            "a.yaml:14: spec.parameters.layer is wrong",
        ),
    ],
)
def test_what_the_engine_refuses_names_file_line_and_field(
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    model: Path,
    wrong: dict[str, JSON],
    message: str,
) -> None:
    good = written(
        tmp_path / "good.yaml", concepts=[{"source": "dora", "destination": "art"}]
    )
    path = written(tmp_path / "a.yaml", **wrong)
    found = refused(capsys, model, path)
    assert found.startswith(message)
    assert refused(capsys, model, good, path) == found


def test_files_a_request_brings_are_called_by_their_own_names(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, model: Path
) -> None:
    (tmp_path / "vals").mkdir()
    save_file({"value.1": torch.full((1, 20), torch.nan)}, tmp_path / "vals" / "v.st")
    concept: JSON = {"prompt": "the mayor", "source": "bela", "destination": "caro"}
    path = written(
        tmp_path / "a.yaml",
        method="refact",
        concepts=[concept],
        parameters={"layer": 1, "prior": "identity"},
        values="vals/v.st",
    )
    message = refused(capsys, model, path)
    assert message.startswith("a.yaml:17: spec.values: tensor 'value.1' of vals/v.st")
    statistics = tmp_path / "vals" / "cov.safetensors"
    save_file({"covariance.1": torch.full((44, 44), torch.nan)}, statistics)
    written(path, method="refact", concepts=[concept], parameters={"layer": 1})
    message = refused(capsys, model, path, statistics=statistics)
    assert "of vals/cov.safetensors holds NaN or infinity" in message
