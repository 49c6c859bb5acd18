"""What others keep of the ledger: checkpoints, and whole copies."""

from pathlib import Path

from governance.documents.plain_file import open_plain
from governance.domain.signoff import Head
from governance.errors import IntegrityError, NotFoundError, UsageError
from governance.ledger.checkpoint import Held, check_is_checkpoint, open_checkpoint
from governance.ledger.merkle import EMPTY_ROOT
from governance.ledger.notary import CHECKPOINT
from governance.ledger.note import NoteKey
from governance.ledger.proofs import verify_consistency
from governance.service.ledger_key import recorded_key
from governance.service.outside import keep_outside
from governance.service.records import BackupView, CheckpointView
from governance.service.views import HeadView, KeptView
from governance.service.workspace import Workspace

_MAX_BYTES = 65_536


def checkpoint(workspace: Workspace) -> CheckpointView:
    """Return the head as a signed note, for somebody else to keep.

    Raises:
        IntegrityError: The log does not extend its own newest checkpoint.
    """
    note = workspace.ledger.checkpoint()
    key = recorded_key(workspace.ledger)
    head = open_checkpoint(note, key)
    return CheckpointView(key.name, head.size, head.root, note)


def ledger_key(workspace: Workspace) -> NoteKey:
    """Return the key the first entry names: whose notes are this ledger's.

    Raises:
        IntegrityError: It names none.
    """
    return recorded_key(workspace.ledger)


def kept_checkpoint(workspace: Workspace, path: Path) -> Held:
    """Read a checkpoint that somebody kept.

    Args:
        workspace: The workspace whose ledger it is of.
        path: Its file.

    Raises:
        NotFoundError: There is no such file.
        UsageError: It is no checkpoint at all.
        IntegrityError: It is no note signed with this ledger's key.
    """
    note = _note(path)
    check_is_checkpoint(note, f"checkpoint {path}")
    return _held(workspace, path, note)


def _note(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.read(_MAX_BYTES + 1).decode("utf-8", "replace")
    except FileNotFoundError:
        raise NotFoundError(
            f"checkpoint {path}: no such file",
            "`governance ledger checkpoint > FILE` writes one.",
        ) from None
    except OSError as error:
        raise UsageError(f"checkpoint {path}: {error.strerror}") from error


def _own_note(path: Path) -> str:
    """Read the workspace's own checkpoint; nobody means a pipe to lie there."""
    try:
        with open_plain(path) as file:
            return file.read(_MAX_BYTES + 1).decode("utf-8", "replace")
    except OSError as error:
        raise IntegrityError(f"checkpoint {path}: {error.strerror}") from error


def _held(workspace: Workspace, path: Path, note: str) -> Held:
    try:
        head = open_checkpoint(note, recorded_key(workspace.ledger))
    except IntegrityError as error:
        raise IntegrityError(
            f"checkpoint {path}: {error.message}",
            "It is of another ledger, or this ledger was replaced, or the file was "
            "changed.",
        ) from error
    return Held(head, f"the checkpoint {path}")


def own_heads(workspace: Workspace) -> tuple[tuple[Held, ...], str]:
    """Return the heads the ledger signed itself, for one who reads without its key.

    With the key at hand the ledger compares them of its own accord.

    Args:
        workspace: The workspace.

    Returns:
        The heads, and what is wrong with one that cannot be believed.
    """
    if workspace.ledger.notary is not None:
        return (), ""
    found: list[Held] = []
    problem = ""
    try:
        note = workspace.ledger.checkpoint()
        head = open_checkpoint(note, ledger_key(workspace))
        found.append(Held(head, "the database's newest checkpoint"))
    except NotFoundError:
        # None was ever made, or all are gone; the file is the better witness.
        pass
    except IntegrityError as error:
        problem = f"the database's newest checkpoint: {error.message}"
    file = workspace.layout.root / CHECKPOINT
    # Another database, such as a backup, may be older than the file.
    if workspace.settings.database is None and file.exists():
        try:
            found.append(_held(workspace, file, _own_note(file)))
        except IntegrityError as error:
            problem = error.message
    return tuple(found), problem


def proven(workspace: Workspace, held: Held, head: Head) -> KeptView:
    """Prove that the log only grew since a checkpoint was kept.

    Args:
        workspace: The workspace.
        held: The kept checkpoint; its entries were hashed again before.
        head: The verified head.

    Raises:
        IntegrityError: The stored nodes do not prove it.
    """
    size, root = held.head.size, bytes.fromhex(held.head.root)
    proof = workspace.ledger.consistency_proof(size, head.size) if size else []
    nodes = [bytes.fromhex(node) for node in proof]
    ends = bytes.fromhex(head.root)
    empty = not size and root == EMPTY_ROOT
    if not empty and not verify_consistency(size, head.size, root, ends, nodes):
        raise IntegrityError(
            f"{held.holder}: the ledger's stored tree does not prove that its "
            f"{head.size} entries continue the {size} it was made for",
            "Restore a backup and run `governance ledger verify`.",
        )
    return KeptView(size, held.head.root, tuple(proof))


def backup(workspace: Workspace, path: Path) -> BackupView:
    """Copy the ledger's database into a new file, verified.

    Args:
        workspace: The workspace.
        path: Where to; nothing is overwritten.

    Raises:
        UsageError: Something is there already, or it lies inside the workspace.
        LedgerError: It cannot be written, or the database makes its own backups.
    """
    head = workspace.ledger.backup(keep_outside(workspace, path))
    return BackupView(path, head.size, HeadView(head.size, head.root))
