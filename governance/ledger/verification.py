"""Verify a log: hash everything again, and compare with heads that are held."""

from collections.abc import Callable, Iterable, Sequence
from typing import TypeAlias

from governance.errors import IntegrityError
from governance.ledger.checkpoint import Held, beyond, disagreement
from governance.ledger.database import Database
from governance.ledger.entry import Entry, parse_entry
from governance.ledger.notary import Notary
from governance.ledger.notes import changed_range, newest_head
from governance.ledger.reading import follow_pages
from governance.ledger.report import BadEntry, VerifyReport
from governance.ledger.rows import BadEntryError, Parser, Position, position_at
from governance.ledger.transaction import head_of

Visitor: TypeAlias = Callable[[Entry, Position], None]


def own_heads(database: Database, notary: Notary) -> list[Held]:
    """Return the newest heads the ledger signed itself.

    Raises:
        IntegrityError: If a checkpoint is not what the ledger's key signed.
    """
    with database.read() as connection:
        in_database = newest_head(connection, notary.public)
    heads = {
        f"the checkpoint {notary.file}": notary.kept(),
        "the database's newest checkpoint": in_database,
    }
    return [Held(head, name) for name, head in heads.items() if head is not None]


def verify_log(
    database: Database,
    notary: Notary | None,
    held: Iterable[Held],
    visit: Visitor | None = None,
    parse: Parser = parse_entry,
) -> VerifyReport:
    """Verify a log.

    Args:
        database: The log.
        notary: Its notary, whose own checkpoints are compared too; ``None`` where the
            ledger signs none.
        held: Heads somebody else holds.
        visit: Told about each entry once it is known to be what was appended, and
            where the log stands behind it.
        parse: Reads each payload; another one than the usual leaves the payloads' form
            to the caller.
    """
    known, forged = list(held), ""
    if notary is not None:
        try:
            known += own_heads(database, notary)
        except IntegrityError as error:
            forged = error.message
    position, bad = _compare(database, notary, known, visit or _ignore, parse)
    if bad is None and (problem := beyond(known, position.size)):
        bad = BadEntry(position.size + 1, problem)
    if bad is None and forged:
        bad = BadEntry(position.size, forged)
    return VerifyReport(
        ok=bad is None, entries=position.size, head=head_of(position), first_bad=bad
    )


def _compare(
    database: Database,
    notary: Notary | None,
    held: Sequence[Held],
    visit: Visitor,
    parse: Parser,
) -> tuple[Position, BadEntry | None]:
    """Walk through the log, up to the first entry or head that does not fit."""
    by_size: dict[int, list[Held]] = {}
    for one in held:
        by_size.setdefault(one.head.size, []).append(one)
    position = Position()
    try:
        for entry, reached in follow_pages(database, 0, parse):
            position = reached
            visit(entry, reached)
            for one in by_size.get(position.size, ()):
                problem = disagreement(one, head_of(position))
                if problem is not None:
                    return _locate(database, notary, position, problem)
    except BadEntryError as error:
        return position, BadEntry(error.sequence, error.problem)
    return position, None


def _ignore(_entry: Entry, _position: Position) -> None:
    """Take no notice of an entry."""


def _locate(
    database: Database, notary: Notary | None, position: Position, problem: str
) -> tuple[Position, BadEntry]:
    """Point at the rewritten entry, as closely as signed heads on the way allow."""
    first, last = 1, position.size
    with database.read() as connection:
        if notary is not None:
            first, last = changed_range(connection, notary.origin, position.size)
        before = position_at(connection, first - 1)
    where = "was rewritten" if first == last else f"or one up to {last} was rewritten"
    return before, BadEntry(first, f"{where}: {problem}")
