"""The signed heads a database keeps: which of them ought to be there, and are not."""

from collections.abc import Collection

from governance.ledger.notary import CHECKPOINT
from governance.service.workspace import Workspace


def kept_problem(workspace: Workspace, size: int) -> str:
    """Say whether the newest entry lacks its signed head; empty where it does not.

    Every transaction keeps the head it leads to, signed, in the same commit: no crash
    parts the two.

    Args:
        workspace: The workspace.
        size: Number of entries.
    """
    newest = max(workspace.ledger.noted_sizes(), default=0)
    if newest >= size:
        return ""
    held = f"the newest is of entry {newest}" if newest else "it keeps none"
    return (
        f"the database keeps no signed head of entry {size}: {held}. Checkpoints were "
        "removed, or entries were added without the ledger's key"
    )


def kept_notes(workspace: Workspace, seen: Collection[int]) -> tuple[str, ...]:
    """Say what else is gone that could show whether the log was cut or replaced.

    Args:
        workspace: The workspace.
        seen: Sizes of the heads that signed statements say their signers saw.
    """
    found = []
    lacking = sorted(set(seen) - workspace.ledger.noted_sizes() - {0})
    if lacking:
        found.append(
            f"{len(lacking)} of {len(set(seen) - {0})} heads that signers saw are not "
            f"among the database's checkpoints; the first is of entry {lacking[0]}"
        )
    file = workspace.layout.root / CHECKPOINT
    if workspace.settings.database is None and not file.exists():
        found.append(
            f"{file} is not there: without a checkpoint from elsewhere (--against), "
            "nothing shows whether the log was cut"
        )
    return tuple(found)
