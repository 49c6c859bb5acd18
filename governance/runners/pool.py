"""A pool of one-thread child processes that never outlives its owner."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.connection import wait
from typing import Any, TypeVar

from governance.errors import GovernanceError

Result = TypeVar("Result")

# Small tensors: threads inside a worker only wait for each other, and their
# number changes the last bits of a result.
_ONE_THREAD = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


class WorkerLostError(GovernanceError):
    """A worker process died in the middle of its work."""


class WorkerPool:
    """Runs picklable tasks in child processes, started when first needed.

    Args:
        workers: Number of processes; every core where omitted.
    """

    def __init__(self, workers: int | None = None) -> None:
        self.workers = workers or os.cpu_count() or 1
        self._executor: ProcessPoolExecutor | None = None

    def run(
        self, work: Callable[..., Result], tasks: Sequence[tuple[Any, ...]]
    ) -> Iterator[tuple[int, Result]]:
        """Run tasks; yield each one's number and result as they finish.

        Args:
            work: A function of a module, called with each task's values.
            tasks: Arguments of each call.

        Yields:
            Number of the task, and what ``work`` returned for it.

        Raises:
            WorkerLostError: A process died; nothing is retried.
        """
        executor = self._started()
        futures: dict[Future[Result], int] = {}
        try:
            # A worker that died since the last run is noticed as work is handed in.
            for number, task in enumerate(tasks):
                futures[executor.submit(work, *task)] = number
            for future in as_completed(futures):
                yield futures[future], future.result()
        except BrokenProcessPool as error:
            self._executor = None
            raise WorkerLostError(
                "a worker process died in the middle of its work; expected it to "
                "finish, found it gone",
                "Usually memory ran out: close other programs and run again.",
            ) from error
        finally:
            for future in futures:
                future.cancel()

    def start(
        self,
        work: Callable[..., Result],
        *values: Any,  # noqa: ANN401
    ) -> "Future[Result]":
        """Start one task.

        Args:
            work: A function of a module.
            values: Its arguments.

        Returns:
            What it will return; ``BrokenExecutor`` where its process died.
        """
        return self._started().submit(work, *values)

    def close(self) -> None:
        """Let running tasks end and stop the processes."""
        if self._executor is not None:
            self._executor.shutdown(wait=True, cancel_futures=True)
            self._executor = None

    def _started(self) -> ProcessPoolExecutor:
        if self._executor is None:
            for name in _ONE_THREAD:
                os.environ.setdefault(name, "1")
            self._executor = ProcessPoolExecutor(
                self.workers,
                mp_context=multiprocessing.get_context("spawn"),
                initializer=_prepare_worker,
            )
        return self._executor


def _prepare_worker() -> None:
    # Ctrl-C reaches the whole group: the owner decides, workers follow it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    threading.Thread(target=_die_with_owner, daemon=True).start()


def _die_with_owner() -> None:
    owner = multiprocessing.parent_process()
    if owner is not None:
        wait([owner.sentinel])
        os._exit(1)
