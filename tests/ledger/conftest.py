"""Ledgers to try things on."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from governance.ledger.database import sqlite_url
from governance.ledger.log import Ledger

# How long an example takes says more about the machine than about the code.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")

NOW = "2026-03-01T12:00:00Z"


def fill(ledger: Ledger, count: int) -> None:
    """Append ``count`` entries, one transaction each."""
    for number in range(count):
        ledger.append("ThingHappened", "ada", {"number": number}, now=NOW)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "ledger.db"


@pytest.fixture
def ledger(file: Path) -> Iterator[Ledger]:
    with Ledger.open(sqlite_url(file), create=True) as opened:
        yield opened


def vectors(name: str) -> list[dict[str, Any]]:
    """Return the public proof vectors, or skip."""
    folder = Path(os.environ.get("GOVERNANCE_TEST_DATA", "../shared/data"))
    path = folder / "merkle" / name
    if not path.is_file():
        pytest.skip(f"no public test data: {path} is absent (GOVERNANCE_TEST_DATA)")
    loaded: list[dict[str, Any]] = json.loads(path.read_text())
    return loaded
