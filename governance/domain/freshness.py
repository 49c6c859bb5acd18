"""A signed statement may be entered once.

Every statement names the head its signer saw. One that does not hold the signer's own
last statement is an old one, entered again, or was signed beside it.
"""

from governance.domain.event import Document, Event
from governance.domain.state import WorkspaceState


def statement_of(event: Event) -> Document | None:
    """Return the statement that an event records, where it records one."""
    statement: Document | None = getattr(event, "statement", None)
    return statement


def unseen(state: WorkspaceState, signer: str, size: int) -> int:
    """Return the entry of a signer's last statement that they had not seen.

    Args:
        state: The state before the statement's entry.
        signer: Principal.
        size: Entries of the head the statement says they saw.

    Returns:
        Its sequence, or 0 where they had seen all they signed.
    """
    last = state.signed.get(signer, 0)
    return last if last > size else 0
