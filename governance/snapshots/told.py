"""What other documents of an export repeat of its manifest and its edits."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from governance.pipeline.folder import FileRecord
from governance.snapshots.names import CARD, MODEL_SIGNATURE, RECORD
from governance.snapshots.parts import Exporting
from governance.snapshots.record import EDITS, EVIDENCE, manifest, record_files

# JSON as anybody may have written it: whoever reads it handles what is not there.
Document = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Said:
    """Manifest and edits, as documents.

    The same at export and at verification, so that what repeats them can be made again
    and compared.

    Args:
        manifest: ``manifest.json``; its list of files is not read.
        edits: ``edits.json``.
        files: Path, size and SHA-256 of the model's files and of the evidence.
    """

    manifest: Document
    edits: Document
    files: tuple[Document, ...]

    @property
    def model(self) -> tuple[Document, ...]:
        """The files of the model, or of what was derived from it."""
        return tuple(item for item in self.files if not _is_evidence(item["path"]))

    @property
    def evidence(self) -> tuple[Document, ...]:
        """The files of the evidence."""
        return tuple(item for item in self.files if _is_evidence(item["path"]))


def said_by(about: Exporting) -> Said:
    """Return what an export's manifest and edits will say.

    Args:
        about: The export; its model and its evidence are written.
    """
    inputs = about.inputs
    written = manifest(inputs, (), about.left_out, about.links, about.derivation)
    edits = dict(record_files(inputs, about.norms))[EDITS]
    return Said(json.loads(written), json.loads(edits), spoken_of(about.files))


def spoken_of(files: Iterable[FileRecord]) -> tuple[Document, ...]:
    """Return the model's files and the evidence, sorted by path."""
    ordered = sorted(files, key=lambda record: record.path)
    return tuple(
        asdict(record)
        for record in ordered
        if not record.path.startswith(f"{RECORD}/") or _is_evidence(record.path)
        if record.path not in (CARD, MODEL_SIGNATURE)
    )


def _is_evidence(path: str) -> bool:
    return path.startswith(f"{EVIDENCE}/")
