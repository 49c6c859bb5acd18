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
from governance.pipeline.folder import PipelineFolder
from governance.service.facade import Progress, ProgressCallback
from governance.service.parts.copies import copy_named, place_named
from governance.service.parts.priors import check_priors
from governance.service.parts.spec import spec_of
from governance.service.parts.statistics import checked_statistics
from governance.service.parts.values import checked_values
from governance.service.wording import check_words
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
    folder: PipelineFolder,
    statistics: Path | None,
    device: str,
    progress: ProgressCallback,
    stage_one: Path | None = None,
) -> Iterator[Given]:
    """Yield requests as the engine sees them, held against the model.

    Everything that can be known to be wrong is said before a stage one runs.

    Args:
        loaded: The requests and the files they name.
        folder: The model.
        statistics: Key covariances; those shipped for the model's encoder, if any,
            where omitted.
        device: Where stage one runs, for edits that bring no results of it.
        progress: Told about every step of it.
        stage_one: Keeps finished concepts; None keeps none.

    Raises:
        RequestError: A request, or a file it brings, is not one for this model; says
            where.
        UsageError: The statistics are not of this model.
        NotFoundError: There is no such statistics file.
        EngineError: An edited layer cannot be solved against them.
    """
    _check_requests(loaded, folder)
    if not any(item.request.method in TEXT_METHODS for item in loaded):
        plain = [spec_of(one.request, one.request.digest, {}) for one in loaded]
        unused = () if statistics is None else (f"no edit needs {statistics.name}",)
        yield Given(tuple(plain), None, unused)
        return
    with TemporaryDirectory(prefix="governance-") as copies:
        digest, library, warnings = _statistics(folder, statistics, Path(copies))
        ready = [_against(item, digest) for item in loaded]
        brought = []
        for item, spec in zip(loaded, ready, strict=True):
            with located(item):
                values, said = _read(item, folder, Path(copies))
                if values is None and library is not None:
                    check_priors(spec, folder, library)
            brought.append(values)
            warnings.extend(said)
        specs = []
        for item, spec, values in zip(loaded, ready, brought, strict=True):
            with located(item):
                if values is None:
                    values = _found(spec, item, folder, device, progress, stage_one)
            specs.append(replace(spec, values=values))
        yield Given(tuple(specs), library, tuple(dict.fromkeys(warnings)))


@contextmanager
def located(item: LoadedRequest) -> Iterator[None]:
    """Say in which file, and where in it, a request is wrong.

    Args:
        item: The request that is worked on inside.

    Raises:
        RequestError: As raised inside, with its place.
    """
    try:
        yield
    except RequestError as error:
        raise item.places.located(error) from error


def _check_requests(loaded: Sequence[LoadedRequest], folder: PipelineFolder) -> None:
    from governance.engine.presets import validate
    from governance.pipeline.vocabulary import open_vocabulary

    found = []
    for item in loaded:  # parameters first: tokenizers need not be opened for them
        with located(item):
            found.append(validate(spec_of(item.request, item.request.digest, {})))
    vocabulary = open_vocabulary(folder)
    for item, parameters in zip(loaded, found, strict=True):
        said = [one.say("{}").text for one in parameters.templates]
        with located(item):
            check_words(vocabulary, item.request, "the model", said)


def _against(item: LoadedRequest, statistics: str | None) -> EditSpec:
    """Return a request as the engine sees it, with its statistics."""
    request = item.request
    spec = spec_of(request, request.digest, {})
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

    content = item.files[request.values.sha256]
    path = copy_named(copies, Path(request.values.name), content)
    warnings = checked_values(path, request, folder)
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
    copy = place_named(copies, path)
    shutil.copyfile(path, copy)
    file = checked_statistics(copy, folder, strict=False)
    with copy.open("rb") as stream:
        digest = hash_rest(stream)
    unnamed = list(refuse_other_model(file, own))
    return digest, CovarianceLibrary(lambda _: copy, own, strict=False), unnamed
