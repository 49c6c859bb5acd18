"""``governance solve`` and ``statistics`` on edits of text encoders, from files."""

import json
import random
from pathlib import Path

import pytest
import torch
import yaml
from safetensors.torch import load_file, save_file

from governance.canonical import JSON
from governance.cli.run import run
from governance.pipeline.folder import open_pipeline
from governance.pipeline.statistics import encoder_digests, measure_keys
from tests.pipeline import tiny


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.build(tmp_path_factory.mktemp("model") / "tiny")


@pytest.fixture(scope="module")
def covariance(model: Path) -> torch.Tensor:
    rng = random.Random(0)  # noqa: S311 - no secret
    texts = [" ".join(rng.sample(tiny.WORDS, 1 + n % 9)) for n in range(200)]
    return measure_keys(open_pipeline(model), texts).covariances["text_encoder", 1]


def own(model: Path) -> dict[str, str]:
    return encoder_digests(open_pipeline(model))


def request_file(folder: Path, **spec: JSON) -> Path:
    path = folder / "request.yaml"
    concept = {"prompt": "the mayor", "source": "bela", "destination": "caro"}
    document = {
        "apiVersion": "governance/v1",
        "kind": "ConceptEdit",
        "metadata": {"title": "The mayor", "model": "tiny", "rationale": "r"},
        "spec": {
            "action": "update",
            "method": "refact",
            "concepts": [concept],
            "parameters": {"layer": 1},
            "values": "values.safetensors",
            **spec,
        },
    }
    if document["spec"]["values"] is None:  # type: ignore[index]
        del document["spec"]["values"]  # type: ignore[attr-defined]
    path.write_text(yaml.safe_dump(document))
    return path


def solved(
    capsys: pytest.CaptureFixture[str], model: Path, folder: Path, *words: object
) -> tuple[int, dict[str, object]]:
    arguments = ["solve", "--model", model, "--request", folder / "request.yaml"]
    arguments += ["--output", folder / "out", "--json", *words]
    code = run([str(word) for word in arguments])
    return code, json.loads(capsys.readouterr().out)


def test_given_values_and_statistics_reach_the_delta(
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    model: Path,
    covariance: torch.Tensor,
) -> None:
    wanted = torch.randn(1, 20, generator=torch.Generator().manual_seed(1))
    save_file({"value.1": wanted}, tmp_path / "values.safetensors", own(model))
    save_file({"covariance.1": covariance}, tmp_path / "c.safetensors", own(model))
    request_file(tmp_path)
    code, said = solved(
        capsys, model, tmp_path, "--statistics", tmp_path / "c.safetensors"
    )
    assert code == 0, said
    assert said["warnings"] == []
    delta = load_file(tmp_path / "out" / "delta.safetensors")
    (up,) = [t for name, t in delta.items() if name.endswith(".up")]
    (down,) = [t for name, t in delta.items() if name.endswith("down")]
    scaled = 1000 * covariance
    save_file({"covariance.1": scaled}, tmp_path / "c.safetensors", own(model))
    code, _ = solved(
        capsys,
        *(model, tmp_path, "--statistics", tmp_path / "c.safetensors"),
        *("--output", tmp_path / "again"),
    )
    assert code == 0
    again = load_file(tmp_path / "again" / "delta.safetensors")
    (other_up,) = [t for name, t in again.items() if name.endswith(".up")]
    (other,) = [t for name, t in again.items() if name.endswith("down")]
    # A hard constraint does not feel how large the covariance is.
    assert torch.allclose(up @ down, other_up @ other, rtol=1e-6, atol=1e-12)
    request_file(tmp_path, parameters={"layer": 1, "prior": "identity"})
    code, _ = solved(capsys, model, tmp_path, "--output", tmp_path / "plain")
    assert code == 0
    plain = load_file(tmp_path / "plain" / "delta.safetensors")
    (third,) = [t for name, t in plain.items() if name.endswith("down")]
    assert abs(torch.cosine_similarity(third[0], down[0], dim=0)) < 0.9


def test_what_names_no_encoder_is_solved_with_a_warning(
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    model: Path,
    covariance: torch.Tensor,
) -> None:
    save_file({"value.1": torch.ones(1, 20)}, tmp_path / "values.safetensors")
    save_file({"covariance.1": covariance}, tmp_path / "c.safetensors")
    request_file(tmp_path)
    code, said = solved(
        capsys, model, tmp_path, "--statistics", tmp_path / "c.safetensors"
    )
    assert code == 0, said
    first, second = said["warnings"]  # type: ignore[misc]
    assert first.startswith("statistics do not say which text_encoder")  # type: ignore[has-type]
    assert second.startswith("values do not say which text_encoder")  # type: ignore[has-type]


@pytest.mark.parametrize(
    ("broken", "code", "message"),
    [
        ("another encoder", 2, "statistics are of another text_encoder: expected"),
        ("asymmetric", 2, "differs from its transpose"),
        ("nan", 2, "NaN or infinity"),
        ("shape", 2, "expected F64 or F32"),
        ("pickle", 2, "not a well-formed safetensors file"),
        ("absent", 3, "no such file"),
        ("none given", 3, "needs the key covariances"),
        ("another layer", 2, "hold no covariance of layer 1"),
        ("values shape", 2, "one row per concept"),
        ("values nan", 2, "NaN or infinity"),
        ("values layer", 2, "expected tensors named 'value.1', found 'value.0'"),
        ("values encoder", 2, "values are of another text_encoder"),
    ],
)
def test_a_wrong_file_is_refused_and_nothing_is_written(
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    model: Path,
    covariance: torch.Tensor,
    broken: str,
    code: int,
    message: str,
) -> None:
    files = {
        "statistics": ({"covariance.1": covariance}, own(model)),
        "values": ({"value.1": torch.ones(1, 20)}, own(model)),
    }
    other = {"text_encoder": "0" * 64}
    wrong = covariance.clone()
    wrong[0, 1] += 1
    tensors, name = {
        "another encoder": (covariance, "covariance.1"),
        "asymmetric": (wrong, "covariance.1"),
        "nan": (covariance * torch.nan, "covariance.1"),
        "shape": (torch.eye(3), "covariance.1"),
        "another layer": (covariance, "covariance.0"),
        "values shape": (torch.ones(2, 20), "value.1"),
        "values nan": (torch.full((1, 20), torch.nan), "value.1"),
        "values layer": (torch.ones(1, 20), "value.0"),
        "values encoder": (torch.ones(1, 20), "value.1"),
    }.get(broken, (covariance, "covariance.1"))
    kind = "values" if name.startswith("value") else "statistics"
    files[kind] = ({name: tensors}, other if "encoder" in broken else own(model))
    for one, (content, metadata) in files.items():
        save_file(content, tmp_path / f"{one}.safetensors", metadata)
    if broken == "pickle":
        (tmp_path / "statistics.safetensors").write_bytes(b"\x80\x04.")
    request_file(tmp_path)
    words: list[object] = ["--statistics", tmp_path / "statistics.safetensors"]
    if broken == "absent":
        words = ["--statistics", tmp_path / "none.safetensors"]
    if broken == "none given":
        words = []
    found, said = solved(capsys, model, tmp_path, *words)
    error = said["error"]
    assert isinstance(error, dict)
    assert (found, error["exit_code"]) == (code, code), error
    assert message in error["message"]
    assert not (tmp_path / "out").exists()


def test_solve_optimises_what_a_request_brings_no_values_for(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, model: Path
) -> None:
    parameters: dict[str, JSON] = {
        "layer": 1,
        "prior": "identity",
        "contrast": ["a dog"],
    }
    request_file(tmp_path, values=None, parameters=parameters)
    code, said = solved(capsys, model, tmp_path)
    assert code == 0, said
    (row,) = said["certificate"]  # type: ignore[misc]
    assert row["residual"] < 1e-5  # type: ignore[has-type]


def test_a_solve_goes_on_from_the_stage_ones_it_kept(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, model: Path
) -> None:
    parameters: dict[str, JSON] = {
        "layer": 1,
        "prior": "identity",
        "contrast": ["a dog"],
    }
    request_file(tmp_path, values=None, parameters=parameters)
    kept = tmp_path / "kept"
    code, first = solved(capsys, model, tmp_path, "--stage-one", kept)
    assert code == 0, first
    (file,) = kept.iterdir()
    before = file.stat().st_mtime_ns
    code, said = solved(capsys, model, tmp_path, "--stage-one", kept)
    assert (code, said["error"]["exit_code"]) == (2, 2)  # type: ignore[index]
    (tmp_path / "out").rename(tmp_path / "before")
    code, again = solved(capsys, model, tmp_path, "--stage-one", kept)
    assert code == 0
    assert again["digest"] == first["digest"]
    assert file.stat().st_mtime_ns == before


def test_an_output_that_exists_is_refused_before_anything_is_optimised(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, model: Path
) -> None:
    (tmp_path / "out").mkdir()
    request_file(tmp_path, values=None, parameters={"layer": 1, "prior": "identity"})
    kept = tmp_path / "kept"
    code, said = solved(capsys, model, tmp_path, "--stage-one", kept)
    assert code == 2
    assert "exists; expected" in said["error"]["message"]  # type: ignore[index]
    assert not kept.exists()


def test_both_kinds_of_edits_are_solved_together_against_statistics(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, model: Path
) -> None:
    rng = random.Random(0)  # noqa: S311 - no secret
    texts = [" ".join(rng.sample(tiny.WORDS, 1 + n % 9)) for n in range(200)]
    found = measure_keys(open_pipeline(model), texts).covariances
    every = {f"covariance.{layer}": c for (_, layer), c in found.items()}
    save_file(every, tmp_path / "c.safetensors", own(model))
    (tmp_path / "uce").mkdir()
    kora: JSON = {"source": "kora", "destination": "bela"}
    other = request_file(
        tmp_path / "uce",
        method="uce",
        concepts=[kora],
        parameters={"tokens": "tail"},
        values=None,
    )
    parameters: dict[str, JSON] = {"layer": 1, "contrast": ["a dog"]}
    request_file(tmp_path, values=None, parameters=parameters)
    code, said = solved(
        capsys,
        *(model, tmp_path, "--statistics", tmp_path / "c.safetensors"),
        *("--request", other),
    )
    assert code == 0, said
    names = [site["name"] for site in said["sites"]]  # type: ignore[attr-defined]
    assert {name.partition("/")[0] for name in names} == {"text_encoder", "unet"}


def test_poor_statistics_stop_a_solve_before_its_stage_one(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, model: Path
) -> None:
    found = measure_keys(open_pipeline(model), ["a rose"] * 300).covariances
    every = {f"covariance.{layer}": c for (_, layer), c in found.items()}
    save_file(every, tmp_path / "c.safetensors", own(model))
    request_file(tmp_path, values=None)
    kept = tmp_path / "kept"
    code, said = solved(
        capsys,
        *(model, tmp_path, "--statistics", tmp_path / "c.safetensors"),
        *("--stage-one", kept),
    )
    assert code == 8, said
    message = said["error"]["message"]  # type: ignore[index]
    assert "layer 1 of text_encoder has rank 4 of 44" in message
    assert not kept.exists()
    assert not (tmp_path / "out").exists()


def test_emcid_finds_states_for_both_encoders_of_sdxl_and_edits_both(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    parameters: dict[str, JSON] = {
        "layers": [0],
        "templates": ["{}"],
        "steps": 2,
        "prior": "identity",
    }
    request_file(tmp_path, method="emcid", values=None, parameters=parameters)
    made = tiny.build(tmp_path / "sdxl", "sdxl")
    code, said = solved(capsys, made, tmp_path)
    assert code == 0, said
    names = [site["name"] for site in said["sites"]]  # type: ignore[attr-defined]
    assert {name.partition("/")[0] for name in names} == {
        "text_encoder",
        "text_encoder_2",
    }


def test_statistics_are_computed_and_listed_on_the_command_line(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, model: Path
) -> None:
    def line(*words: object) -> tuple[int, str]:
        where = ["--workspace", str(tmp_path / "workspace")]
        code = run([*where, *[str(word) for word in words], "--json"])
        return code, capsys.readouterr().out

    assert line("init")[0] == 0
    assert line("model", "add", "tiny", model)[0] == 0
    captions = tmp_path / "captions.txt"
    captions.write_text("a rose\nthe mayor\n" * 50)
    code, out = line("statistics", "compute", "--captions", captions)
    error = json.loads(out)["error"]
    assert (code, error["exit_code"]) == (2, 2)
    assert "the captions hold 400 tokens in 100 captions" in error["message"]
    code, out = line("statistics", "compute", "--captions", captions, "--tokens", 400)
    error = json.loads(out)["error"]
    assert (code, error["exit_code"]) == (8, 8)
    assert "of 400 tokens, has rank 7 of 44" in error["message"]
    rng = random.Random(0)  # noqa: S311 - no secret
    texts = [" ".join(rng.sample(tiny.WORDS, 1 + n % 7)) for n in range(200)]
    captions.write_text("\n".join(texts))
    code, out = line("statistics", "compute", "--captions", captions, "--tokens", 400)
    assert code == 0
    made = json.loads(out)
    assert json.loads(line("statistics", "list")[1]) == [made]
    assert made["about"]["tokens"] >= 400
    objects = tmp_path / "workspace" / "objects"
    stored = objects / made["digest"][:2] / made["digest"][2:]
    code, out = line("statistics", "import", stored)
    assert (code, json.loads(out)["error"]["exit_code"]) == (4, 4)
    code, out = line("statistics", "import", captions)
    assert (code, json.loads(out)["error"]["exit_code"]) == (2, 2)
    code, out = line("statistics", "compute", "--captions", tmp_path / "none")
    assert (code, json.loads(out)["error"]["exit_code"]) == (3, 3)


@pytest.mark.parametrize("scale", [1e5, 1e30])
def test_a_value_longer_than_anything_its_layer_says_is_refused(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, model: Path, scale: float
) -> None:
    value = torch.full((1, 20), scale)
    save_file({"value.1": value}, tmp_path / "values.safetensors", own(model))
    request_file(tmp_path, parameters={"layer": 1, "prior": "identity"})
    code, said = solved(capsys, model, tmp_path)
    message = said["error"]["message"]  # type: ignore[index]
    assert code == 8, said
    assert "the stage-one value of 'the mayor' is" in message
    assert "1,000 times what layer 1 of text_encoder puts out" in message
    assert not (tmp_path / "out").exists()


def test_a_weight_that_overflows_a_half_precision_base_is_refused(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("governance.engine.text.sound.FARTHEST", 1e60)
    half = tiny.build(tmp_path / "half", dtype=torch.float16)
    value = torch.full((1, 20), 1e7)
    save_file({"value.1": value}, tmp_path / "values.safetensors", own(half))
    request_file(tmp_path, parameters={"layer": 1, "prior": "identity"})
    code, said = solved(capsys, half, tmp_path)
    assert code == 8, said
    message = said["error"]["message"]  # type: ignore[index]
    assert "edit " in message
    assert "overflows torch.float16" in message
    assert not (tmp_path / "out").exists()
