"""Editable weights of a pipeline, found from tensor names and shapes alone."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from governance.pipeline.header import TensorRecord

Projection: TypeAlias = Literal["k", "v", "context", "pooled"]
_CROSS = re.compile(r"(?:^|\.)attn2\.to_(?P<projection>[kv])\.weight$")
_JOINT = re.compile(
    r"^(?:(?P<context>context_embedder)"
    r"|(?P<pooled>time_text_embed\.text_embedder\.linear_1))\.weight$"
)
_TEXT = re.compile(r"(?:^|\.)encoder\.layers\.(?P<layer>\d+)\.mlp\.fc2\.weight$")


@dataclass(frozen=True)
class Site:
    """One editable matrix that reads text, without the bias that may follow it.

    Args:
        key: ``file:name``, the file relative to the model folder.
        projection: What it makes of text: attention keys or values of a U-Net, the
            text stream of a transformer, or its conditioning by the pooled vector.
        shape: (d_out, d_in).
    """

    key: str
    projection: Projection
    shape: tuple[int, int]


@dataclass(frozen=True)
class TextSite:
    """One ``mlp.fc2`` matrix of a text encoder.

    Args:
        key: ``file:name``, the file relative to the model folder.
        component: ``text_encoder`` or ``text_encoder_2``.
        layer: Layer, counted from 0.
        shape: (d_out, d_in).
    """

    key: str
    component: str
    layer: int
    shape: tuple[int, int]


def cross_attention_sites(
    file: str, header: Mapping[str, TensorRecord]
) -> Iterable[Site]:
    """Yield the cross-attention K and V matrices of one U-Net file, by name.

    Args:
        file: The file, relative to the model folder.
        header: Where its tensors lie.
    """
    for name in sorted(header):
        if match := _CROSS.search(name):
            rows, columns = header[name].shape
            projection: Projection = "k" if match["projection"] == "k" else "v"
            yield Site(f"{file}:{name}", projection, (rows, columns))


def joint_attention_sites(
    file: str, header: Mapping[str, TensorRecord]
) -> Iterable[Site]:
    """Yield what a transformer's file reads text with, by name.

    SD3 and FLUX have no cross-attention: prompt rows enter through one embedder and
    attend together with the image, and the pooled vector enters with the time.

    Args:
        file: The file, relative to the model folder.
        header: Where its tensors lie.
    """
    for name in sorted(header):
        if match := _JOINT.match(name):
            rows, columns = header[name].shape
            projection: Projection = "context" if match["context"] else "pooled"
            yield Site(f"{file}:{name}", projection, (rows, columns))


def text_encoder_sites(
    file: str, header: Mapping[str, TensorRecord]
) -> Iterable[TextSite]:
    """Yield the ``mlp.fc2`` matrices of one text-encoder file, shallow to deep.

    Args:
        file: The file, relative to the model folder.
        header: Where its tensors lie.
    """
    found = {int(m["layer"]): name for name in header if (m := _TEXT.search(name))}
    for layer in sorted(found):
        rows, columns = header[found[layer]].shape
        component = file.partition("/")[0]
        yield TextSite(f"{file}:{found[layer]}", component, layer, (rows, columns))
