"""A second process that takes the part of an audit that needs no state.

It checks form, requests and evidence of entries and verifies signatures. It is handed
the payloads that were hashed: nothing is read from the log a second time.
"""

import gc
import os
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import BrokenExecutor, Future
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

from governance.domain.event import Document
from governance.errors import GovernanceError, IntegrityError
from governance.ledger.entry import Entry, read_entry
from governance.runners.pool import WorkerPool
from governance.service.apart import Apart, Needed
from governance.service.authority import Claim, check_claim
from governance.service.fields import table
from governance.service.workspace import Workspace

SHORT = 5000
"""Entries up to which starting a process takes longer than it saves."""
_BATCH = 500
_BUSY = 3
"""Batches that wait before the first process verifies signatures itself."""
_WAITING = 12
"""Batches that wait before the first process does."""


class Cited(NamedTuple):
    """A claim without its statement, which a payload handed over with it holds."""

    at: int
    claim: Claim


class Work(NamedTuple):
    """Payloads that follow those handed over before, and signatures."""

    payloads: Sequence[bytes]
    cited: Sequence[Cited] = ()
    claims: Sequence[Claim] = ()
    needed: Sequence[Needed] = ()


def worth_helping(workspace: Workspace) -> bool:
    """Say whether a ledger is long enough, and a second core there."""
    if len(os.sched_getaffinity(0)) < 2:
        return False
    try:
        return workspace.ledger.head().size > SHORT
    except IntegrityError:
        return False


def _second_process(audit: str, objects: Path, work: Work) -> bool:
    """Do as :func:`all_right`, in a process that does nothing else."""
    gc.disable()  # As in the first, but to the end.
    return all_right(audit, objects, work)


_lookers: dict[str, Apart] = {}
"""In the second process: who looks at entries there, by audit; there is one."""


def all_right(audit: str, objects: Path, work: Work) -> bool:
    """Say whether entries are as they should be, as far as they alone can tell.

    Args:
        audit: Which audit, so that requests of earlier entries are at hand.
        objects: Folder of the object store.
        work: Payloads and signatures.
    """
    if audit not in _lookers:
        _lookers[audit] = Apart(objects)
    looker = _lookers[audit]
    try:
        entries = [looker.look(payload) for payload in work.payloads]
        cited = [
            claim._replace(said=table(entries[at].data, "statement"))
            for at, claim in work.cited
        ]
        enough = all(looker.enough(needed) for needed in work.needed)
    except GovernanceError:
        return False
    return enough and all_verify((*cited, *work.claims))


def all_verify(claims: Iterable[Claim]) -> bool:
    """Say whether signatures are theirs."""
    try:
        for claim in claims:
            check_claim(claim)
    except GovernanceError:
        return False
    return True


@contextmanager
def uncollected() -> Iterator[None]:
    """Keep the garbage collector from looking through a growing state in vain.

    A fold makes no cycles, and keeps nearly all it makes.
    """
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


class Helper:
    """Hands work to a second process, and shares it while that one is busy.

    Args:
        objects: Folder of the object store.
    """

    def __init__(self, objects: Path) -> None:
        self._objects = objects
        self._pool = WorkerPool(1)
        self._fine = True
        self._payloads: list[bytes] = []
        self._claims: list[tuple[int, Claim]] = []
        self._needed: list[Needed] = []
        self._newest: Document = {}
        self._running: deque[Future[bool]] = deque()

    def __enter__(self) -> Self:
        """Return the helper; its process starts with the first work."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop the process."""
        self._pool.close()

    def read(self, payload: bytes) -> Entry:
        """Read an entry, and have it looked at.

        Args:
            payload: Bytes as they were hashed; the log's first, or the one that
                follows the one before.

        Raises:
            IntegrityError: It is no entry.
        """
        if len(self._payloads) >= _BATCH:
            self._hand_over()
        entry = read_entry(payload)
        self._payloads.append(payload)
        self._newest = entry.data
        return entry

    def claim(self, claim: Claim) -> None:
        """Have a signature verified.

        Args:
            claim: A signature in the entry that was read last.
        """
        cited = claim.said is self._newest.get("statement")
        self._claims.append((len(self._payloads) - 1 if cited else -1, claim))

    def enough(self, needed: Needed) -> None:
        """Have it checked that approvals were as many as the requests ask for.

        Args:
            needed: What counted, for edits whose entries were read.
        """
        self._needed.append(needed)

    def all_fine(self) -> bool:
        """Wait until everything is checked; say whether all of it was right."""
        self._hand_over()
        while self._running and self._fine:
            self._take_back()
        return self._fine

    def _hand_over(self) -> None:
        payloads, claims, needed = self._payloads, self._claims, self._needed
        self._payloads, self._claims, self._needed = [], [], []
        while self._running and (
            self._running[0].done() or len(self._running) >= _WAITING
        ):
            self._take_back()
        if not self._fine:
            return
        if len(self._running) >= _BUSY:
            self._fine = all_verify(claim for _, claim in claims)
            claims = []
        work = Work(
            payloads,
            [Cited(at, claim._replace(said="")) for at, claim in claims if at >= 0],
            [claim for at, claim in claims if at < 0],
            needed,
        )
        try:
            running = self._pool.start(
                _second_process, str(id(self)), self._objects, work
            )
            self._running.append(running)
        except BrokenExecutor:
            self._fine = False

    def _take_back(self) -> None:
        done = self._running.popleft()
        # Whatever went wrong there, who looks alone will see it too, or find no fault.
        self._fine = done.exception() is None and done.result() and self._fine
