"""What belongs beside a ledger and is not there, as after a backup was put back."""

from collections.abc import Iterator
from os.path import lexists

from governance.domain.state import WorkspaceState
from governance.identity.model_key import PRIVATE as MODEL_KEY
from governance.ledger.notary import PRIVATE
from governance.service.workspace import Workspace


def missing_parts(workspace: Workspace, state: WorkspaceState) -> str:
    """Name every part that only a copy of it brings back; empty where none is gone.

    Args:
        workspace: The workspace.
        state: As far as the entries were folded.
    """
    names = [name for name in _needed(workspace, state) if not _there(workspace, name)]
    if not names:
        return ""
    return (
        f"{', '.join(names)} {'is' if len(names) == 1 else 'are'} not in "
        f"{workspace.layout.root}: put back what you keep of it"
    )


def missing_notes(workspace: Workspace, state: WorkspaceState) -> Iterator[str]:
    """Say what is gone that no entry needs, and what no longer works without it.

    Args:
        workspace: The workspace.
        state: The state.
    """
    readonly = workspace.settings.readonly
    if state.signing_keys and not readonly and not _there(workspace, MODEL_KEY):
        yield (
            f"{workspace.layout.root / MODEL_KEY} is not there: exports are signed "
            "with it; put it back from where you keep it"
        )


def _needed(workspace: Workspace, state: WorkspaceState) -> Iterator[str]:
    yield workspace.layout.objects.name
    if not workspace.settings.readonly:
        yield PRIVATE
        if state.signing_keys:
            yield MODEL_KEY


def _there(workspace: Workspace, name: str) -> bool:
    return lexists(workspace.layout.root / name)
