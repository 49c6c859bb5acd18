"""Key covariances by the digest of their file, for whoever solves."""

from collections.abc import Callable, Mapping
from pathlib import Path

from torch import Tensor

from governance.errors import UsageError
from governance.pipeline.covariances import CovarianceFile, refuse_other_model


class CovarianceLibrary:
    """Finds covariances, and refuses those of another encoder.

    Args:
        find: From a digest to a file whose bytes have that digest.
        own: Component to digest of the model's encoders.
        strict: Whether a file must name its encoder.
    """

    def __init__(
        self, find: Callable[[str], Path], own: Mapping[str, str], *, strict: bool
    ) -> None:
        self._find = find
        self._own = own
        self._strict = strict
        self._files: dict[str, CovarianceFile] = {}

    def __call__(self, digest: str, component: str, layer: int) -> Tensor:
        """Return E[k k^T] [d_in, d_in] of a layer's fc2 inputs, float64.

        Args:
            digest: Which statistics.
            component: Folder of the encoder.
            layer: Layer, counted from 0.

        Raises:
            NotFoundError: There are no such statistics.
            IntegrityError: Their bytes are not what the digest says.
            UsageError: They are of another encoder, or not of this layer.
        """
        if digest not in self._files:
            self._files[digest] = self._opened(self._find(digest))
        return self._files[digest].covariance(component, layer)

    def _opened(self, path: Path) -> CovarianceFile:
        file = CovarianceFile(path)
        unnamed = refuse_other_model(file, self._own)
        if unnamed and self._strict:
            raise UsageError(unnamed[0])
        return file
