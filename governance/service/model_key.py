"""The workspace's model signing key: made, recorded and read at an export."""

from governance.domain.signing_key import SigningKeyRecorded
from governance.errors import NotFoundError
from governance.identity.model_key import PRIVATE, ModelKey
from governance.service.identity import actor_name
from governance.service.workspace import Workspace, Writing


def signing_key(workspace: Workspace) -> ModelKey:
    """Return the key that signs exports; the ledger names it before it signs.

    Args:
        workspace: The workspace. Its first export makes the key and records it. A key
            somebody put in its place is recorded at the next one.

    Raises:
        UsageError: The key is not recorded and the workspace is open for reading only;
            or others can read it, or it is of another kind.
        NotFoundError: The recorded key is gone.
        IntegrityError: It is damaged.
    """
    root = workspace.layout.root
    if workspace.state.signing_keys:
        key = _recorded_file(workspace)
        if key.public.pem.decode() in workspace.state.signing_keys:
            return key
    workspace.refuse_readonly(
        "export: it is signed with a model signing key that the ledger does not name "
        "yet, and so cannot be made"
    )
    # Under the lock, so that two first exports make one key.
    with workspace.writing() as writing:
        key = _found_or_made(workspace, writing)
        key.keep_public(root)
        if key.public.pem.decode() not in writing.state.signing_keys:
            _record(workspace, writing, key)
    return key


def _found_or_made(workspace: Workspace, writing: Writing) -> ModelKey:
    if writing.state.signing_keys:
        return _recorded_file(workspace)
    try:
        return ModelKey.open(workspace.layout.root)
    except NotFoundError:
        return ModelKey.create(workspace.layout.root)


def _recorded_file(workspace: Workspace) -> ModelKey:
    try:
        return ModelKey.open(workspace.layout.root)
    except NotFoundError as error:
        raise NotFoundError(
            f"{error.message}, although the ledger names one",
            f"Restore {PRIVATE} from a backup, or put another P-256 key there: the "
            "next export records it.",
        ) from error


def _record(workspace: Workspace, writing: Writing, key: ModelKey) -> None:
    state = writing.state
    actor = actor_name(
        workspace.settings, workspace.layout, state.roster, state.size + 1
    )
    writing.append(SigningKeyRecorded(key.public.pem.decode()), actor)
