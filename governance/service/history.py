"""The workspace as it was: what was live then, under which policy, signed by whom."""

from datetime import UTC, datetime
from itertools import islice

from governance.domain.change import ChangeKind, ChangeState
from governance.domain.rollback import PendingRollback
from governance.domain.signoff import Signed
from governance.domain.state import EditRecord, WorkspaceState
from governance.errors import NotFoundError, UsageError
from governance.ledger.entry import timestamp
from governance.ledger.log import Ledger
from governance.ledger.rows import PAGE
from governance.service import records
from governance.service.book import Book
from governance.service.fields import table, text, whole
from governance.service.looking import reviewer_view
from governance.service.workspace import Workspace


def state_at(workspace: Workspace, time: str) -> records.StateView:
    """Return what was true at a time.

    Args:
        workspace: The workspace.
        time: RFC 3339; without an offset it is UTC.

    Returns:
        The state after the last entry recorded at that time or before. Entries count
        in the ledger's order, whatever the clock did between them.

    Raises:
        UsageError: It is no time.
        NotFoundError: The ledger began later.
    """
    at = _moment(time)
    size = _last_until(workspace.ledger, at)
    if not size:
        first = workspace.ledger.entry(1)
        raise NotFoundError(
            f"at {at} there was no workspace: its ledger begins at {first.time}",
            "Name a later time.",
        )
    book = _book_of(workspace, size)
    state = book.state
    return records.StateView(
        time=at,
        sequence=state.size,
        live={name: model.live for name, model in sorted(state.models.items())},
        edits=tuple(_edit(record) for _, record in sorted(state.edits.items())),
        policy=_policy(state),
        reviewers=tuple(
            reviewer_view(item)
            for item in state.roster.reviewers
            if item.active_at(state.size)
        ),
        activations=tuple(_activation(book, name) for name in sorted(state.models)),
        ahead=at > workspace.now(),
        rollbacks=tuple(_waiting(item) for item in state.rollbacks.values()),
    )


def _policy(state: WorkspaceState) -> records.PolicyThen:
    version = whole(state.policy, "version")
    brought = [
        record
        for record in state.changes.values()
        if record.kind is ChangeKind.POLICY
        and record.state is ChangeState.ACTIVE
        and record.subject["version"] == version
    ]
    return records.PolicyThen(
        name=text(state.policy, "name"),
        version=version,
        digest=text(state.policy, "digest"),
        change=brought[0].id if brought else None,
        signatures=tuple(_hand(item) for item in brought[0].signoffs)
        if brought
        else (),
    )


def _moment(time: str) -> str:
    try:
        moment = datetime.fromisoformat(time.strip())
        local = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
        return timestamp(local.astimezone(UTC))
    except (ValueError, OverflowError) as error:
        raise UsageError(
            f"--at {time[:40]!r}: expected a time such as 2026-03-01T12:00:00Z",
            "Write it as RFC 3339; without an offset it is UTC.",
        ) from error


def _last_until(ledger: Ledger, at: str) -> int:
    """Return the sequence of the last entry that is not later; 0 where none is.

    Looks from the end: a clock may have stepped back, so an entry may be later than
    one behind it.
    """
    end, count = ledger.head().size, 1
    while end:
        start = max(end - count, 0)
        found = 0
        for entry in islice(ledger.entries(after=start), end - start):
            if entry.time <= at:
                found = entry.sequence
        if found:
            return found
        end, count = start, min(2 * count, PAGE)
    return 0


def _book_of(workspace: Workspace, size: int) -> Book:
    """Fold the first entries, going on from what is folded already where it can be."""
    newest = workspace.book
    if newest.state.size == size:
        return newest
    marked = workspace.marks.resume()
    book = marked if marked.state.size <= size else Book()
    behind = workspace.ledger.entries(after=book.state.size)
    return book.after(islice(behind, size - book.state.size))


def _edit(record: EditRecord) -> records.EditThen:
    return records.EditThen(
        id=record.id,
        title=text(table(record.request, "metadata"), "title").strip(),
        model=record.model,
        state=record.state,
        digest=record.digest,
        proposer=record.proposer,
        signoffs=tuple(_hand(signed) for signed in record.signoffs),
        rollbacks=tuple(_hand(signed) for signed in record.rollbacks),
    )


def _waiting(pending: PendingRollback) -> records.RollbackThen:
    return records.RollbackThen(
        action=pending.wanted[0],
        model=pending.model,
        snapshot=pending.snapshot,
        edits=pending.leaving,
        signatures=tuple(_hand(signed) for signed in pending.signatures),
    )


def _activation(book: Book, model: str) -> records.Activation:
    """Say who signed for what is live on a model."""
    digest = book.state.models[model].live
    record = book.snapshots[(model, digest)]
    candidate = book.state.candidates.get(digest)
    signed = () if candidate is None else candidate.signoffs
    if record.rollback is not None:
        signed = (*record.cosigned, record.rollback)
    return records.Activation(
        model=model,
        snapshot=digest,
        edits=record.edits,
        signatures=tuple(_hand(item) for item in signed),
    )


def _hand(signed: Signed) -> records.Hand:
    said = signed.document
    return records.Hand(
        principal=signed.principal,
        key=signed.key,
        decision=str(said.get("decision", said.get("action", ""))),
        role=str(said.get("role", "")),
        time=signed.time,
    )
