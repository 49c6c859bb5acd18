"""How a model reads a text: once or several times, in rows or as one vector."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from governance.engine.protocols import (
    Encoder,
    Projection,
    Reading,
    Streams,
    Tokens,
)
from governance.errors import EngineError

if TYPE_CHECKING:
    # Prompts are read and validated where nobody computes anything.
    from torch import Tensor

ATTENTION: tuple[Projection, ...] = ("k", "v")


@dataclass(frozen=True)
class OnlyReading:
    """What an encoder with one tokenizer makes of a text.

    Args:
        tokens: The text's tokens.
        first: Row of the first token.
        length: Rows, padding included.
    """

    tokens: Tokens
    first: int
    length: int


def projections_of(encoder: Encoder) -> tuple[Projection, ...]:
    """Return the kinds of matrices that read what an encoder gives."""
    streams = _streams(encoder)
    return ATTENTION if streams is None else streams.projections


def readings_of(text: str, encoder: Encoder) -> Sequence[Reading]:
    """Read a text with every tokenizer of a model.

    Args:
        text: The text.
        encoder: The model's encoder.

    Returns:
        At least one reading, in the order of their rows.

    Raises:
        RequestError: The text is too long.
    """
    streams = _streams(encoder)
    if streams is not None:
        return streams.readings(text)
    return (OnlyReading(encoder.tokens(text), 0, encoder.length),)


def pooled(prompts: Sequence[str], encoder: Encoder) -> "Tensor":
    """Encode prompts as one vector each, [n, d].

    Raises:
        EngineError: The encoder gives no such vector.
    """
    streams = _streams(encoder)
    if streams is None:
        raise EngineError(
            "the text encoder gives no pooled vector; expected one, since a matrix of "
            "the model reads it"
        )
    return streams.encode_pooled(prompts)


_KINDS: dict[type, bool] = {}


def _streams(encoder: Encoder) -> Streams | None:
    # Asking a protocol looks every member up; a preserve list asks thousands of times.
    kind = type(encoder)
    if kind not in _KINDS:
        _KINDS[kind] = isinstance(encoder, Streams)
    return cast("Streams", encoder) if _KINDS[kind] else None
