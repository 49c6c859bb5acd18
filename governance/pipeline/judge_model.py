"""The miniature's judge: names what a picture shows, and how like a text it is."""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file
from transformers import CLIPTokenizer

from governance.errors import NotFoundError, PipelineError
from governance.pipeline.judge_network import IMAGE_SIZE, JudgeConfig, JudgeNetwork

# Pictures are judged in slices of one size, the last padded: the arithmetic of a
# picture is then the same whatever stands beside it.
_SLICE = 16
_WEIGHTS, _CONFIG, _KINDS = "model.safetensors", "config.json", "judge.json"


@dataclass(frozen=True)
class Kind:
    """One thing a judge can name.

    Args:
        name: "object", "colour", "person", "profession", "style", "gender" ...
        labels: The possible answers.
        prompts: For each label, the texts that stand for it; the best counts.
        probe: Name of the linear probe that answers instead, or nothing.
        calibration: What was measured: source of images to accuracy, low, high, n.
    """

    name: str
    labels: tuple[str, ...]
    prompts: dict[str, tuple[str, ...]]
    probe: str | None
    calibration: dict[str, dict[str, float]]


class Judge:
    """A loaded judge; deterministic, and independent of batch composition.

    Args:
        network: The network with its weights, switched to inference here.
        tokenizer: The judge's own tokenizer.
        kinds: What it can name.
    """

    def __init__(
        self, network: JudgeNetwork, tokenizer: CLIPTokenizer, kinds: dict[str, Kind]
    ) -> None:
        self.kinds = kinds
        self._network = network.eval().requires_grad_(requires_grad=False)
        self._tokenizer = tokenizer
        self._texts: dict[tuple[str, ...], torch.Tensor] = {}

    def name(self, images: NDArray[np.uint8], kind: str) -> list[str]:
        """Name one thing about each picture.

        Args:
            images: uint8 [n, 64, 64, 3].
            kind: A key of `kinds`.

        Returns:
            One of the kind's labels for each picture.

        Raises:
            NotFoundError: The judge has no such kind.
            PipelineError: The images have another shape or type.
        """
        scores = self.scores(images, kind)
        labels = self.kinds[kind].labels
        return [labels[index] for index in scores.argmax(axis=1)]

    def scores(self, images: NDArray[np.uint8], kind: str) -> NDArray[np.float32]:
        """Score every label of a kind.

        Args:
            images: uint8 [n, 64, 64, 3].
            kind: A key of `kinds`.

        Returns:
            float32 [n, labels]: the best cosine over a label's prompts, or the
            probe's logits.

        Raises:
            NotFoundError: The judge has no such kind.
            PipelineError: The images have another shape or type.
        """
        asked = self.kinds.get(kind)
        if asked is None:
            message = f"judge: no kind {kind!r}; expected one of {sorted(self.kinds)}"
            raise NotFoundError(message, "Name a kind from the judge's judge.json.")
        if asked.probe is not None:
            return self._in_slices(images, self._network.probes[asked.probe])
        prompts = [text for label in asked.labels for text in asked.prompts[label]]
        likeness = self.similarity(images, prompts)
        best, start = [], 0
        for label in asked.labels:
            end = start + len(asked.prompts[label])
            best.append(likeness[:, start:end].max(axis=1))
            start = end
        return np.stack(best, axis=1)

    def similarity(
        self, images: NDArray[np.uint8], texts: list[str]
    ) -> NDArray[np.float32]:
        """Measure how like each picture is to each text.

        Args:
            images: uint8 [n, 64, 64, 3].
            texts: Captions in the miniature's words.

        Returns:
            float32 [n, texts], cosines in -1 to 1.

        Raises:
            PipelineError: The images have another shape or type.
        """
        embedded = self._embed(texts)
        return self._in_slices(
            images, lambda features: self._network.embed_features(features) @ embedded.T
        )

    def _embed(self, texts: list[str]) -> torch.Tensor:
        key = tuple(texts)
        if key not in self._texts:
            ids = tokenize(self._tokenizer, texts)
            with torch.inference_mode():
                self._texts[key] = self._network.embed_texts(ids)
        return self._texts[key]

    def _in_slices(
        self, images: NDArray[np.uint8], head: Callable[[torch.Tensor], torch.Tensor]
    ) -> NDArray[np.float32]:
        _check_images(images)
        found = []
        # At least one slice, so that no images have the head's width too.
        for start in range(0, max(1, len(images)), _SLICE):
            part = images[start : start + _SLICE]
            padded = np.zeros((_SLICE, *images.shape[1:]), dtype=np.uint8)
            padded[: len(part)] = part
            pixels = torch.from_numpy(padded).permute(0, 3, 1, 2).float() / 127.5 - 1
            with torch.inference_mode():
                answers = head(self._network.image(pixels))[: len(part)]
            found.append(answers.numpy().astype(np.float32))
        return np.concatenate(found)


def tokenize(tokenizer: CLIPTokenizer, texts: list[str]) -> torch.Tensor:
    """Turn texts into padded token ids.

    Args:
        tokenizer: A CLIP tokenizer.
        texts: Captions.

    Returns:
        int64 [n, model_max_length].
    """
    encoded = tokenizer(
        texts,
        padding="max_length",
        max_length=tokenizer.model_max_length,
        truncation=True,
    )
    return torch.tensor(encoded["input_ids"], dtype=torch.int64)


def load_judge(folder: Path) -> Judge:
    """Load a judge.

    Args:
        folder: Holds config.json, model.safetensors, judge.json and a tokenizer.

    Returns:
        The judge, on the CPU.

    Raises:
        PipelineError: A file is missing or does not fit.
    """
    for name in (_WEIGHTS, _CONFIG, _KINDS, "tokenizer.json"):
        if not (folder / name).is_file():
            message = f"judge {folder}: {name} is missing; expected a judge's folder"
            raise PipelineError(message, "Restore the folder from the package.")
    network = load_network(folder)
    tokenizer = CLIPTokenizer.from_pretrained(str(folder), local_files_only=True)
    return Judge(network, tokenizer, read_kinds(folder / _KINDS))


def load_network(folder: Path) -> JudgeNetwork:
    """Load the network alone.

    Args:
        folder: Holds config.json and model.safetensors.

    Returns:
        The network, on the CPU.

    Raises:
        PipelineError: The weights do not fit the configuration.
    """
    config = _read_config(folder / _CONFIG)
    network = JudgeNetwork(config)
    try:
        network.load_state_dict(load_file(folder / _WEIGHTS))
    except RuntimeError as error:
        message = f"judge {folder}: weights do not fit config.json: {error}"
        raise PipelineError(message, "Restore the folder from the package.") from error
    return network


def save_network(network: JudgeNetwork, tokenizer: CLIPTokenizer, folder: Path) -> None:
    """Write everything of a judge but what it can name.

    Args:
        network: The trained network.
        tokenizer: Its tokenizer.
        folder: Where; made if missing.
    """
    folder.mkdir(parents=True, exist_ok=True)
    state = {name: t.contiguous() for name, t in network.state_dict().items()}
    save_file(state, folder / _WEIGHTS)
    _write_json(folder / _CONFIG, asdict(network.config))
    tokenizer.save_pretrained(str(folder))


def save_kinds(kinds: dict[str, Kind], folder: Path) -> None:
    """Write what a judge can name and how well.

    Args:
        kinds: By name.
        folder: The judge's folder.
    """
    _write_json(folder / _KINDS, {name: asdict(kind) for name, kind in kinds.items()})


def read_kinds(path: Path) -> dict[str, Kind]:
    """Read what a judge can name.

    Args:
        path: A judge.json.

    Returns:
        Kinds by name.

    Raises:
        PipelineError: The file is not such a document.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        return {name: _kind(row) for name, row in document.items()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        message = f"judge {path}: not a list of kinds: {error}"
        raise PipelineError(message, "Restore the file from the package.") from error


def _kind(row: dict[str, Any]) -> Kind:
    prompts = {label: tuple(texts) for label, texts in row["prompts"].items()}
    labels = tuple(row["labels"])
    return Kind(row["name"], labels, prompts, row["probe"], row["calibration"])


def _read_config(path: Path) -> JudgeConfig:
    try:
        row = json.loads(path.read_text(encoding="utf-8"))
        first, second, third = row.pop("widths")
        return JudgeConfig(widths=(first, second, third), **row)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        message = f"judge {path}: not a judge's configuration: {error}"
        raise PipelineError(message, "Restore the file from the package.") from error


def _write_json(path: Path, document: object) -> None:
    path.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


def _check_images(images: NDArray[np.uint8]) -> None:
    right = images.ndim == 4 and images.shape[1:] == (IMAGE_SIZE, IMAGE_SIZE, 3)
    if not right or images.dtype != np.uint8:
        message = (
            f"judge: images are {images.dtype} {list(images.shape)}; "
            f"expected uint8 [n, {IMAGE_SIZE}, {IMAGE_SIZE}, 3]"
        )
        raise PipelineError(message, "Give the pipeline's pictures as they come.")
