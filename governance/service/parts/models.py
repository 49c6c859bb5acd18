"""Pipeline folders on disk, and repositories fetched to disk."""

import re
from pathlib import Path

from governance.domain.events import Document
from governance.domain.state import ModelRecord
from governance.errors import NotFoundError
from governance.miniature import pipeline_path
from governance.pipeline.folder import (
    FileRecord,
    PipelineFolder,
    open_pipeline,
    restore,
    verify_files,
)
from governance.service.facade import Progress, ProgressCallback
from governance.service.fields import text, whole
from governance.service.ports import Inspected, Vocabulary
from governance.service.views import VerifyFinding

MINIATURE = "miniature"
_REPOSITORY = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*", re.ASCII)


def _embedded(source: str, path: Path) -> Path:
    """Return the embedded pipeline's folder where its name was given."""
    if source == MINIATURE:
        return pipeline_path()
    raise NotFoundError(
        f"model folder {path.absolute()} does not exist",
        f"Give the path of a diffusers pipeline folder, a model hub name (owner/model),"
        f" or the word {MINIATURE} for the embedded model.",
    )


class FolderModels:
    """Pipeline folders."""

    def __init__(self) -> None:
        self._vocabularies: dict[str, Vocabulary] = {}

    def inspect(
        self, source: str, revision: str | None, progress: ProgressCallback
    ) -> Inspected:
        """Hash a folder, or fetch a repository and hash that.

        Args:
            source: Folder or repository id, or the word ``miniature`` for the embedded
                one; a folder that exists comes first.
            revision: Repository revision.
            progress: Told about bytes hashed.

        Returns:
            What the folder is.

        Raises:
            NotFoundError: There is no such folder, and it is no repository id.
        """
        path, origin = Path(source).expanduser(), None
        if not path.exists() and _REPOSITORY.fullmatch(source):
            from governance.pipeline.hub import fetch_pipeline

            path = fetch_pipeline(source, revision)
            origin = f"{source}@{revision or 'main'}"
        elif not path.exists():
            path = _embedded(source, path)

        def hashed(done: int, total: int) -> None:
            progress(Progress("hash", done, total))

        folder = open_pipeline(path.absolute(), on_progress=hashed)
        _read_tensors(folder)
        return Inspected(
            path=folder.root,
            digest=folder.digest,
            family=folder.family,
            files=tuple(_document(record) for record in folder.files),
            source=origin,
        )

    def differences(
        self, model: ModelRecord, progress: ProgressCallback
    ) -> tuple[VerifyFinding, ...]:
        """Compare a registered folder with what was recorded."""
        total = len(model.files)
        progress(Progress("verify base", 0, total))
        found = verify_files(Path(model.path), _records(model))
        progress(Progress("verify base", total, total))
        return tuple(VerifyFinding(item.path, item.problem) for item in found)

    def vocabulary(self, model: ModelRecord) -> Vocabulary:
        """Open a model's tokenizers, once."""
        if model.digest not in self._vocabularies:
            from governance.pipeline.vocabulary import open_vocabulary

            self._vocabularies[model.digest] = open_vocabulary(self.folder(model))
        return self._vocabularies[model.digest]

    def folder(self, model: ModelRecord) -> PipelineFolder:
        """Open a registered folder with its recorded digests."""
        return restore(Path(model.path), _records(model))


def _read_tensors(folder: PipelineFolder) -> None:
    """Name the tensors that could be edited, so that a bad file is refused now."""
    from governance.pipeline.weights import PipelineWeights

    _ = PipelineWeights(folder).sites


def _records(model: ModelRecord) -> tuple[FileRecord, ...]:
    return tuple(
        FileRecord(text(f, "path"), whole(f, "size"), text(f, "sha256"))
        for f in model.files
    )


def _document(record: FileRecord) -> Document:
    return {"path": record.path, "size": record.size, "sha256": record.sha256}
