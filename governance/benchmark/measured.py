"""Our own code with clocks in it: what is encoding, what is reading, what is left."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from governance.pipeline.base import PipelineBase
from governance.pipeline.encoder import PipelineEncoder
from governance.pipeline.folder import PipelineFolder
from governance.pipeline.sites import Site, TextSite
from governance.pipeline.vocabulary import Reading
from governance.pipeline.weights import PipelineWeights


@dataclass(frozen=True)
class Seconds:
    """A time as two clocks tell it.

    Args:
        wall: Of the clock on the wall.
        cpu: Of the processors, all threads of this process together; other programs
            on a busy machine count less in it.
    """

    wall: float = 0.0
    cpu: float = 0.0

    @classmethod
    def now(cls) -> "Seconds":
        """Return what both clocks say."""
        return cls(time.perf_counter(), time.process_time())

    def __add__(self, other: "Seconds") -> "Seconds":
        """Return the sum of two times."""
        return Seconds(self.wall + other.wall, self.cpu + other.cpu)

    def __sub__(self, other: "Seconds") -> "Seconds":
        """Return the time from another until this one."""
        return Seconds(self.wall - other.wall, self.cpu - other.cpu)


class Stopwatch:
    """Adds up the time spent between its marks; marks may stand inside one another.

    Args:
        clock: Tells the time.
    """

    def __init__(self, clock: Callable[[], Seconds] = Seconds.now) -> None:
        self.seconds = Seconds()
        self._clock = clock
        self._depth = 0

    @contextmanager
    def running(self) -> Iterator[None]:
        """Count the time until the end of this context."""
        start = self._clock()
        self._depth += 1
        try:
            yield
        finally:
            self._depth -= 1
            if not self._depth:
                self.seconds += self._clock() - start


class KeptEncoder(PipelineEncoder):
    """The model's own encoder, which encodes a row once and says how long it took.

    Later rounds read rows from memory, so that they time the algebra alone.

    Args:
        folder: The opened folder.
        device: Where to compute.
    """

    def __init__(self, folder: PipelineFolder, device: str) -> None:
        super().__init__(
            folder, dtype="float32", cache=None, device=device, overrides={}
        )
        self.watch = Stopwatch()
        self._read: dict[str, tuple[Reading, ...]] = {}
        self._full: dict[str, Tensor] = {}
        self._places: dict[tuple[str, int], Tensor] = {}

    @property
    def texts(self) -> list[str]:
        """Return every text encoded so far, each once."""
        return list(dict.fromkeys([*self._full, *(text for text, _ in self._places)]))

    def readings(self, text: str) -> tuple[Reading, ...]:
        """Split a text into tokens once for each stream of rows it becomes."""
        with self.watch.running():
            if text not in self._read:
                self._read[text] = super().readings(text)
            return self._read[text]

    def encode_full(self, prompts: Sequence[str]) -> Tensor:
        """Encode whole prompts, padding included, as [n, T, d]."""
        with self.watch.running():
            missing = [
                text for text in dict.fromkeys(prompts) if text not in self._full
            ]
            found = super().encode_full(missing)
            self._full.update(zip(missing, found, strict=True))
            return torch.stack([self._full[t] for t in prompts]) if prompts else found

    def encode_at(self, places: Sequence[tuple[str, int]]) -> Tensor:
        """Encode single rows, reading no further than they need, as [n, d]."""
        with self.watch.running():
            kept = self._places
            missing = [place for place in dict.fromkeys(places) if place not in kept]
            found = super().encode_at(missing)
            kept.update(zip(missing, found, strict=True))
            return torch.stack([kept[place] for place in places]) if places else found

    def encode_alone(self, prompt: str) -> None:
        """Encode one prompt padded to the full length, as published loops do."""
        super().encode_full([prompt])


class MeasuredWeights(PipelineWeights):
    """The base's weights, and how long reading them took."""

    @cached_property
    def watch(self) -> Stopwatch:
        """Return what counts the time."""
        return Stopwatch()

    def read(self, site: Site | TextSite) -> Tensor:
        """Read one editable weight from the disk."""
        with self.watch.running():
            return super().read(site)


class MeasuredBase(PipelineBase):
    """An untouched model with clocks in it."""

    @cached_property
    def weights(self) -> MeasuredWeights:
        """Return lazy access to every tensor."""
        return MeasuredWeights(self.folder)

    @cached_property
    def kept(self) -> KeptEncoder:
        """Return the base's own encoder."""
        return KeptEncoder(self.folder, self._device)

    def encoder(self, overrides: Mapping[str, Tensor]) -> PipelineEncoder:
        """Open the text encoders."""
        return super().encoder(overrides) if overrides else self.kept
