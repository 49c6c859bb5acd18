"""What an export's record is made of: parts that each write files of their own."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import governance
from governance.pipeline.folder import FileRecord
from governance.snapshots.inputs import ExportInputs, TensorNorm
from governance.snapshots.names import LeftOut
from governance.snapshots.record import Derivation


@dataclass(frozen=True, slots=True)
class Exporting:
    """What a part of the record may speak of.

    Args:
        inputs: Everything the export is made from.
        norms: How far each tensor moved from the base.
        left_out: What stayed behind in the base folder.
        links: Base files that were links, and where to.
        derivation: How the model's files were derived; ``None`` where they are the
            very bytes that were signed.
        files: Every file written so far, sorted by path: the model, the evidence,
            and what earlier parts wrote.
        version: Program version that writes it.
    """

    inputs: ExportInputs
    norms: Sequence[TensorNorm]
    left_out: Sequence[LeftOut]
    links: Mapping[str, str]
    derivation: Derivation | None
    files: tuple[FileRecord, ...]
    version: str = governance.__version__


# Yields path and content of each file it adds.
Part: TypeAlias = Callable[[Exporting], Iterator[tuple[str, bytes]]]
