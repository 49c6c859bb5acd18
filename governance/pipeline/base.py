"""One pipeline folder as the engine sees it: weights, and encoders of any state."""

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path

from torch import Tensor

from governance.pipeline.encoder import PipelineEncoder, Precision, open_encoder
from governance.pipeline.folder import PipelineFolder
from governance.pipeline.weights import PipelineWeights


class PipelineBase:
    """An untouched model.

    Args:
        folder: The opened folder.
        dtype: What text encoders compute in.
        cache: Folder to keep encodings in; None keeps none.
        device: Where text encoders run.
    """

    def __init__(
        self,
        folder: PipelineFolder,
        *,
        dtype: Precision = "float32",
        cache: Path | None = None,
        device: str = "cpu",
    ) -> None:
        self.folder = folder
        self._dtype: Precision = dtype
        self._cache = cache
        self._device = device
        self._opened: list[PipelineEncoder] = []

    @cached_property
    def weights(self) -> PipelineWeights:
        """Return lazy access to every tensor."""
        return PipelineWeights(self.folder)

    @property
    def seconds(self) -> float:
        """Return the time spent reading and running text encoders so far."""
        return sum(encoder.seconds for encoder in self._opened)

    def encoder(self, overrides: Mapping[str, Tensor]) -> PipelineEncoder:
        """Open the text encoders, with some of their tensors replaced.

        Args:
            overrides: ``file:name`` to tensor; empty for the base's own.
        """
        if not overrides:
            return self._own
        return self._open(overrides)

    @cached_property
    def _own(self) -> PipelineEncoder:
        return self._open({})

    def _open(self, overrides: Mapping[str, Tensor]) -> PipelineEncoder:
        opened = open_encoder(
            self.folder,
            dtype=self._dtype,
            cache=self._cache,
            device=self._device,
            overrides=overrides,
        )
        self._opened.append(opened)
        return opened
