"""Files of key covariances: read lazily, checked, written the same to the byte."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO

import torch
from torch import Tensor

from governance.canonical import JSON, canonical_bytes
from governance.errors import PipelineError, UsageError
from governance.pipeline.described import (
    FIRST,
    UnnamedEncoderError,
    refuse_other_encoder,
    write_described,
)
from governance.pipeline.header import TensorRecord, read_header, read_metadata
from governance.pipeline.tensors import read_tensor

ABOUT = "statistics"
"""Metadata key under which a file says what it was computed from."""
_NAME = re.compile(r"covariance\.(?:(text_encoder_[0-9])\.)?(0|[1-9][0-9]{0,3})")
_DTYPES = frozenset({"F64", "F32"})
_SYMMETRIC = 1e-5
"""Largest asymmetry and excess that a float32 covariance comes with, relative."""
_HINT = (
    "Compute them with `governance statistics compute`, or get the file again; pickles "
    "are never loaded."
)


def covariance_name(component: str, layer: int) -> str:
    """Name the covariance of one layer; the first encoder is not named.

    Args:
        component: Folder of the encoder.
        layer: Layer, counted from 0.
    """
    inner = "" if component == FIRST else f"{component}."
    return f"covariance.{inner}{layer}"


class CovarianceFile:
    """E[k k^T] of the ``mlp.fc2`` inputs of some layers, in one file.

    Args:
        path: A safetensors file.

    Raises:
        UsageError: It is no such file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._records = read_header(path)
            self._metadata = read_metadata(path)
        except PipelineError as error:
            raise UsageError(f"statistics {error.message}", _HINT) from error
        except OSError as error:
            raise UsageError(
                f"statistics {path.name} cannot be read: {error.strerror}"
            ) from error
        self._places = {_place(name, path): name for name in self._records}
        if not self._places:
            raise UsageError(f"statistics {path.name} hold no covariance", _HINT)

    @property
    def places(self) -> tuple[tuple[str, int], ...]:
        """Return every (component, layer) there is a covariance of."""
        return tuple(sorted(self._places))

    @property
    def encoders(self) -> Mapping[str, str]:
        """Return the digest of each encoder the file names; empty without any."""
        components = dict.fromkeys(component for component, _ in self.places)
        return {one: self._metadata[one] for one in components if one in self._metadata}

    @property
    def about(self) -> Mapping[str, JSON]:
        """Return what the file says it was computed from; empty if nothing."""
        try:
            found = json.loads(self._metadata.get(ABOUT, "{}"))
        except (ValueError, RecursionError):
            return {}
        return found if isinstance(found, dict) else {}

    def record(self, component: str, layer: int) -> TensorRecord:
        """Return dtype and shape of one covariance, by the header alone.

        Args:
            component: Folder of the encoder.
            layer: Layer, counted from 0.
        """
        return self._records[self._places[component, layer]]

    def covariance(self, component: str, layer: int) -> Tensor:
        """Read and check one covariance.

        Args:
            component: Folder of the encoder.
            layer: Layer, counted from 0.

        Returns:
            [d_in, d_in] float64, symmetric.

        Raises:
            UsageError: There is none, or it is no covariance.
        """
        name = self._places.get((component, layer))
        if name is None:
            raise UsageError(
                f"statistics {self._path.name} hold no covariance of layer {layer} of "
                f"{component}; found {len(self._places)} others",
                _HINT,
            )
        try:
            found = read_tensor(self._path, self._records[name])
        except PipelineError as error:
            raise UsageError(f"statistics: {error.message}", _HINT) from error
        return checked_covariance(found.double(), name)

    def check(self) -> None:
        """Read every covariance once.

        Raises:
            UsageError: One is no covariance.
        """
        for component, layer in self.places:
            self.covariance(component, layer)


def checked_covariance(found: Tensor, name: str) -> Tensor:
    """Refuse a matrix that is no E[k k^T] of anything.

    Args:
        found: Finite matrix [d, d], float64.
        name: What to call it.

    Returns:
        The matrix; the mean of it and its transpose, if rounding set them apart.

    Raises:
        UsageError: It is not symmetric, has a negative or an empty diagonal, or an
            entry larger than its diagonal allows.
    """
    diagonal = found.diagonal()
    largest = float(diagonal.max())
    if float(diagonal.min()) < 0 or largest <= 0:
        raise UsageError(
            f"statistics: {name} has a diagonal from {float(diagonal.min()):g} to "
            f"{largest:g}; expected mean squares, some above 0",
            _HINT,
        )
    asymmetry = float((found - found.T).abs().max())
    if asymmetry > _SYMMETRIC * largest:
        raise UsageError(
            f"statistics: {name} differs from its transpose by {asymmetry:g}; expected "
            "a symmetric matrix",
            _HINT,
        )
    roots = diagonal.sqrt()
    excess = float((found.abs() - torch.outer(roots, roots)).max())
    if excess > _SYMMETRIC * largest:
        raise UsageError(
            f"statistics: an entry of {name} is larger than its diagonal allows, by "
            f"{excess:g}; expected a covariance",
            _HINT,
        )
    return found if asymmetry == 0 else (found + found.T) / 2


def write_covariances(
    file: BinaryIO,
    covariances: Mapping[tuple[str, int], Tensor],
    encoders: Mapping[str, str],
    about: Mapping[str, JSON],
) -> None:
    """Write statistics; the same numbers become the same bytes.

    Args:
        file: Where to write.
        covariances: (component, layer) to [d_in, d_in], float64 or float32.
        encoders: Component to encoder digest.
        about: What they were computed from.
    """
    tensors = {covariance_name(*place): c for place, c in covariances.items()}
    said = canonical_bytes(dict(about)).decode("utf-8")
    write_described(file, tensors, {**encoders, ABOUT: said})


def refuse_other_model(file: CovarianceFile, own: Mapping[str, str]) -> tuple[str, ...]:
    """Refuse statistics of another encoder than a model's.

    Args:
        file: The statistics.
        own: Component to digest of the model's encoders.

    Returns:
        For each encoder that the file names no digest of, what that means.

    Raises:
        UsageError: An encoder is another one.
    """
    unnamed = []
    for component in dict.fromkeys(component for component, _ in file.places):
        try:
            named = file.encoders.get(component)
            refuse_other_encoder("statistics", component, named, own)
        except UnnamedEncoderError as error:
            unnamed.append(error.message)
    return tuple(unnamed)


def _place(name: str, path: Path) -> tuple[str, int]:
    found = _NAME.fullmatch(name)
    if found is None:
        raise UsageError(
            f"statistics {path.name}: expected tensors named covariance.LAYER or "
            f"covariance.text_encoder_2.LAYER, found {name[:60]!a}",
            _HINT,
        )
    return found[1] or FIRST, int(found[2])


def check_shapes(file: CovarianceFile, widths: Mapping[tuple[str, int], int]) -> None:
    """Refuse statistics whose shapes are not those of a model's layers.

    Args:
        file: The statistics.
        widths: (component, layer) to d_in, of every layer of the model.

    Raises:
        UsageError: A shape is another, or a layer does not exist.
    """
    for place in file.places:
        record: TensorRecord = file.record(*place)
        expected = widths.get(place)
        name = covariance_name(*place)
        if expected is None:
            raise UsageError(f"statistics: {name} is of a layer the model has not")
        if record.shape != (expected, expected) or record.dtype not in _DTYPES:
            raise UsageError(
                f"statistics: {name} is {record.dtype} {list(record.shape)}; expected "
                f"F64 or F32 [{expected}, {expected}]",
                "Use statistics that were computed with this model.",
            )
