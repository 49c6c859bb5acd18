"""The weights of a pipeline folder, opened shard by shard and only when read."""

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path

from torch import Tensor

from governance.errors import PipelineError
from governance.pipeline.folder import PipelineFolder
from governance.pipeline.header import TensorRecord
from governance.pipeline.sites import (
    Site,
    TextSite,
    cross_attention_sites,
    joint_attention_sites,
    text_encoder_sites,
)
from governance.pipeline.tensors import header_of, read_tensor


def split_key(key: str) -> tuple[str, str]:
    """Split ``file:name`` into the relative file and the tensor name.

    Raises:
        PipelineError: The key has no colon.
    """
    file, colon, name = key.partition(":")
    if not colon:
        raise PipelineError(f"tensor key {key!r} is not of the form file:name")
    return file, name


class PipelineWeights:
    """Lazy access to every tensor of a pipeline folder, in every variant.

    Args:
        folder: The opened folder.
    """

    def __init__(self, folder: PipelineFolder) -> None:
        self._folder = folder

    @cached_property
    def sites(self) -> tuple[Site, ...]:
        """Return every matrix that reads text, in every variant.

        A U-Net has keys and values of its cross-attention, SD3 and FLUX one matrix for
        prompt rows and one for the pooled vector.

        Raises:
            PipelineError: There are none, or their widths differ.
        """
        joint = self._folder.denoiser == "transformer"
        named = joint_attention_sites if joint else cross_attention_sites
        found = tuple(
            site
            for file in self._files(self._folder.denoiser)
            for site in named(file, self.header(file))
        )
        if not joint:
            self._check_width(found, "cross-attention")
        for kind in ("context", "pooled") if joint else ():
            self._check_width([s for s in found if s.projection == kind], kind)
        return found

    def _check_width(self, sites: Sequence[Site], kind: str) -> None:
        widths = {site.shape[1] for site in sites}
        if len(widths) != 1:
            raise PipelineError(
                f"the component {self._folder.denoiser} has {kind} inputs of widths "
                f"{sorted(widths)}; expected exactly one",
                "Register another model; this one is of an unsupported architecture.",
            )

    @cached_property
    def text_sites(self) -> tuple[TextSite, ...]:
        """Return the ``mlp.fc2`` matrices of every text encoder, in every variant."""
        return tuple(
            site
            for component, _ in self._folder.text_encoders
            for file in self._files(component)
            for site in text_encoder_sites(file, self.header(file))
        )

    def header(self, file: str) -> Mapping[str, TensorRecord]:
        """Return where the tensors of one file lie.

        Args:
            file: Path relative to the model folder.
        """
        return header_of(self.path(file))

    def path(self, file: str) -> Path:
        """Return the place of one file of the folder.

        Args:
            file: Path relative to the model folder.

        Raises:
            PipelineError: The pipeline does not load that file.
        """
        if file not in {
            f"{w.component}/{n}" for w in self._folder.weights for n in w.files
        }:
            raise PipelineError(f"the model holds no weights file {file!r}")
        return self._folder.root / file

    def record(self, key: str) -> TensorRecord:
        """Return dtype, shape and place of one tensor.

        Args:
            key: ``file:name``.

        Raises:
            PipelineError: There is no such tensor.
        """
        file, name = split_key(key)
        if name not in (header := self.header(file)):
            raise PipelineError(f"{file} holds no tensor {name!r}")
        return header[name]

    def read(self, site: Site | TextSite) -> Tensor:
        """Read one editable weight.

        Args:
            site: Which.

        Returns:
            The weight [d_out, d_in] in the file's own dtype.

        Raises:
            PipelineError: It is missing or holds NaN or infinity.
        """
        return self.read_key(site.key)

    def read_key(self, key: str) -> Tensor:
        """Read one tensor by ``file:name``, refusing NaN and infinity."""
        return read_tensor(self.path(split_key(key)[0]), self.record(key))

    def check_finite(self) -> None:
        """Read every tensor once and refuse NaN and infinity.

        Raises:
            PipelineError: A value is not finite; the tensor is named.
        """
        for weights in self._folder.weights:
            for file in weights.files:
                path = self._folder.root / weights.component / file
                for record in header_of(path).values():
                    read_tensor(path, record)

    def _files(self, component: str) -> Iterator[str]:
        for weights in self._folder.variants(component):
            for file in weights.files:
                yield f"{component}/{file}"
