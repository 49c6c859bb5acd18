"""A fresh workspace on light parts for every story."""

from pathlib import Path

import pytest

from governance.service.ports import Parts
from tests.service.fakes import (
    FakeChecker,
    FakeExporter,
    FakeModels,
    FakeSolver,
    FakeStatistics,
)
from tests.service.house import House, build


@pytest.fixture
def solver() -> FakeSolver:
    return FakeSolver()


@pytest.fixture
def checker() -> FakeChecker:
    return FakeChecker()


@pytest.fixture
def exporter() -> FakeExporter:
    return FakeExporter()


@pytest.fixture
def parts(solver: FakeSolver, checker: FakeChecker, exporter: FakeExporter) -> Parts:
    return Parts(FakeModels(), solver, checker, exporter, FakeStatistics())


@pytest.fixture
def house(tmp_path: Path, parts: Parts) -> House:
    return build(tmp_path, parts)
