"""Sign each head, and refuse to build on a log that contradicts the last one signed."""

from sqlalchemy import Connection

from governance.domain.signoff import Head
from governance.errors import IntegrityError
from governance.ledger.checkpoint import Held, beyond, disagreement
from governance.ledger.notary import Notary
from governance.ledger.notes import insert_note, newest_size
from governance.ledger.rows import position_at
from governance.ledger.transaction import head_of


def check_extends(connection: Connection, notary: Notary, head: Head) -> None:
    """Refuse to append to a log that was cut off, rewritten or added to.

    Otherwise the next checkpoint would sign the attack.

    Args:
        connection: A connection in a write transaction.
        notary: The ledger's notary.
        head: The log's head.

    Raises:
        IntegrityError: If the log does not extend the checkpoint in the file, or goes
            beyond the newest one in the database.
    """
    newest = newest_size(connection)
    # Entries and their head are signed in one commit. A log from before the database
    # kept any has none.
    if newest is not None and newest < head.size:
        added = (
            f"its newest signed head is of entry {newest}, and there are {head.size}: "
            "they were added without the ledger's key, or signed heads were removed"
        )
        raise _changed(added)
    kept = notary.kept()
    if kept is None or kept == head:
        return
    held = Held(kept, f"the checkpoint {notary.file}")
    problem = beyond([held], head.size)
    if problem is None:
        problem = disagreement(held, head_of(position_at(connection, kept.size)))
    if problem is not None:
        raise _changed(problem)


def _changed(problem: str) -> IntegrityError:
    message = f"nothing is appended to a ledger that was changed: {problem}"
    return IntegrityError(message, "Run `governance ledger verify`; restore a backup.")


def sign_head(connection: Connection, notary: Notary, head: Head) -> str:
    """Sign the head behind what was appended, and keep it with the entries.

    Args:
        connection: The write transaction's connection.
        notary: The ledger's notary.
        head: Its head.

    Returns:
        The checkpoint; for the file, once the entries are committed.
    """
    note = notary.sign(head)
    insert_note(connection, head, note)
    return note
