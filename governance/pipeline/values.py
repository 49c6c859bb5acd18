"""Stage-one results in a file: wanted outputs of an encoder's layer, by name."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import BinaryIO

from torch import Tensor

from governance.errors import PipelineError, RequestError, UsageError
from governance.pipeline.described import (
    UnnamedEncoderError,
    refuse_other_encoder,
    write_described,
)
from governance.pipeline.header import read_header, read_metadata
from governance.pipeline.tensors import read_tensor

FIELD = "spec.values"
_DTYPES = frozenset({"F64", "F32"})
_HINT = "Give a safetensors file made for this model, method and these concepts."


def write_values(
    file: BinaryIO, values: Mapping[str, Tensor], encoders: Mapping[str, str]
) -> None:
    """Write stage-one results; the same numbers become the same bytes.

    Args:
        file: Where to write.
        values: Name to [n_concepts, d_model], float64 or float32.
        encoders: Component to digest of the encoders they are of.
    """
    write_described(file, values, encoders)


def read_values(path: Path) -> dict[str, Tensor]:
    """Read stage-one results without asking what they are for.

    Args:
        path: A safetensors file.

    Returns:
        Name to tensor in the file's own dtype.

    Raises:
        RequestError: It is no such file, or a value is not finite.
    """
    try:
        records = read_header(path)
        return {name: read_tensor(path, one) for name, one in records.items()}
    except PipelineError as error:
        raise _refused(error.message) from error


def check_values(
    path: Path,
    wanted: Mapping[str, tuple[str, tuple[int, int]]],
    own: Mapping[str, str],
) -> tuple[str, ...]:
    """Refuse stage-one results that are not what an edit of a model needs.

    Args:
        path: A safetensors file.
        wanted: Name to (encoder, [n_concepts, d_model]).
        own: Component to digest of the model's encoders.

    Returns:
        For each encoder that the file names no digest of, what that means.

    Raises:
        RequestError: A name, shape, dtype, number or encoder is wrong.
    """
    try:
        records, said = read_header(path), read_metadata(path)
    except PipelineError as error:
        raise _refused(error.message) from error
    if set(records) != set(wanted):
        raise _refused(
            f"expected tensors named {_listed(wanted)}, found {_listed(records)}"
        )
    for name, (_, shape) in wanted.items():
        record = records[name]
        if record.shape != shape or record.dtype not in _DTYPES:
            raise _refused(
                f"{name} is {record.dtype} {list(record.shape)}; expected F64 or F32 "
                f"{list(shape)}, one row per concept"
            )
    unnamed = []
    for component in dict.fromkeys(component for component, _ in wanted.values()):
        try:
            refuse_other_encoder("values", component, said.get(component), own)
        except UnnamedEncoderError as error:
            unnamed.append(error.message)
        except UsageError as error:
            raise _refused(error.message) from error
    read_values(path)  # every number is finite, or refused
    return tuple(unnamed)


def _refused(message: str) -> RequestError:
    return RequestError(f"{FIELD}: {message}", _HINT, field=FIELD)


def _listed(names: Iterable[str]) -> str:
    found = sorted(names)
    shown = ", ".join(ascii(name[:40]) for name in found[:4])
    return f"{shown} and {len(found) - 4} more" if len(found) > 4 else shown
