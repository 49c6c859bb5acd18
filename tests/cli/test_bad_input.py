"""What nobody can mean is refused by name, with its exit code, and writes nothing."""

import itertools
import json
from pathlib import Path

import pytest
import yaml

from governance.canonical import JSON
from governance.cli.run import run
from tests.pipeline import tiny


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.build(tmp_path_factory.mktemp("model") / "tiny")


def request_file(folder: Path, **spec: JSON) -> Path:
    document = {
        "apiVersion": "governance/v1",
        "kind": "ConceptEdit",
        "metadata": {"title": "t", "model": "tiny", "rationale": "r"},
        "spec": {"action": "update", "method": "uce", **spec},
    }
    path = folder / "request.yaml"
    path.write_text(yaml.safe_dump(document))
    return path


def pair(source: str, destination: str | None = None) -> JSON:
    if destination is None:
        return {"source": source}
    return {"source": source, "destination": destination}


def debias(*ratios: float) -> dict[str, JSON]:
    names = ("female", "male", "old")
    attributes: list[JSON] = [
        {"name": name, "prompt": f"a {name} {{}}", "ratio": ratio, "alpha": [0.5]}
        for name, ratio in zip(names, ratios, strict=False)
    ]
    return {
        "action": "debias",
        "concepts": [pair("doctor")],
        "attributes": attributes,
    }


def time(source: str, destination: str) -> dict[str, JSON]:
    return {"method": "time", "concepts": [pair(source, destination)]}


def uce(**parameters: JSON) -> dict[str, JSON]:
    return {"concepts": [pair("kora", "art")], "parameters": parameters}


BAD: dict[str, tuple[dict[str, JSON], str]] = {
    "a source that is no subsequence of its destination": (
        time("a dog", "the red cat"),
        "refact",
    ),
    "a concept longer than the context": (
        {"concepts": [pair("rose " * 12, "art")]},
        "tokens",
    ),
    "a destination longer than the context": (
        {"concepts": [pair("rose", "art " * 12)]},
        "tokens",
    ),
    "a concept listed twice": (
        {"concepts": [pair("kora", "art"), pair("KORA", "art")]},
        "'KORA' is listed twice",
    ),
    "a concept with two destinations": (
        {"concepts": [pair("kora", "art"), pair("kora", "lume")]},
        "'kora' has two destinations",
    ),
    "a concept that becomes itself": (
        {"concepts": [pair("kora", "Kora ")]},
        "source and destination are the same",
    ),
    "an edited concept in its own preserve set": (
        {"concepts": [pair("kora", "art")], "preserve": ["lume", "KORA"]},
        "spec.preserve.1",
    ),
    "lambda 0": (uce(**{"lambda": 0}), "spec.parameters.lambda is wrong"),
    "a negative lambda": (uce(**{"lambda": -0.5}), "spec.parameters.lambda is wrong"),
    "a lambda that is no number": (
        uce(**{"lambda": float("nan")}),
        "spec.parameters.lambda",
    ),
    "an endless lambda": (uce(**{"lambda": float("inf")}), "spec.parameters.lambda"),
    "a lambda in words": (uce(**{"lambda": "much"}), "spec.parameters.lambda"),
    "a negative preserve_scale": (
        uce(preserve_scale=-1),
        "spec.parameters.preserve_scale is wrong",
    ),
    "an alpha of emcid that leaves no prior": (
        {
            "method": "emcid",
            "concepts": [pair("kora", "art")],
            "parameters": {"alpha": 1.0},
        },
        "spec.parameters.alpha is wrong",
    ),
    "a layer the encoder has not": (
        {
            "method": "refact",
            "concepts": [pair("kora", "art")],
            "parameters": {"layer": 2, "prior": "identity"},
        },
        "spec.parameters.layer",
    ),
    "ratios that do not sum to one": (
        debias(0.5, 0.4),
        "expected ratios that sum to 1",
    ),
    "a ratio above one": (debias(1.5, -0.5), "a ratio between 0 and 1"),
    "a debias without alpha": (
        {**debias(0.5, 0.5), "attributes": None},
        "debias needs attributes",
    ),
    "a moderation by emcid": (
        {"action": "moderate", "method": "emcid", "concepts": [pair("kora")]},
        "spec.action is wrong: expected debias or erase or update with method emcid",
    ),
}


@pytest.mark.parametrize("case", sorted(BAD))
def test_solve_refuses(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, model: Path, case: str
) -> None:
    spec, message = BAD[case]
    path = request_file(tmp_path, **spec)
    code = run(
        [
            *("solve", "--model", str(model), "--request", str(path)),
            *("--output", str(tmp_path / "out"), "--json"),
        ]
    )
    error = json.loads(capsys.readouterr().out)["error"]
    assert (code, error["exit_code"]) == (2, 2), error
    assert message in error["message"] + error["hint"]
    assert sorted(item.name for item in tmp_path.iterdir()) == ["request.yaml"]


def many(folder: Path, count: int) -> Path:
    """So many different concepts of three words each."""
    words = [word for word in tiny.WORDS if word != "art"]
    texts = itertools.islice(itertools.permutations(words, 3), count)
    rows = "".join(f"{' '.join(text)},art\n" for text in texts)
    (folder / "concepts.csv").write_text("source,destination\n" + rows)
    return request_file(folder, concepts_file="concepts.csv", action="erase")


@pytest.mark.parametrize(("count", "code"), [(10_000, 0), (10_001, 2)])
def test_ten_thousand_concepts_are_solved_and_no_more(
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    model: Path,
    count: int,
    code: int,
) -> None:
    path = many(tmp_path, count)
    found = run(
        [
            *("solve", "--model", str(model), "--request", str(path)),
            *("--output", str(tmp_path / "out"), "--json"),
        ]
    )
    said = json.loads(capsys.readouterr().out)
    assert found == code, said
    if code:
        assert "at most 10,000 concepts, found 10,001" in said["error"]["message"]
        assert not (tmp_path / "out").exists()
    else:
        assert len(said["certificate"]) == count
