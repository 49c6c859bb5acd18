"""What lies where in a workspace; every folder belongs to one user."""

from dataclasses import dataclass
from pathlib import Path

from governance.errors import LedgerError

_PRIVATE = 0o700


@dataclass(frozen=True, slots=True)
class Layout:
    """The paths of a workspace.

    Args:
        root: Its folder.
    """

    root: Path

    @property
    def ledger(self) -> Path:
        """The SQLite ledger."""
        return self.root / "ledger.db"

    @property
    def mark(self) -> Path:
        """State as folded so far, signed; may be deleted."""
        return self.root / "mark"

    @property
    def objects(self) -> Path:
        """Objects by digest: requests' files, tensors, evidence."""
        return self.root / "objects"

    @property
    def images(self) -> Path:
        """Drawn images; a cache that may be deleted."""
        return self.root / "images"

    @property
    def encodings(self) -> Path:
        """Encoded prompts; a cache that may be deleted."""
        return self.root / "encodings"

    @property
    def jobs(self) -> Path:
        """What long work said."""
        return self.root / "jobs"

    @property
    def keys(self) -> Path:
        """Throw-away keys of a demo workspace."""
        return self.root / "keys"

    @property
    def allowed_signers(self) -> Path:
        """The roster as ssh-keygen reads it; generated."""
        return self.root / "allowed_signers"

    def make(self) -> None:
        """Make the folders, readable by their owner only.

        Raises:
            LedgerError: They cannot be made.
        """
        try:
            self.root.mkdir(mode=_PRIVATE, parents=True, exist_ok=True)
            for folder in (self.objects, self.images, self.encodings, self.jobs):
                folder.mkdir(mode=_PRIVATE, exist_ok=True)
        except OSError as error:
            raise LedgerError(
                f"workspace {self.root}: cannot be made: {error.strerror}",
                "Give another folder with --workspace.",
            ) from error
