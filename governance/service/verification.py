"""Verify: re-hash every entry, object and signature, and name the first that is off."""

from pathlib import Path

from governance.domain.change_events import ChangeSigned
from governance.domain.events import (
    EditReverted,
    Event,
    SignOffGiven,
    SnapshotRestored,
    parse_event,
)
from governance.domain.freshness import unseen
from governance.domain.releasing import TensorsReleased
from governance.domain.rollback import RollbackSigned, RollbackWithdrawn
from governance.domain.signoff import Head
from governance.domain.state import WorkspaceState
from governance.errors import GovernanceError, IntegrityError
from governance.ledger.checkpoint import Held
from governance.ledger.entry import Entry, parse_entry
from governance.ledger.merkle import EMPTY_ROOT
from governance.ledger.rows import Position
from governance.service.audit_helper import Helper, uncollected, worth_helping
from governance.service.book import Book
from governance.service.collecting import absent, check_release
from governance.service.custody import kept_checkpoint, own_heads, proven
from governance.service.entry_checks import check_entry
from governance.service.fields import table, text, whole
from governance.service.kept_heads import kept_notes, kept_problem
from governance.service.ledger_key import key_problem, recorded_key
from governance.service.missing import missing_notes, missing_parts
from governance.service.model_key import public_problem
from governance.service.signers_file import signers_problem
from governance.service.views import HeadView, LedgerVerdict
from governance.service.workspace import Workspace

_SEEN = (
    SignOffGiven,
    ChangeSigned,
    RollbackSigned,
    RollbackWithdrawn,
    EditReverted,
    SnapshotRestored,
)
"""Events whose statement says which head its signer saw."""

_RECENT = 1024
"""Heads kept at hand: a signer has usually seen one of the last."""


def verify(workspace: Workspace, against: Path | None = None) -> LedgerVerdict:
    """Recompute everything the ledger says and cites, in one pass.

    Args:
        workspace: The workspace.
        against: A checkpoint somebody kept; the ledger must continue it.

    Returns:
        Whether all of it holds, else the first entry that does not, and why.

    Raises:
        IntegrityError: What was kept is no checkpoint of this ledger.
    """
    held = None if against is None else kept_checkpoint(workspace, against)
    with uncollected():
        return _verified(workspace, held)


def _verified(workspace: Workspace, held: Held | None) -> LedgerVerdict:
    if worth_helping(workspace):
        with Helper(workspace.layout.objects) as helper:
            verdict = _verdict(workspace, held, helper)
            if verdict.ok and helper.all_fine():
                return verdict
    # Something is off, or help failed. Who looks alone finds what is off first.
    return _verdict(workspace, held)


def _verdict(
    workspace: Workspace, held: Held | None, helper: Helper | None = None
) -> LedgerVerdict:
    """Look through the whole ledger, with help or alone."""
    audit = Audit(workspace, helper)
    own, forged = own_heads(workspace)
    known = own if held is None else (*own, held)
    report = workspace.ledger.verify(
        known, audit.visit, parse_entry if helper is None else helper.read
    )
    head = HeadView(report.head.size, report.head.root)
    if report.first_bad is not None:
        bad = report.first_bad
        return _broken(report.entries, head, bad.sequence, bad.problem)
    audit.name_lost()
    if audit.first_bad:
        parts = missing_parts(workspace, audit.book.state)
        message = "; ".join(filter(None, (audit.problem, parts)))
        return _broken(report.entries, head, audit.first_bad, message)
    message = "; ".join(filter(None, (forged, audit.beside())))
    kept = None if held is None else proven(workspace, held, report.head)
    lacking = missing_notes(workspace, audit.book.state)
    notes = (*kept_notes(workspace, audit.seen), *lacking)
    return LedgerVerdict(not message, report.entries, head, None, message, kept, notes)


def _broken(entries: int, head: HeadView, at: int, message: str) -> LedgerVerdict:
    return LedgerVerdict(
        ok=False, entries=entries, head=head, first_bad=at, message=message
    )


class Audit:
    """Everything checked again, entry by entry, from an empty state.

    Args:
        workspace: The workspace.
        helper: Takes the part that needs no state, where there is one.
    """

    def __init__(self, workspace: Workspace, helper: Helper | None = None) -> None:
        self._helper = helper
        self.workspace = workspace.auditing()
        self.book = Book()
        self.first_bad = 0
        self.problem = ""
        self.seen: set[int] = set()
        self._lacking: dict[str, int] = {}
        self._recent: dict[int, Position] = {}
        self._mark = workspace.marks.at()
        self._mark_problem = ""

    def visit(self, entry: Entry, position: Position) -> None:
        """Check one entry, unless one before it was off.

        Args:
            entry: The entry; its bytes are what was appended.
            position: Where the log stands behind it.
        """
        if self.first_bad:
            return
        before, missing = self.book, set[str]()
        try:
            event = parse_event(entry.event, entry.data)
            self.book = before.following(event, entry)
            check_entry(
                self.workspace,
                before.state,
                self.book.state,
                event,
                entry,
                missing,
                self._helper,
            )
            if isinstance(event, TensorsReleased):
                check_release(before, event)
            self._check_head(before.state, event, entry)
        except GovernanceError as error:
            self.first_bad, self.problem = entry.sequence, error.message
        for digest in missing:
            self._lacking.setdefault(digest, entry.sequence)
        self._remember(position)
        if position.size == self._mark:
            head = Head(position.size, position.frontier.root.hex())
            self._mark_problem = self.workspace.marks.problem(self.book, head)

    def name_lost(self) -> None:
        """Tell lost tensors from those that gc gave back, once all is folded."""
        if self.first_bad or not self._lacking:
            return
        try:
            given_back = absent(self.workspace.store, self.book)
        except GovernanceError as error:
            self.first_bad, self.problem = min(self._lacking.values()), error.message
            return
        lost = sorted(
            (sequence, digest)
            for digest, sequence in self._lacking.items()
            if digest not in given_back
        )
        for sequence, digest in lost[:1]:
            self.first_bad = sequence
            self.problem = f"object {digest} is not in the store"

    def beside(self) -> str:
        """Name what lies beside the ledger and is not what its entries say."""
        layout = self.workspace.layout
        readonly = self.workspace.settings.readonly
        recorded = recorded_key(self.workspace.ledger)
        mark = self._mark_problem or self.workspace.marks.excess(self.book.state.size)
        found = (
            key_problem(layout, recorded, readonly=readonly),
            signers_problem(layout, self.book.state.roster),
            public_problem(layout, self.book.state.signing_keys),
            mark,
            kept_problem(self.workspace, self.book.state.size),
        )
        return "; ".join(filter(None, found))

    def _remember(self, position: Position) -> None:
        size = position.size
        self._recent[size] = position
        self._recent.pop(size - _RECENT, None)

    def _check_head(self, before: WorkspaceState, event: Event, entry: Entry) -> None:
        """Check the head a statement says its signer saw: of this log, and not old."""
        if not isinstance(event, _SEEN):
            return
        head = table(event.statement, "head")
        size = whole(head, "size")
        self.seen.add(size)
        found = self._root(size) if 0 <= size < entry.sequence else "none"
        if found != text(head, "root"):
            raise IntegrityError(
                f"its signer saw another log: the first {size} entries had root "
                f"{text(head, 'root')[:16]}, found {found[:16]}"
            )
        if last := unseen(before, entry.actor, size):
            raise IntegrityError(
                f"its signer had seen {size} entries, but signed entry {last}: an old "
                "statement was entered again"
            )

    def _root(self, size: int) -> str:
        """Return the root after so many entries, all of them hashed by now."""
        if not size:
            return EMPTY_ROOT.hex()
        if size in self._recent:
            return self._recent[size].frontier.root.hex()
        return self.workspace.ledger.head_at(size).root
