"""Work runs in children: same results however many, and a lost one is an error."""

import operator
import os
import signal
import subprocess
import sys
from collections.abc import Generator, Iterator
from contextlib import closing
from pathlib import Path
from typing import cast

import pytest

from governance.domain.events import parse_event
from governance.errors import ExitCode, IntegrityError
from governance.runners.pool import WorkerLostError, WorkerPool

# The workers inherit this program's stdout: it reaches its end only when the last of
# them is gone. It dies as from a lost terminal or an exhausted memory, unannounced.
DYING_OWNER = """
import os, signal
from governance.runners.pool import WorkerPool

if __name__ == "__main__":
    pool = WorkerPool(2)
    for _, worker in pool.run(os.getpid, [(), ()]):
        print(worker, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture(scope="module")
def pool() -> Iterator[WorkerPool]:
    made = WorkerPool(1)
    yield made
    made.close()


def test_results_do_not_depend_on_the_number_of_workers(pool: WorkerPool) -> None:
    tasks = [(number, 3) for number in range(20)]
    two = WorkerPool(2)
    try:
        alone = dict(pool.run(operator.pow, tasks))
        together = dict(two.run(operator.pow, tasks))
    finally:
        two.close()
    assert alone == together == {number: number**3 for number in range(20)}


def test_work_runs_in_another_process_with_one_thread(pool: WorkerPool) -> None:
    [(_, worker)] = pool.run(os.getpid, [()])
    assert worker != os.getpid()
    [(_, threads)] = pool.run(os.getenv, [("OMP_NUM_THREADS",)])
    assert threads == "1"


def test_an_error_of_the_work_keeps_its_words_and_its_exit_code(
    pool: WorkerPool,
) -> None:
    with pytest.raises(IntegrityError, match="unknown event 'Nothing'") as caught:
        list(pool.run(parse_event, [("Nothing", {})]))
    assert caught.value.exit_code is ExitCode.INTEGRITY
    assert caught.value.hint.startswith("Open this workspace with the program version")
    assert list(pool.run(operator.add, [(1, 2)])) == [(0, 3)]


def test_a_worker_killed_at_work_is_an_error_and_the_next_run_works(
    pool: WorkerPool,
) -> None:
    with pytest.raises(WorkerLostError, match="a worker process died in the middle"):
        list(pool.run(signal.raise_signal, [(signal.SIGKILL,)]))
    assert list(pool.run(operator.add, [(1, 2)])) == [(0, 3)]


def test_a_worker_killed_between_runs_is_an_error_and_the_next_run_works(
    pool: WorkerPool,
) -> None:
    [(_, worker)] = pool.run(os.getpid, [()])
    os.kill(worker, signal.SIGKILL)
    # The pool itself reaps its child; its sentinel tells when it is dead.
    executor = pool._executor
    assert executor is not None
    for process in list(executor._processes.values()):
        process.join()
    with pytest.raises(WorkerLostError, match="a worker process died"):
        # Whether the loss shows when work is handed in or when it is awaited.
        list(pool.run(operator.add, [(1, 2)]))
    assert list(pool.run(operator.add, [(1, 2)])) == [(0, 3)]


def test_a_run_that_is_abandoned_starts_nothing_more(
    pool: WorkerPool, tmp_path: Path
) -> None:
    folders = [tmp_path / str(number) for number in range(200)]
    run = pool.run(os.mkdir, [(str(folder),) for folder in folders])
    with closing(cast("Generator[object, None, None]", run)):
        next(run)
    assert list(pool.run(operator.add, [(1, 2)])) == [(0, 3)]
    assert sum(folder.exists() for folder in folders) < len(folders)


def test_a_closed_pool_leaves_no_process_behind() -> None:
    made = WorkerPool(2)
    workers = [worker for _, worker in made.run(os.getpid, [(), ()])]
    made.close()
    for worker in set(workers):
        with pytest.raises(ProcessLookupError):
            os.kill(worker, 0)


def test_workers_do_not_outlive_an_owner_that_is_killed(tmp_path: Path) -> None:
    script = tmp_path / "owner.py"
    script.write_text(DYING_OWNER, encoding="utf-8")
    root = Path(__file__).resolve().parents[2]
    # Returns only when every holder of stdout has ended, orphans included.
    ended = subprocess.run(  # noqa: S603 - our own interpreter and script
        [sys.executable, str(script)],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(root)},
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == -signal.SIGKILL
    assert len(ended.stdout.split()) == 2
