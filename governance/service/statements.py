"""What every signature has in common: whether it counts, and where it is kept."""

from governance.domain.signoff import ChangeStatement, RollbackStatement, Statement
from governance.errors import PolicyRefusedError, WrongStateError
from governance.ledger.store import ObjectStore
from governance.policy.signoffs import Approval


def refuse_dismissed(approval: Approval, name: str, sequence: int) -> None:
    """Refuse an approval that would be recorded and count for nothing.

    Args:
        approval: What all approvals amount to, the newest one included.
        name: Id of the edit or change.
        sequence: Ledger sequence of the newest one.

    Raises:
        WrongStateError: This person, or this key, approved already.
        PolicyRefusedError: The policy does not count it.
    """
    for signed, reason in approval.dismissed:
        if signed.sequence != sequence:
            continue
        if reason.startswith("a second approval"):
            raise WrongStateError(
                f"sign {name}: {signed.principal!r} approved this already",
                "Somebody else has to sign.",
            )
        raise PolicyRefusedError(
            f"sign {name}: an approval by {signed.principal!r} does not count: "
            f"{reason}",
            "Nothing was recorded. Somebody else has to sign.",
        )


def keep_statement(
    store: ObjectStore,
    statement: Statement | ChangeStatement | RollbackStatement,
    signature: str,
) -> None:
    """Keep a statement as an object, so that ``ssh-keygen -Y verify`` can be used.

    Called last in the transaction that records it: what is refused leaves nothing.

    Args:
        store: The objects.
        statement: What was signed.
        signature: Armored SSHSIG.

    Raises:
        LedgerError: The store cannot be written; nothing is recorded then.
    """
    store.put_bytes(statement.message())
    store.put_bytes(signature.encode("ascii"))
