"""Read a log page by page, checking as it goes."""

from collections.abc import Iterator

from governance.ledger.database import Database
from governance.ledger.entry import Entry, parse_entry
from governance.ledger.rows import Parser, Position, count, follow, page, position_at


def follow_pages(
    database: Database, after: int, parse: Parser = parse_entry
) -> Iterator[tuple[Entry, Position]]:
    """Yield checked entries and the position behind each.

    Holds no transaction between pages, so a slow reader keeps nobody waiting; what
    was there at the first page is read to its end.

    Args:
        database: The log.
        after: Sequence to start behind.
        parse: Reads each payload.

    Raises:
        BadEntryError: At the first entry that is not what was appended.
    """
    with database.read() as connection:
        upto = count(connection)
        position = position_at(connection, min(after, upto))
        rows = page(connection, position.size, upto)
    while rows:
        for entry, reached in follow(rows, position, parse):
            position = reached
            yield entry, reached
        with database.read() as connection:
            rows = page(connection, position.size, upto)
