"""What the engine needs from a model, whoever provides it."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias, TypeVar

if TYPE_CHECKING:
    # Parameters are read and validated where nobody computes anything.
    from torch import Tensor

Projection: TypeAlias = Literal["k", "v"]


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


class Site(Protocol):
    """One editable cross-attention matrix."""

    @property
    def key(self) -> str:
        """Name of the tensor, unique in the model."""

    @property
    def projection(self) -> Projection:
        """Whether it makes attention keys or values."""

    @property
    def shape(self) -> tuple[int, int]:
        """(d_out, d_in)."""


SiteT = TypeVar("SiteT", bound=Site)


class Weights(Protocol[SiteT]):
    """The editable weights of the untouched base."""

    @property
    def sites(self) -> Sequence[SiteT]:
        """Every cross-attention K and V matrix."""

    def read(self, site: SiteT) -> "Tensor":
        """Read one matrix [d_out, d_in] in its own dtype, refusing NaN."""
