"""One tiny model of random weights for all benchmark tests."""

from pathlib import Path

import pytest

from governance.benchmark.model import model_folder
from governance.benchmark.shapes import TINY


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("benchmark") / "tiny"
    return model_folder(TINY, place, lambda _done, _total: None)
