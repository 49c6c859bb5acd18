"""The workspace's model signing key: made, recorded and read at an export."""

from collections.abc import Mapping

from governance.domain.signing_key import SigningKeyRecorded
from governance.errors import NotFoundError
from governance.identity.model_key import PRIVATE, PUBLIC, ModelKey, keep_public
from governance.service.identity import actor_name
from governance.service.layout import Layout
from governance.service.workspace import Workspace, Writing

_MAX_BYTES = 4096


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
        if key.public.pem.decode() not in writing.state.signing_keys:
            _record(workspace, writing, key)
    # After the entry: no file names a key that the ledger does not.
    key.keep_public(root)
    return key


def public_problem(layout: Layout, recorded: Mapping[str, int]) -> str:
    """Say whether ``model-signing.pub`` is a key no entry names; empty where it is not.

    One that is not there, or is an earlier key, is what an interrupted export leaves:
    :func:`finish_public` writes it.

    Args:
        layout: Where it lies.
        recorded: Each key the ledger names, and the entry that does.
    """
    if not recorded:
        return ""
    try:
        found = _read(layout)
    except OSError as error:
        return f"{layout.root / PUBLIC} cannot be read: {error.strerror}"
    if found is None or found in recorded:
        return ""
    last = max(recorded.values())
    return (
        f"{layout.root / PUBLIC} is not the model signing key that entry {last} names"
    )


def finish_public(layout: Layout, recorded: Mapping[str, int]) -> None:
    """Write ``model-signing.pub`` where an export recorded its key and was interrupted.

    Args:
        layout: Where it lies.
        recorded: Each key the ledger names, and the entry that does.

    Raises:
        LedgerError: It cannot be written.
    """
    if not recorded:
        return
    newest = max(recorded, key=recorded.__getitem__)
    try:
        found = _read(layout)
    except OSError:
        # Left for `governance ledger verify` to name.
        return
    if found is None or (found in recorded and found != newest):
        keep_public(layout.root, newest.encode())


def _read(layout: Layout) -> str | None:
    try:
        with (layout.root / PUBLIC).open("rb") as file:
            return file.read(_MAX_BYTES).decode("utf-8", "replace")
    except FileNotFoundError:
        return None


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
