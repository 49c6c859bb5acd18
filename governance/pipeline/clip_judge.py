"""A zero-shot judge: any CLIP of transformers, from a local folder."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from transformers import CLIPModel, CLIPTokenizer

from governance.errors import NotFoundError, PipelineError
from governance.pipeline.judge_model import Kind
from governance.pipeline.quiet import quiet_libraries

if TYPE_CHECKING:
    from transformers import CLIPImageProcessor

_BATCH = 32


class ClipJudge:
    """Says how like a text a picture is; names nothing, so that nothing is calibrated.

    Args:
        model: The network.
        tokenizer: Its tokenizer.
        processor: How it wants pictures.
        device: Where it runs.
    """

    def __init__(
        self,
        model: Any,  # noqa: ANN401 - transformers types its models only in part
        tokenizer: CLIPTokenizer,
        processor: "CLIPImageProcessor",
        device: str = "cpu",
    ) -> None:
        self._model = model.eval().requires_grad_(requires_grad=False).to(device)
        self._tokenizer: Any = tokenizer
        self._processor: Any = processor
        self._device = device

    @property
    def kinds(self) -> Mapping[str, Kind]:
        """Return nothing: it has no labels of its own."""
        return {}

    def name(self, images: NDArray[np.uint8], kind: str) -> list[str]:
        """Refuse to name anything.

        Args:
            images: uint8 [n, H, W, 3].
            kind: What to name.

        Raises:
            NotFoundError: Always.
        """
        del images
        raise NotFoundError(
            f"judge: a zero-shot CLIP has no kind {ascii(kind)[:60]}",
            "Ask how like a text a picture is, or take a judge with kinds.",
        )

    @torch.inference_mode()
    def similarity(
        self, images: NDArray[np.uint8], texts: list[str]
    ) -> NDArray[np.float32]:
        """Measure how like each picture is to each text.

        Args:
            images: uint8 [n, H, W, 3].
            texts: Captions.

        Returns:
            float32 [n, texts], cosines in -1 to 1.
        """
        words = self._tokenizer(
            texts, padding=True, truncation=True, return_tensors="pt"
        ).to(self._device)
        said = _unit(self._model.text_projection(self._pooled_text(words)))
        found = [
            (_unit(self._seen(images[start : start + _BATCH])) @ said.T).cpu()
            for start in range(0, len(images), _BATCH)
        ]
        if not found:
            return np.empty((0, len(texts)), dtype=np.float32)
        return torch.cat(found).float().numpy()

    def _pooled_text(self, words: Mapping[str, torch.Tensor]) -> torch.Tensor:
        pooled: torch.Tensor = self._model.text_model(**words).pooler_output
        return pooled

    def _seen(self, images: NDArray[np.uint8]) -> torch.Tensor:
        pictures = [Image.fromarray(image) for image in images]
        pixels = self._processor(images=pictures, return_tensors="pt").pixel_values
        pooled = self._model.vision_model(pixel_values=pixels.to(self._device))
        found: torch.Tensor = self._model.visual_projection(pooled.pooler_output)
        return found


def _unit(rows: torch.Tensor) -> torch.Tensor:
    return torch.nn.functional.normalize(rows, dim=-1)


def is_clip(folder: Path) -> bool:
    """Say whether a folder holds a CLIP of transformers."""
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(config, dict) and config.get("model_type") == "clip"


def load_clip_judge(folder: Path, device: str = "cpu") -> ClipJudge:
    """Load a zero-shot judge; weights come from safetensors only.

    Args:
        folder: Holds a CLIP model, its tokenizer and its image processor.
        device: Where it runs.

    Raises:
        PipelineError: It cannot be loaded.
    """
    quiet_libraries()
    # Naming it advises to install torchvision, which no judge of the miniature needs.
    from transformers import CLIPImageProcessor

    where: dict[str, Any] = {"local_files_only": True}
    try:
        model = CLIPModel.from_pretrained(str(folder), use_safetensors=True, **where)
        tokenizer = CLIPTokenizer.from_pretrained(str(folder), **where)
        processor = CLIPImageProcessor.from_pretrained(str(folder), **where)
    except (OSError, ValueError, RuntimeError, TypeError, KeyError) as error:
        raise PipelineError(
            f"judge {folder.name}: not a CLIP that can be loaded: "
            f"{ascii(str(error))[1:200]}",
            "Give a folder with safetensors weights, a tokenizer and an image processor.",
        ) from error
    return ClipJudge(model, tokenizer, processor, device)
