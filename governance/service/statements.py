"""What every signature has in common: whether it counts, and where it is kept."""

from governance.domain.signoff import (
    ChangeStatement,
    RollbackStatement,
    Signed,
    Statement,
)
from governance.errors import PolicyRefusedError, WrongStateError
from governance.ledger.store import ObjectStore
from governance.policy.hands import LATER
from governance.policy.signoffs import Approval
from governance.service.identity import Identity

Signable = Statement | ChangeStatement | RollbackStatement


def as_signed(
    identity: Identity, statement: Signable, sequence: int, signature: str = ""
) -> Signed:
    """Return a statement as an entry of a sequence would hold it.

    Args:
        identity: Who signs.
        statement: What.
        sequence: The entry's.
        signature: Armored SSHSIG; empty while it is only weighed, before a key is asked.
    """
    return Signed(
        principal=identity.principal,
        key=identity.key,
        document=statement.document(),
        signature=signature,
        sequence=sequence,
        time=statement.time,
    )


def refuse_dismissed(approval: Approval, name: str, sequence: int) -> None:
    """Refuse an approval that would be recorded and count for nothing.

    Args:
        approval: What all approvals amount to, the newest one included.
        name: Id of the edit or change.
        sequence: Ledger sequence of the newest one.

    Raises:
        WrongStateError: This person, or this key, approved already, or the clock is
            behind somebody else's.
        PolicyRefusedError: The policy does not count it.
    """
    refuse_behind(approval, f"sign {name}")
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


def refuse_behind(approval: Approval, what: str) -> None:
    """Refuse to sign beside an approval that is later than now, and wait for others.

    Once the clock is past it, everybody would have signed and nobody could make it so.

    Args:
        approval: What all approvals amount to.
        what: What is signed, for messages.

    Raises:
        WrongStateError: If there is one.
    """
    for signed, reason in approval.dismissed if approval.missing else ():
        if reason == LATER:
            raise WrongStateError(
                f"{what}: {signed.principal!r} signed at {signed.time}, which is later "
                "than now by the clock here",
                "Nothing was recorded. Set the clock, or try again after that time; a "
                "new check, or a new proposal, begins without it.",
            )


def keep_statement(store: ObjectStore, statement: Signable, signature: str) -> None:
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
