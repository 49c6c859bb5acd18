"""Finished concepts of a stage one, kept on disk by everything their bits depend on."""

import hashlib
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import TypeAlias

import torch
from safetensors.torch import load, save
from torch import Tensor

Found: TypeAlias = Mapping[str, Tensor]
_DIGEST = 32


class KeptConcepts:
    """A folder of results by name.

    Each file holds the SHA-256 of its content before it. One that is torn, changed or
    not finite reads as absent, and is computed again. Like every cache of a program,
    the folder is trusted as far as whoever may write it.

    Args:
        root: The folder; None keeps nothing.
    """

    def __init__(self, root: Path | None) -> None:
        self._root = root

    def get(self, name: str) -> Found | None:
        """Return a kept result, or None.

        Args:
            name: Digest of everything its bits depend on.
        """
        if self._root is None or not (path := self._path(self._root, name)).is_file():
            return None
        data = path.read_bytes()
        digest, content = data[:_DIGEST], data[_DIGEST:]
        if hashlib.sha256(content).digest() != digest:
            return None
        found = load(content)
        finite = all(bool(torch.isfinite(value).all()) for value in found.values())
        return found if finite else None

    def put(self, name: str, found: Found) -> None:
        """Keep a result.

        Args:
            name: Digest of everything its bits depend on.
            found: The result.
        """
        if self._root is None:
            return
        self._root.mkdir(mode=0o700, parents=True, exist_ok=True)
        content = save({key: value.contiguous() for key, value in found.items()})
        beside = self._root / f".{name}.{secrets.token_hex(8)}"
        beside.write_bytes(hashlib.sha256(content).digest() + content)
        beside.replace(self._path(self._root, name))

    @staticmethod
    def _path(root: Path, name: str) -> Path:
        return root / f"{name}.concept"
