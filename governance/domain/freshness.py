"""A signed statement may be entered once.

Every statement names the head its signer saw. One that does not hold the signer's own
last statement is an old one, entered again, or was signed beside it.
"""

from collections.abc import Mapping

from governance.domain.event import Event
from governance.domain.state import WorkspaceState


def statement_of(event: Event) -> Mapping[str, object] | None:
    """Return the statement that an event records, where it records one."""
    statement = getattr(event, "statement", None)
    return statement if isinstance(statement, Mapping) else None


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
