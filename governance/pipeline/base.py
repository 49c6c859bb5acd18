"""One pipeline folder as the engine sees it: weights, and encoders of any state."""

from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import TypeAlias

from torch import Tensor

from governance.errors import NotFoundError
from governance.pipeline.encoder import PipelineEncoder, Precision, open_encoder
from governance.pipeline.folder import PipelineFolder
from governance.pipeline.text_probe import PipelineTextProbe, open_text_probes
from governance.pipeline.weights import PipelineWeights

Covariances: TypeAlias = Callable[[str, str, int], Tensor]
"""Statistics digest, component and layer to E[k k^T] [d_in, d_in], float64."""


class PipelineBase:
    """An untouched model.

    Args:
        folder: The opened folder.
        dtype: What text encoders compute in.
        cache: Folder to keep encodings in; None keeps none.
        device: Where text encoders run.
        statistics: Finds key covariances; None where there are none.
    """

    def __init__(
        self,
        folder: PipelineFolder,
        *,
        dtype: Precision = "float32",
        cache: Path | None = None,
        device: str = "cpu",
        statistics: Covariances | None = None,
    ) -> None:
        self.folder = folder
        self._dtype: Precision = dtype
        self._cache = cache
        self._device = device
        self._statistics = statistics
        self._opened: list[PipelineEncoder] = []
        self._probes: list[PipelineTextProbe] = []

    @cached_property
    def weights(self) -> PipelineWeights:
        """Return lazy access to every tensor."""
        return PipelineWeights(self.folder)

    @property
    def seconds(self) -> float:
        """Return the time spent reading and running text encoders so far."""
        spent = [encoder.seconds for encoder in self._opened]
        return sum(spent) + sum(probe.seconds for probe in self._probes)

    def encoder(self, overrides: Mapping[str, Tensor]) -> PipelineEncoder:
        """Open the text encoders, with some of their tensors replaced.

        Args:
            overrides: ``file:name`` to tensor; empty for the base's own.
        """
        if not overrides:
            return self._own
        return self._open(overrides)

    def text_probes(self) -> tuple[PipelineTextProbe, ...]:
        """Open every CLIP text encoder anew, with the base's own weights."""
        opened = open_text_probes(self.folder, dtype=self._dtype, device=self._device)
        self._probes += opened
        return opened

    def statistics(self, digest: str, component: str, layer: int) -> Tensor:
        """Return E[k k^T] [d_in, d_in] of a layer's fc2 inputs, float64.

        Args:
            digest: Which statistics.
            component: The encoder, such as ``text_encoder_2``.
            layer: Layer, counted from 0.

        Raises:
            NotFoundError: There are no statistics.
        """
        if self._statistics is None:
            raise NotFoundError(
                f"statistics {digest[:12]} of {component} are not at hand",
                "Run `governance statistics compute --captions FILE`, or give them "
                "with --statistics.",
            )
        return self._statistics(digest, component, layer)

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
