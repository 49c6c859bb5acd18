"""A tiny pipeline of each kind, made once."""

from pathlib import Path

import pytest

from governance.pipeline.folder import PipelineFolder, open_pipeline
from tests.pipeline import tiny


@pytest.fixture(scope="session")
def sd1(tmp_path_factory: pytest.TempPathFactory) -> PipelineFolder:
    made: Path = tiny.build(tmp_path_factory.mktemp("stage-one") / "sd1", "sd1")
    return open_pipeline(made)


@pytest.fixture(scope="session")
def sdxl(tmp_path_factory: pytest.TempPathFactory) -> PipelineFolder:
    made: Path = tiny.build(tmp_path_factory.mktemp("stage-one") / "sdxl", "sdxl")
    return open_pipeline(made)


@pytest.fixture(scope="session")
def flux(tmp_path_factory: pytest.TempPathFactory) -> PipelineFolder:
    made: Path = tiny.build(tmp_path_factory.mktemp("stage-one") / "flux", "flux")
    return open_pipeline(made)
