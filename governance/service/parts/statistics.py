"""Key covariances on real models; tensor libraries are loaded when it works."""

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from governance.documents.captions import Captions
from governance.domain.request import EditRequest
from governance.domain.state import ModelRecord
from governance.errors import NotFoundError, RequestError, UsageError
from governance.ledger.store import ObjectStore
from governance.miniature import statistics_path
from governance.pipeline.folder import PipelineFolder
from governance.service.facade import Progress, ProgressCallback
from governance.service.parts.copies import copy_named
from governance.service.parts.models import FolderModels
from governance.service.parts.priors import check_file, check_measured
from governance.service.parts.values import checked_values
from governance.service.statistics_port import Stored
from governance.text import safe

if TYPE_CHECKING:
    from governance.pipeline.covariances import CovarianceFile
    from governance.pipeline.statistics import Measured


class RealStatistics:
    """Key covariances of registered models."""

    def encoders(self, model: ModelRecord) -> Mapping[str, str]:
        """Return the digest of each text encoder of a model, by its component."""
        from governance.pipeline.statistics import encoder_digests

        return encoder_digests(FolderModels().folder(model))

    def compute(
        self,
        store: ObjectStore,
        device: str,
        model: ModelRecord,
        captions: Path,
        tokens: int,
        progress: ProgressCallback,
    ) -> Stored:
        """Stream captions through the text encoders, and store what they tell.

        Raises:
            UsageError: There are fewer tokens than asked for.
            RequestError: The file is no captions file.
            EngineError: They are too few different ones for a covariance of full rank.
        """
        from governance.pipeline.covariances import write_covariances
        from governance.pipeline.device import resolve_device
        from governance.pipeline.statistics import encoder_digests, measure_keys

        folder, texts = FolderModels().folder(model), Captions(captions)
        found = measure_keys(
            folder,
            texts,
            device=resolve_device(device),
            on_tokens=lambda _: progress(
                Progress("read captions", texts.bytes_read, texts.size)
            ),
        )
        refuse_too_few(found, tokens)
        check_measured(found.covariances, found.about(texts.digest))
        own, about = encoder_digests(folder), found.about(texts.digest)
        digest = store.put_written(
            lambda file: write_covariances(file, found.covariances, own, about)
        )
        return Stored(digest, store.size(digest), own, about)

    def adopt(self, store: ObjectStore, model: ModelRecord, path: Path) -> Stored:
        """Check a file somebody else computed, and store a copy.

        Raises:
            NotFoundError: There is no such file.
            UsageError: It is no statistics file, of another encoder, or a layer is
                missing.
            EngineError: A covariance has not full rank.
        """
        from governance.pipeline.statistics import key_widths

        if not path.is_file():
            raise NotFoundError(f"statistics {path}: no such file", "Check the path.")
        folder = FolderModels().folder(model)
        given = checked_statistics(path, folder, strict=True)
        check_file(given, key_widths(folder), safe(path.name, 200))
        # Links are followed here, and what was copied is what is read from now on.
        digest = store.put_file(path.resolve())
        file = checked_statistics(store.path(digest), folder, strict=True)
        return Stored(digest, store.size(digest), file.encoders, file.about)

    def shipped(self, store: ObjectStore, model: ModelRecord) -> Stored | None:
        """Store what the program ships for a model's encoder, if it does."""
        if not statistics_path().is_file():
            return None
        from governance.pipeline.covariances import CovarianceFile

        file = CovarianceFile(statistics_path())
        if file.encoders != self.encoders(model):
            return None
        digest = store.put_file(statistics_path())
        return Stored(digest, store.size(digest), file.encoders, file.about)

    def check_values(
        self, model: ModelRecord, request: EditRequest, content: bytes
    ) -> None:
        """Refuse stage-one results that are not what the edit needs.

        Raises:
            RequestError: A name, shape, dtype, number or encoder is wrong.
        """
        folder = FolderModels().folder(model)
        given = Path("values" if request.values is None else request.values.name)
        with tempfile.TemporaryDirectory(prefix="governance-") as copies:
            copy = copy_named(Path(copies), given, content)
            unnamed = checked_values(copy, request, folder)
        if unnamed:
            raise RequestError(f"spec.values: {unnamed[0]}", field="spec.values")


def refuse_too_few(found: "Measured", tokens: int) -> None:
    """Refuse statistics of too little text.

    Raises:
        UsageError: There are fewer tokens than asked for.
    """
    if found.tokens < tokens:
        left_out = f"; {found.skipped:,} longer ones left out" if found.skipped else ""
        if found.unclean:
            left_out += (
                f"; {found.unclean:,} with control characters or special tokens left "
                "out"
            )
        raise UsageError(
            f"the captions hold {found.tokens:,} tokens in {found.captions:,} captions"
            f"{left_out}; expected at least {tokens:,}",
            "Give more captions, or ask for fewer with --tokens.",
        )


def checked_statistics(
    path: Path, folder: PipelineFolder, *, strict: bool
) -> "CovarianceFile":
    """Open statistics for a model.

    Args:
        path: A safetensors file.
        folder: The model.
        strict: Whether the file must name its encoders.

    Raises:
        UsageError: It is no statistics file, or of another encoder or shape.
    """
    from governance.pipeline.covariances import (
        CovarianceFile,
        check_shapes,
        refuse_other_model,
    )
    from governance.pipeline.statistics import encoder_digests, key_widths

    file = CovarianceFile(path)
    unnamed = refuse_other_model(file, encoder_digests(folder))
    if unnamed and strict:
        raise UsageError(unnamed[0], "Use a file that was made with this model.")
    check_shapes(file, key_widths(folder))
    return file
