"""What the engine needs from a model, whoever provides it."""

from collections.abc import Mapping, Sequence
from typing import (
    TYPE_CHECKING,
    Literal,
    Protocol,
    TypeAlias,
    TypeVar,
    runtime_checkable,
)

if TYPE_CHECKING:
    # Parameters are read and validated where nobody computes anything.
    from torch import Tensor

Projection: TypeAlias = Literal["k", "v", "context", "pooled"]
"""What a matrix makes of text: attention keys, attention values, the text stream of a
transformer, or the part of its conditioning that comes from the pooled vector."""
Space: TypeAlias = Literal["prompt", "pooled"]
"""What a matrix reads: the rows of a prompt, or one pooled vector for all of it."""
SPACES: Mapping[Projection, Space] = {
    "k": "prompt",
    "v": "prompt",
    "context": "prompt",
    "pooled": "pooled",
}


class Tokens(Protocol):
    """One text as the model reads it, without padding."""

    @property
    def ids(self) -> tuple[int, ...]:
        """Token ids, the beginning and end tokens included."""

    @property
    def spans(self) -> tuple[tuple[int, int] | None, ...]:
        """Characters each token covers; None for beginning and end."""


class Encoder(Protocol):
    """Texts to the rows that cross-attention reads.

    The bits of a row must depend on its text alone, not on what it is encoded with.
    """

    @property
    def width(self) -> int:
        """Length d of a row."""

    @property
    def length(self) -> int:
        """Rows T of one padded prompt."""

    def tokens(self, text: str) -> Tokens:
        """Split a text into tokens, refusing one that is too long."""

    def encode_full(self, prompts: Sequence[str]) -> "Tensor":
        """Encode whole prompts, padding included, as [n, T, d]."""

    def encode_at(self, places: Sequence[tuple[str, int]]) -> "Tensor":
        """Encode single token positions as [n, d]."""


class Reading(Protocol):
    """One text as one tokenizer reads it, and the rows it becomes."""

    @property
    def tokens(self) -> Tokens:
        """The text's tokens."""

    @property
    def first(self) -> int:
        """Row of the prompt that its first token becomes."""

    @property
    def length(self) -> int:
        """Rows it becomes, padding included."""


@runtime_checkable
class Streams(Protocol):
    """An encoder that may read a text more than once, or give a pooled vector.

    An encoder without these reads a text once, for keys and values.
    """

    @property
    def projections(self) -> tuple[Projection, ...]:
        """Kinds of matrices that read what it gives."""

    def readings(self, text: str) -> Sequence[Reading]:
        """Read a text with every tokenizer whose rows the model attends to."""

    def encode_pooled(self, prompts: Sequence[str]) -> "Tensor":
        """Encode prompts as one vector each, [n, d]."""


@runtime_checkable
class Releases(Protocol):
    """An encoder that can give back its memory and take it again when asked for more."""

    def release(self) -> None:
        """Forget the weights; they are read again for the next text."""


class Site(Protocol):
    """One matrix that reads text."""

    @property
    def key(self) -> str:
        """Name of the tensor, unique in the model."""

    @property
    def projection(self) -> Projection:
        """What it makes of text."""

    @property
    def shape(self) -> tuple[int, int]:
        """(d_out, d_in)."""


SiteT = TypeVar("SiteT", bound=Site)


class Weights(Protocol[SiteT]):
    """The editable weights of the untouched base."""

    @property
    def sites(self) -> Sequence[SiteT]:
        """Every matrix that reads text."""

    def read(self, site: SiteT) -> "Tensor":
        """Read one matrix [d_out, d_in] in its own dtype, refusing NaN."""
