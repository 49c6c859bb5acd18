"""Tiny pipelines, built once and copied by tests that change them."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from tests.pipeline.tiny import Family, build


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> dict[Family, Path]:
    root = tmp_path_factory.mktemp("tiny")
    return {
        "sd1": build(root / "sd1", "sd1"),
        "sd2": build(root / "sd2", "sd2", shard="40KB"),
        "sdxl": build(root / "sdxl", "sdxl"),
        "sd3": build(root / "sd3", "sd3"),
        "flux": build(root / "flux", "flux", shard="20KB"),
    }
