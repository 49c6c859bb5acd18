"""What request files and options give the engine, where there is no workspace."""

import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from governance.documents.request import LoadedRequest
from governance.domain.request import TEXT_METHODS
from governance.engine.edit import EditSpec
from governance.errors import NotFoundError, RequestError
from governance.ledger.files import hash_rest
from governance.miniature import statistics_path
from governance.pipeline.folder import PipelineFolder, open_pipeline
from governance.service.facade import Progress, ProgressCallback
from governance.service.parts.spec import spec_of
from governance.service.parts.statistics import checked_statistics
from governance.service.parts.values import checked_values
from governance.text import safe

if TYPE_CHECKING:
    from torch import Tensor

    from governance.pipeline.covariance_library import CovarianceLibrary


@dataclass(frozen=True)
class Given:
    """Edits with everything that was given for them.

    Args:
        specs: The edits.
        statistics: Finds the key covariances they name; None where none was given.
        warnings: What could not be checked.
    """

    specs: tuple[EditSpec, ...]
    statistics: "CovarianceLibrary | None"
    warnings: tuple[str, ...]


@contextmanager
def given_edits(
    loaded: Sequence[LoadedRequest],
    model: Path,
    statistics: Path | None,
    device: str,
    progress: ProgressCallback,
    stage_one: Path | None = None,
) -> Iterator[Given]:
    """Yield requests as the engine sees them, files checked against the model.

    Args:
        loaded: The requests and the files they name.
        model: The model's folder; opened only if an edit of a text encoder needs it.
        statistics: Key covariances; those shipped for the model's encoder, if any,
            where omitted.
        device: Where stage one runs, for edits that bring no results of it.
        progress: Told about every step of it.
        stage_one: Keeps finished concepts; None keeps none.

    Raises:
        RequestError: Stage-one results are not what an edit needs.
        UsageError: The statistics are not of this model.
        NotFoundError: There is no such statistics file.
    """
    if not any(item.request.method in TEXT_METHODS for item in loaded):
        plain = [spec_of(one.request, one.request.digest, {}) for one in loaded]
        unused = () if statistics is None else (f"no edit needs {statistics.name}",)
        yield Given(tuple(plain), None, unused)
        return
    folder = open_pipeline(model)
    with TemporaryDirectory(prefix="governance-") as copies:
        digest, library, warnings = _statistics(folder, statistics, Path(copies))
        specs = []
        for item in loaded:
            spec = _against(item, digest)
            values, said = _read(item, folder, Path(copies))
            warnings.extend(said)
            if values is None:
                values = _found(spec, item, folder, device, progress, stage_one)
            specs.append(replace(spec, values=values))
        yield Given(tuple(specs), library, tuple(dict.fromkeys(warnings)))


def _against(item: LoadedRequest, statistics: str | None) -> EditSpec:
    """Return a request as the engine sees it, before minutes go into stage one."""
    from governance.engine.presets import validate

    request = item.request
    spec = spec_of(request, request.digest, {})
    validate(spec)
    identity = request.parameters.get("prior") == "identity"
    if request.method not in TEXT_METHODS or identity:
        return spec
    if statistics is None:
        raise NotFoundError(
            f"{safe(request.title, 120)!r}: method {request.method} needs the key "
            "covariances of the model's text encoders; found none",
            "Give them with --statistics; `governance statistics compute` makes them. "
            "Or ask for `prior: identity`.",
        )
    return replace(spec, statistics=statistics)


def _found(
    spec: EditSpec,
    item: LoadedRequest,
    folder: PipelineFolder,
    device: str,
    progress: ProgressCallback,
    kept: Path | None,
) -> "Mapping[str, Tensor] | None":
    """Run stage one on the model, for an edit of a text encoder."""
    if item.request.method not in TEXT_METHODS:
        return None
    from governance.service.parts.stage_one import Workshop, leanings, stage_one

    def told(step: str, done: int, total: int) -> None:
        progress(Progress(step, done, total))

    at = Workshop(folder, device, kept, lambda digest: item.files[digest])
    if spec.alphas is not None:
        return leanings(spec, at, told).values(spec.alphas)
    return stage_one(spec, at, told)


def _read(
    item: LoadedRequest, folder: PipelineFolder, copies: Path
) -> "tuple[Mapping[str, Tensor] | None, tuple[str, ...]]":
    """Read stage-one results that a request brings, held against the model."""
    request = item.request
    if request.values is None:
        return None, ()
    from governance.pipeline.values import read_values

    path = copies / f"{request.values.sha256}.safetensors"
    path.write_bytes(item.files[request.values.sha256])
    try:
        warnings = checked_values(path, request, folder)
    except RequestError as error:
        raise RequestError(
            f"{safe(request.title, 120)!r}: {error.message}",
            error.hint,
            field=error.field,
        ) from error
    return read_values(path), warnings


def _statistics(
    folder: PipelineFolder, given: Path | None, copies: Path
) -> "tuple[str | None, CovarianceLibrary | None, list[str]]":
    from governance.pipeline.covariance_library import CovarianceLibrary
    from governance.pipeline.covariances import CovarianceFile, refuse_other_model
    from governance.pipeline.statistics import encoder_digests

    own = encoder_digests(folder)
    path = given if given is not None else statistics_path()
    if not path.is_file():
        if given is None:
            return None, None, []
        raise NotFoundError(f"statistics {path}: no such file", "Check the path.")
    if given is None and CovarianceFile(path).encoders != own:
        return None, None, []
    # A copy of its own: what is hashed here is what is read later.
    copy = copies / "statistics.safetensors"
    shutil.copyfile(path, copy)
    file = checked_statistics(copy, folder, strict=False)
    with copy.open("rb") as stream:
        digest = hash_rest(stream)
    unnamed = list(refuse_other_model(file, own))
    return digest, CovarianceLibrary(lambda _: copy, own, strict=False), unnamed
