"""Where tensors are computed."""

import torch

from governance.errors import UsageError


def resolve_device(name: str) -> str:
    """Turn a device setting into a device that is there.

    Args:
        name: auto, cpu, cuda, cuda:N or mps.

    Returns:
        A torch device name.

    Raises:
        UsageError: There is no such device on this machine.
    """
    if name == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    if name == "cpu":
        return name
    if name == "mps" and torch.backends.mps.is_available():
        return name
    kind, _, number = name.partition(":")
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    index = number if number else "0"
    if kind == "cuda" and index.isascii() and index.isdigit() and int(index) < count:
        return name
    raise UsageError(
        f"device {name[:20]!r} is not on this machine; expected auto, cpu, cuda, "
        "cuda:N or mps",
        "Use --device auto.",
    )


def algebra_device(device: str) -> str:
    """Return where float64 algebra runs: mps has no float64."""
    return "cpu" if device == "mps" else device
