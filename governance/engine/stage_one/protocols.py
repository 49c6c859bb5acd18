"""What stage one needs from a model, whoever provides it."""

from collections.abc import Sequence
from typing import Protocol

from torch import Tensor

from governance.engine.protocols import Tokens


class Tail(Protocol):
    """One text encoder cut in two: what lies below a layer's output runs once."""

    @property
    def component(self) -> str:
        """Folder of the encoder, such as ``text_encoder``."""

    @property
    def depth(self) -> int:
        """Number of layers."""

    @property
    def device(self) -> str:
        """Where its tensors lie."""

    def tokens(self, text: str) -> Tokens:
        """Split a text into tokens, refusing one that is too long."""

    def states(self, texts: Sequence[str], layer: int, *, padded: bool) -> Tensor:
        """Return a layer's output [n, t, d], without gradients.

        Args:
            texts: Prompts.
            layer: Layer, counted from 0.
            padded: Whether t is the model's full length rather than the longest text's.
        """

    def outputs(self, places: Sequence[tuple[str, int]], layer: int) -> Tensor:
        """Return fc2 outputs with their bias [n, d] of a layer, without gradients.

        Args:
            places: (prompt, token index).
            layer: Layer, counted from 0.
        """

    def above(self, states: Tensor, layer: int) -> tuple[Tensor, Tensor]:
        """Run every layer above one, with gradients.

        Args:
            states: The layer's output [n, t, d].
            layer: Layer, counted from 0.

        Returns:
            What the noise predictor reads, and the last layer's normalised output,
            both [n, t, d].
        """

    def pooled(self, ends: Tensor) -> Tensor | None:
        """Return the vector [n, d] the noise predictor reads beside the rows, if any.

        Args:
            ends: The end tokens' normalised last states [n, d_model].
        """


class Noise(Protocol):
    """The noise predictor of a latent diffusion model, and its autoencoder."""

    @property
    def times(self) -> int:
        """Number of noise levels; a time is a whole number below it."""

    def draw(self, wishes: Sequence[tuple[str, int]]) -> Tensor:
        """Draw latents [n, c, h, w] from prompts and seeds."""

    def encode(self, images: Sequence[bytes]) -> Tensor:
        """Encode PNG or JPEG files as latents [n, c, h, w]."""

    def noised(self, latents: Tensor, noise: Tensor, times: Tensor) -> Tensor:
        """Add noise [n, c, h, w] to latents at times [n]."""

    def truth(self, latents: Tensor, noise: Tensor, times: Tensor) -> Tensor:
        """Return what a perfect predictor would say."""

    def predict(
        self, noisy: Tensor, times: Tensor, rows: Tensor, pooled: Tensor | None
    ) -> Tensor:
        """Predict noise [n, c, h, w], with gradients for the text.

        Args:
            noisy: [n, c, h, w].
            times: [n].
            rows: [n, t, d].
            pooled: [n, d_pooled], where the predictor reads one.
        """
