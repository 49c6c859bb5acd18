from pathlib import Path

import pytest

from tests.checks.fakes import FakeJudge
from tests.evaluation.bench import CountingDrawer, FakeEditor

CSV = """old,new,positive1,gt1,negative1,gn1,negative2,gn2
a rose,a blue rose,photo of a rose,photo of a blue rose,a lemon,a blue lemon,a red car,a blue car
a lemon,a green lemon,photo of a lemon,photo of a green lemon,a rose,a green rose,a car,a green car
"""


@pytest.fixture
def timed(tmp_path: Path) -> Path:
    file = tmp_path / "timed.csv"
    file.write_text(CSV, encoding="utf-8")
    return file


@pytest.fixture
def drawer() -> CountingDrawer:
    return CountingDrawer(FakeJudge())


@pytest.fixture
def editor(drawer: CountingDrawer, monkeypatch: pytest.MonkeyPatch) -> FakeEditor:
    found = FakeEditor(drawer)
    monkeypatch.setattr("governance.evaluation.editing.solve_jointly", found.solution)
    monkeypatch.setattr("governance.evaluation.editing.unstored", found.unstored)
    monkeypatch.setattr("governance.evaluation.editing.tensor_bytes", lambda _: b"")
    return found
