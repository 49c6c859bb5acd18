"""What is shown of signatures: commands that verify them, rollbacks that wait."""

import shlex
from collections.abc import Sequence

from governance.canonical import canonical_bytes, sha256_hex
from governance.domain.rollback import PendingRollback
from governance.domain.roster import Roster
from governance.domain.signoff import ROLLBACK_NAMESPACE, SIGNOFF_NAMESPACE, Signed
from governance.domain.state import EditRecord, WorkspaceState
from governance.service import views
from governance.service.layout import Layout
from governance.service.rollback import still_missing, waiting_for
from governance.service.workspace import Workspace


def verify_lines(
    layout: Layout,
    signoffs: Sequence[Signed],
    roster: Roster,
    namespace: str = SIGNOFF_NAMESPACE,
) -> tuple[str, ...]:
    """Return commands with which stock ``ssh-keygen`` verifies sign-offs.

    Args:
        layout: Where the generated allowed_signers and the objects lie.
        signoffs: The sign-offs; statement and signature are objects too.
        roster: The roster; a revoked key is verified at the time it signed.
        namespace: What they were signed for.
    """
    ended = {item.key for item in roster.reviewers if item.until is not None}
    lines = []
    for signed in signoffs:
        message = _object(layout, canonical_bytes(signed.document))
        signature = _object(layout, signed.signature.encode("ascii"))
        command = ["ssh-keygen", "-Y", "verify", "-f", str(layout.allowed_signers)]
        command += ["-I", signed.principal, "-n", namespace, "-s", signature]
        if signed.key in ended:
            stamp = "".join(char for char in signed.time if char.isalnum())
            command += ["-O", f"verify-time={stamp.replace('T', '')}"]
        lines.append(f"{shlex.join(command)} < {shlex.quote(message)}")
    return tuple(lines)


def _object(layout: Layout, content: bytes) -> str:
    digest = sha256_hex(content)
    return str(layout.objects / digest[:2] / digest[2:])


def rollback_lines(
    workspace: Workspace, state: WorkspaceState, record: EditRecord
) -> tuple[str, ...]:
    """Return such commands for every signature on taking an edit out.

    Args:
        workspace: The workspace.
        state: The state.
        record: The edit.
    """
    return verify_lines(
        workspace.layout, record.rollbacks, state.roster, ROLLBACK_NAMESPACE
    )


def rollbacks_of(
    workspace: Workspace, state: WorkspaceState, record: EditRecord
) -> tuple[views.RollbackView, ...]:
    """Return the rollbacks that would take an edit out and wait for signatures.

    Args:
        workspace: The workspace.
        state: The state.
        record: The edit.
    """
    return tuple(
        rollback_view(workspace, state, item) for item in waiting_for(state, record.id)
    )


def rollback_view(
    workspace: Workspace, state: WorkspaceState, pending: PendingRollback
) -> views.RollbackView:
    """Return one rollback that waits.

    Args:
        workspace: The workspace.
        state: The state.
        pending: What waits.
    """
    return views.RollbackView(
        action=pending.wanted[0],
        snapshot=pending.snapshot,
        edits=pending.leaving,
        signoffs=tuple(signoff_view(signed) for signed in pending.signatures),
        missing=still_missing(workspace, state, pending),
    )


def signoff_view(signed: Signed) -> views.SignOffView:
    """Return a sign-off as it stands in the ledger."""
    said = signed.document
    return views.SignOffView(
        principal=signed.principal,
        key=signed.key,
        decision=str(said.get("decision", said.get("action", ""))),
        time=signed.time,
        statement=signed.document,
        signature=signed.signature,
    )
