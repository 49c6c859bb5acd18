"""Finished cells outlive a kill, and a file that is none is refused."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from governance.errors import UsageError
from governance.evaluation.cells import Cells

WRITER = """
import sys
from pathlib import Path
from governance.evaluation.cells import Cells
cells = Cells(Path(sys.argv[1]))
number = 0
while True:
    cells.keep({f"{number}.{part}": part for part in range(3)})
    print(number, flush=True)
    number += 1
"""


def test_a_cell_is_found_by_another_run(tmp_path: Path) -> None:
    file = tmp_path / "folder" / "cells.sqlite3"
    first = Cells(file)
    first.keep({"a": True, "b": {"seconds": 1.5, "refused": None}})
    first.close()
    again = Cells(file)
    assert again.found(["a", "b", "c"]) == {
        "a": True,
        "b": {"seconds": 1.5, "refused": None},
    }


def test_more_cells_than_one_query_takes_are_found(tmp_path: Path) -> None:
    cells = Cells(tmp_path / "cells.sqlite3")
    many = {str(number): number % 2 == 0 for number in range(1_700)}
    cells.keep(many)
    assert cells.found(many) == many


def test_a_killed_run_leaves_every_batch_whole_or_absent(tmp_path: Path) -> None:
    file = tmp_path / "cells.sqlite3"
    child = subprocess.Popen(  # noqa: S603 - this interpreter, our own code
        [sys.executable, "-c", WRITER, str(file)], stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    told = -1
    for line in child.stdout:
        told = int(line)
        if told == 20:
            os.kill(child.pid, signal.SIGKILL)
            break
    child.wait()
    child.stdout.close()
    cells = Cells(file)
    for number in range(told + 50):
        found = cells.found(f"{number}.{part}" for part in range(3))
        assert len(found) == 3 or (number > told and not found)


def test_two_runs_may_share_a_file(tmp_path: Path) -> None:
    file = tmp_path / "cells.sqlite3"
    one, other = Cells(file), Cells(file)
    one.keep({"a": True})
    other.keep({"b": False})
    assert one.found(["a", "b"]) == other.found(["a", "b"]) == {"a": True, "b": False}


def test_a_file_that_holds_no_cells_is_refused_and_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "cells.sqlite3"
    file.write_bytes(b"a letter to nobody" * 100)
    with pytest.raises(UsageError, match="cannot be used for finished cells"):
        Cells(file)
    assert file.read_bytes() == b"a letter to nobody" * 100
