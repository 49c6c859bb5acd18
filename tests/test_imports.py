"""The faces start fast because nothing heavy is imported before it is needed."""

import subprocess
import sys

import pytest

HEAVY = {"torch", "numpy", "diffusers", "transformers", "scipy"}


@pytest.mark.parametrize(
    ("module", "forbidden"),
    [
        ("governance.cli.commands", HEAVY | {"textual", "sqlalchemy", "pydantic"}),
        ("governance.tui.app", HEAVY),
        ("governance.wiring", HEAVY | {"textual"}),
        ("governance.miniature", HEAVY | {"textual", "sqlalchemy"}),
        ("governance.domain.fold", HEAVY | {"textual", "sqlalchemy", "pydantic"}),
    ],
)
def test_importing_a_face_loads_nothing_heavy(module: str, forbidden: set[str]) -> None:
    code = f"import sys, {module}; print(*sorted(set(sys.modules)))"
    done = subprocess.run(  # noqa: S603 - this interpreter, our own code
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert forbidden.isdisjoint(done.stdout.split())
