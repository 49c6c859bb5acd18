"""Encodings kept on disk, so that a preserve list is encoded once."""

import hashlib
import logging
import secrets
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from governance.canonical import digest_of
from governance.pipeline.tensors import tensor_bytes

_log = logging.getLogger(__name__)


class EmbeddingCache:
    """Embeddings by everything their bits depend on.

    Each file holds the SHA-256 of its payload before the payload, so a torn or
    changed file reads as absent and is encoded again.

    Args:
        root: Folder to keep them in; None keeps nothing.
        context: Everything but the prompt that decides the bits: the digest of
            the encoder's tensors, dtype, thread count, versions.
    """

    def __init__(self, root: Path | None, context: Sequence[str | int]) -> None:
        self._root = root
        self._context = tuple(context)

    def get(
        self, kind: Sequence[str | int], shape: Sequence[int], dtype: torch.dtype
    ) -> Tensor | None:
        """Return a kept embedding, or None.

        Args:
            kind: What was encoded: the prompt and how.
            shape: Its expected shape.
            dtype: Its expected dtype.
        """
        path = self._path(kind)
        if path is None or not path.is_file():
            return None
        data = path.read_bytes()
        expected = torch.empty(0, dtype=dtype).element_size() * int(
            torch.Size(shape).numel()
        )
        sound = len(data) == 32 + expected
        if not sound or hashlib.sha256(data[32:]).digest() != data[:32]:
            return None
        flat = torch.frombuffer(bytearray(data[32:]), dtype=dtype)
        return flat.reshape(tuple(shape)).clone()

    def put(self, kind: Sequence[str | int], value: Tensor) -> None:
        """Keep an embedding.

        Args:
            kind: What was encoded: the prompt and how.
            value: The embedding.
        """
        path = self._path(kind)
        if path is None:
            return
        data = tensor_bytes(value)
        beside = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            beside.write_bytes(hashlib.sha256(data).digest() + data)
            beside.replace(path)
        except OSError as error:
            # A full or read-only disk must not fail an edit: it only costs time.
            _log.warning("an encoding was not kept: %s", error.strerror)
            beside.unlink(missing_ok=True)

    def _path(self, kind: Sequence[str | int]) -> Path | None:
        if self._root is None:
            return None
        key = digest_of([*self._context, *kind])
        return self._root / key[:2] / key
