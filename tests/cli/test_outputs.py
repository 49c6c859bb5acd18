"""What leaves on the command line: deltas, adapters, and in which words it refuses."""

import json
from pathlib import Path

import pytest
import yaml
from safetensors.torch import load_file

from governance.service.ports import Parts
from governance.snapshots.forms import Form
from tests.cli.conftest import Line
from tests.pipeline.tiny import build
from tests.service.fakes import FakeExporter
from tests.service.house import House


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("model") / "tiny")


@pytest.fixture
def request_file(tmp_path: Path) -> Path:
    path = tmp_path / "request.yaml"
    document = {
        "apiVersion": "governance/v1",
        "kind": "ConceptEdit",
        "metadata": {"title": "t", "model": "tiny", "rationale": "r"},
        "spec": {
            "action": "erase",
            "method": "uce",
            "concepts": [{"source": "kora", "destination": "art"}],
            "preserve": ["lume"],
        },
    }
    path.write_text(yaml.safe_dump(document))
    return path


def test_solve_writes_an_adapter_under_either_names(
    line: Line, model: Path, request_file: Path, tmp_path: Path
) -> None:
    first = {"kohya": "lora_unet_", "diffusers": "unet."}
    for keys, prefix in first.items():
        said = line(
            *("solve", "--model", model, "--request", request_file, "--json"),
            *("--output", tmp_path / keys, "--format", "lora", "--keys", keys),
        )
        assert said.code == 0, said.err
        assert said.json["output"] == str(tmp_path / keys)
        assert said.json["written"].startswith("adapter of 8 modules, rank unet 1,")
        assert said.json["written"] in said.err
        (file,) = (tmp_path / keys).iterdir()
        assert file.name == "pytorch_lora_weights.safetensors"
        assert all(name.startswith(prefix) for name in load_file(file))


def test_solve_writes_a_delta_unless_told_otherwise(
    line: Line, model: Path, request_file: Path, tmp_path: Path
) -> None:
    said = line(
        *("solve", "--model", model, "--request", request_file),
        *("--output", tmp_path / "delta"),
    )
    assert said.code == 0, said.err
    assert "written delta of 8 weights" in said.out
    found = json.loads((tmp_path / "delta" / "delta.json").read_text())
    assert set(found) >= {"base", "requests", "weights", "sites", "certificate"}
    assert len(load_file(tmp_path / "delta" / "delta.safetensors")) == 9


def test_solve_refuses_what_does_not_go_together_and_a_place_that_is_taken(
    line: Line, model: Path, request_file: Path, tmp_path: Path
) -> None:
    solve = ("solve", "--model", model, "--request", request_file, "--json")
    said = line(*solve, "--output", tmp_path / "out", "--keys", "kohya")
    assert (said.code, said.json["error"]["exit_code"]) == (2, 2)
    assert "--format lora" in said.json["error"]["message"]
    (tmp_path / "out").mkdir()
    said = line(*solve, "--output", tmp_path / "out", "--format", "lora")
    assert said.code == 2
    assert "exists" in said.json["error"]["message"]
    assert not list((tmp_path / "out").iterdir())


def test_an_adapter_of_flux_is_an_unsupported_pipeline(
    line: Line, request_file: Path, tmp_path: Path
) -> None:
    flux = build(tmp_path / "flux", "flux")
    said = line(
        *("solve", "--model", flux, "--request", request_file, "--json"),
        *("--output", tmp_path / "out", "--format", "lora"),
    )
    assert said.code == 7
    assert "flux" in said.json["error"]["message"]
    assert not (tmp_path / "out").exists()


def live(line: Line, house: House) -> None:
    edit = line("edit", "propose", house.request("kora"), "--json").json[0]["id"]
    candidate = line("edit", "apply", edit, "--json").json["candidate"]
    evidence = line("edit", "check", edit, "--json").json["evidence"]
    signed = line(
        *("edit", "sign", edit, "--decision", "approve", "--comment", "seen"),
        *("--candidate", candidate, "--evidence", evidence, "--json"),
        who="ben",
    )
    assert signed.json["state"] == "LIVE"


@pytest.mark.parametrize(
    ("options", "form"),
    [
        ((), Form()),
        (("--format", "lora"), Form("lora", "kohya")),
        (("--format", "lora", "--keys", "diffusers"), Form("lora", "diffusers")),
        (("--format", "lora", "--dtype", "float32"), Form("lora", "kohya")),
        (("--format", "delta"), Form("delta")),
        (("--dtype", "bfloat16"), Form("diffusers", None, "bfloat16")),
    ],
)
def test_an_export_takes_the_form_that_was_asked_for(
    line: Line,
    house: House,
    parts: Parts,
    tmp_path: Path,
    options: tuple[str, ...],
    form: Form,
) -> None:
    live(line, house)
    target = tmp_path / "out"
    said = line("snapshot", "export", "live", "--output", target, *options, "--json")
    assert said.code == 0, said.err
    assert isinstance(parts.exporter, FakeExporter)
    assert parts.exporter.forms == [form]
    assert set(said.json) >= {"path", "digest", "files"}
    assert said.json["derived"] == (form.document() if form.derived else None)


def test_an_export_of_what_is_not_live_warns(
    line: Line, house: House, tmp_path: Path
) -> None:
    live(line, house)
    said = line("snapshot", "export", "live", "--output", tmp_path / "one")
    assert said.code == 0
    assert "warning" not in said.err
    said = line("snapshot", "export", "base", "--output", tmp_path / "two")
    assert said.code == 0
    assert "warning: The base model, unedited, was replaced by another set" in said.err
    assert "it was not live when this was written." in said.err
    export = ("snapshot", "export", "base", "--output", tmp_path / "three")
    assert line(*export, "--json").json["live"] is False


def test_an_export_in_no_form_is_refused_before_anything_is_read(
    line: Line, house: House, parts: Parts, tmp_path: Path
) -> None:
    live(line, house)
    target = tmp_path / "out"
    for options, code in (
        (("--format", "lora", "--dtype", "float16"), 2),
        (("--format", "delta", "--dtype", "float32"), 2),
        (("--format", "delta", "--keys", "kohya"), 2),
        (("--format", "pickle"), 2),
    ):
        said = line(
            *("snapshot", "export", "live", "--output", target, "--json"), *options
        )
        assert said.code == code
        assert said.json["error"]["exit_code"] == code
    base = ("snapshot", "export", "base", "--output", target, "--format", "lora")
    assert line(*base, "--json").code == 4
    assert isinstance(parts.exporter, FakeExporter)
    assert parts.exporter.forms == []
