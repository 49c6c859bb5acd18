"""The command line on a workspace with three people and light parts."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from governance.cli.run import run
from governance.service.ports import Parts
from tests.service.fakes import FakeSolver, fake_parts
from tests.service.house import House, build


@dataclass
class Said:
    """What one command line did."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Line = Callable[..., Said]


@pytest.fixture
def parts() -> Parts:
    return fake_parts()


@pytest.fixture
def solver(parts: Parts) -> FakeSolver:
    assert isinstance(parts.solver, FakeSolver)
    return parts.solver


@pytest.fixture
def house(tmp_path: Path, parts: Parts, monkeypatch: pytest.MonkeyPatch) -> House:
    monkeypatch.setattr("governance.wiring.real_parts", lambda: parts)
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    return build(tmp_path, parts)


@pytest.fixture
def line(house: House, capsys: pytest.CaptureFixture[str]) -> Line:
    """Type a command line as somebody; ``who`` is ana unless said."""

    def typed(*words: object, who: str = "ana") -> Said:
        arguments = [
            *("--workspace", str(house.settings.workspace)),
            *("--as", who, "--key", str(house.keys[who])),
            *(str(word) for word in words),
        ]
        code = run(arguments)
        captured = capsys.readouterr()
        return Said(code, captured.out, captured.err)

    return typed
