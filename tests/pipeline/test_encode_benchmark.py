"""The benchmark of prefixes compares two ways to the same rows."""

import json
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import pytest

FILE = Path(__file__).parents[2] / "benchmarks" / "encode.py"


@pytest.fixture(scope="module")
def benchmark() -> ModuleType:
    spec = spec_from_file_location("encode_benchmark", FILE)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_prefixes_and_padded_prompts_give_the_same_rows(
    benchmark: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    benchmark.main(["--shape", "tiny", "--prompts", "150"])
    found = json.loads(capsys.readouterr().out)
    assert found.keys() >= {"prefix", "padded", "ratio", "threads", "difference"}
    assert found["prompts"] == 150
    assert 0 < found["difference"] <= 1e-6


def test_its_prompts_are_short_and_all_different(benchmark: ModuleType) -> None:
    texts = benchmark.prompts(1100)
    assert len(set(texts)) == 1100
    assert {len(text.split()) for text in texts} == {2, 3, 4, 5}
