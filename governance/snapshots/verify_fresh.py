"""Was every cited statement entered once, when it was signed."""

from collections.abc import Iterator

from governance.domain.freshness import statement_of
from governance.snapshots.findings import ExportFinding, finding
from governance.snapshots.proofs import PROOFS
from governance.snapshots.verify_log import Told
from governance.text import safe


def verify_fresh(told: Told) -> Iterator[ExportFinding]:
    """See that everybody who signed had seen what they signed before.

    A head before its signer's last statement is that of an old one, entered again.
    Only cited entries can tell: the whole ledger tells of all.

    Args:
        told: What the ledger says.
    """
    last: dict[str, int] = {}
    for entry, event in told.events:
        statement = statement_of(event)
        if statement is None:
            continue
        before = last.get(entry.actor, 0)
        match statement.get("head"):
            case {"size": int(size)} if size >= before:
                pass
            case _:
                message = (
                    f"entry {entry.sequence}: {safe(entry.actor, 80)} had not seen "
                    f"entry {before}, which they signed: an old statement was entered "
                    "again"
                )
                yield finding(PROOFS, "proof", message)
        last[entry.actor] = entry.sequence
