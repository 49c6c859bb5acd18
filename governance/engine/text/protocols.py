"""What text-encoder edits need from a model, whoever provides it."""

from collections.abc import Sequence
from typing import Protocol, TypeAlias

from torch import Tensor

from governance.engine.protocols import Tokens

Place: TypeAlias = tuple[str, int]
"""A prompt and the index of one of its tokens; 0 is the beginning token."""


class TextSite(Protocol):
    """One ``mlp.fc2`` matrix in one file."""

    @property
    def key(self) -> str:
        """Name of the tensor, unique in the model."""

    @property
    def shape(self) -> tuple[int, int]:
        """(d_out, d_in)."""


class TextProbe(Protocol):
    """One CLIP text encoder that is run layer by layer, its fc2 weights exchangeable.

    The bits of a row must depend on its prompt and on the weights set so far, not on
    what it is read with. Rows come on the CPU in the encoder's dtype.
    """

    @property
    def component(self) -> str:
        """Folder of the encoder, such as ``text_encoder``."""

    @property
    def depth(self) -> int:
        """Number of layers."""

    @property
    def exact(self) -> bool:
        """Whether it computes in float64, finished layers unrounded."""

    @property
    def d_model(self) -> int:
        """Width of the residual stream, and of an fc2 output."""

    @property
    def d_ff(self) -> int:
        """Width of an fc2 input."""

    @property
    def read_layer(self) -> int:
        """The layer whose output the model reads, counted from 0."""

    def sites(self, layer: int) -> Sequence[TextSite]:
        """Return a layer's fc2 in every variant; the first is what the model loads."""

    def read(self, key: str) -> Tensor:
        """Read the base's matrix [d_out, d_in] in its own dtype."""

    def bias(self, layer: int) -> Tensor:
        """Return a layer's fc2 bias [d_model]."""

    def tokens(self, text: str) -> Tokens:
        """Split a text into tokens, refusing one that is too long."""

    def keys(self, layer: int, places: Sequence[Place]) -> Tensor:
        """Return fc2 inputs [n, d_ff]."""

    def blocks(self, layer: int, places: Sequence[Place]) -> Tensor:
        """Return the residual stream after a layer [n, d_model]."""

    def replace(self, layer: int, weight: Tensor) -> None:
        """Use another fc2 weight [d_model, d_ff] from now on."""


class TextBase(Protocol):
    """An untouched model with text encoders, and statistics of their keys."""

    def text_probes(self) -> Sequence[TextProbe]:
        """Open every CLIP text encoder anew, with the base's own weights."""

    def statistics(self, digest: str, component: str, layer: int) -> Tensor:
        """Return E[k k^T] [d_in, d_in] of a layer's fc2 inputs, float64.

        Args:
            digest: Which statistics.
            component: Folder of the encoder.
            layer: Layer, counted from 0.
        """
