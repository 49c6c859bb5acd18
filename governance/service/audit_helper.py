"""A second process that takes the part of an audit that needs no state.

It checks the form of payloads and verifies signatures, both from what it is handed
alone. What it is handed is what was hashed: nothing is read a second time.
"""

import os
from collections import deque
from collections.abc import Sequence
from concurrent.futures import BrokenExecutor, Future
from types import TracebackType
from typing import Self

from governance.errors import GovernanceError, IntegrityError
from governance.ledger.entry import Entry, is_as_read, read_entry
from governance.runners.pool import WorkerPool
from governance.service.authority import Claim, check_claim
from governance.service.workspace import Workspace

SHORT = 5000
"""Entries up to which starting a process takes longer than it saves."""
_BATCH = 500
_WAITING = 3


def worth_helping(workspace: Workspace) -> bool:
    """Say whether a ledger is long enough, and a second core there."""
    if len(os.sched_getaffinity(0)) < 2:
        return False
    try:
        return workspace.ledger.head().size > SHORT
    except IntegrityError:
        return False


def all_right(payloads: Sequence[bytes], claims: Sequence[Claim]) -> bool:
    """Say whether payloads are entries in their one form, and signatures verify.

    Args:
        payloads: Payloads of entries.
        claims: Signatures.
    """
    try:
        for claim in claims:
            check_claim(claim)
    except GovernanceError:
        return False
    return all(map(is_as_read, payloads))


class Helper:
    """Hands work to a second process, and does it itself while that one is busy."""

    def __init__(self) -> None:
        self._pool = WorkerPool(1)
        self._fine = True
        self._payloads: list[bytes] = []
        self._claims: list[Claim] = []
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
        """Read an entry, and have the form of its payload checked.

        Raises:
            IntegrityError: It is no entry.
        """
        self._payloads.append(payload)
        if len(self._payloads) >= _BATCH:
            self._hand_over()
        return read_entry(payload)

    def claim(self, claim: Claim) -> None:
        """Have a signature verified."""
        self._claims.append(claim)

    def all_fine(self) -> bool:
        """Wait until everything is checked; say whether all of it was right."""
        self._hand_over()
        while self._running and self._fine:
            self._take_back()
        return self._fine

    def _hand_over(self) -> None:
        work = (self._payloads, self._claims)
        self._payloads, self._claims = [], []
        while self._running and self._running[0].done():
            self._take_back()
        if not self._fine:
            return
        if len(self._running) >= _WAITING:
            self._fine = all_right(*work)
            return
        try:
            self._running.append(self._pool.start(all_right, *work))
        except BrokenExecutor:
            self._fine = False

    def _take_back(self) -> None:
        try:
            self._fine = self._running.popleft().result() and self._fine
        except BrokenExecutor:
            self._fine = False
