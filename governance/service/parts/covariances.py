"""Key covariances out of the object store, for whoever solves on a model."""

from typing import TYPE_CHECKING

from governance.ledger.store import ObjectStore
from governance.pipeline.folder import PipelineFolder

if TYPE_CHECKING:
    from governance.pipeline.covariance_library import CovarianceLibrary


def covariances_of(folder: PipelineFolder, store: ObjectStore) -> "CovarianceLibrary":
    """Return what finds a model's key covariances by their digest.

    Args:
        folder: The model.
        store: Where they are; every file is hashed again before it is read.
    """
    from governance.pipeline.covariance_library import CovarianceLibrary
    from governance.pipeline.statistics import encoder_digests

    return CovarianceLibrary(store.path, encoder_digests(folder), strict=True)
