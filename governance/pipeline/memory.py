"""What happens where a device has too little memory: smaller batches, said aloud."""

import logging

import torch

from governance.errors import EngineError

_log = logging.getLogger(__name__)


def smaller(size: int, what: str, error: torch.OutOfMemoryError) -> int:
    """Halve a batch that did not fit.

    Args:
        size: Items in it.
        what: What they are, in the plural.
        error: What the device said.

    Returns:
        Items to try next.

    Raises:
        EngineError: It held a single item.
    """
    if size <= 1:
        raise EngineError(
            f"the device has too little memory for one of these {what} at a time",
            "Use another device with --device, such as cpu.",
        ) from error
    torch.cuda.empty_cache()  # does nothing where there is no CUDA
    _log.warning("memory ran out: %d %s at a time from now on", size // 2, what)
    return size // 2
