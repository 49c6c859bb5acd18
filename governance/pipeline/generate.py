"""Images from prompts and seeds, with some weights replaced and nothing else."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from governance.errors import InterruptedByUserError, PipelineError
from governance.pipeline.family import Family
from governance.pipeline.folder import PipelineFolder
from governance.pipeline.memory import smaller
from governance.pipeline.quiet import quiet_libraries
from governance.pipeline.tensors import tensor_bytes, tensor_from
from governance.pipeline.text_model import Overrides
from governance.pipeline.weights import PipelineWeights, split_key

Images: TypeAlias = NDArray[np.uint8]


@dataclass(frozen=True)
class Sampling:
    """How images are drawn.

    Args:
        steps: Denoising steps.
        guidance: Classifier-free guidance; 1 or less switches it off.
        size: Height and width in pixels; None is the model's own.
    """

    steps: int = 20
    guidance: float = 3.0
    size: int | None = None


_UNCHECKED: Mapping[str, object] = {
    "requires_safety_checker": False,
    "safety_checker": None,
    "feature_extractor": None,
    "image_encoder": None,
}
_PIPELINES: Mapping[Family, tuple[str, Mapping[str, object]]] = {
    "sd1": ("StableDiffusionPipeline", _UNCHECKED),
    "sd2": ("StableDiffusionPipeline", _UNCHECKED),
    "sdxl": ("StableDiffusionXLPipeline", {"add_watermarker": False}),
    "sd3": ("StableDiffusion3Pipeline", {}),
    "flux": ("FluxPipeline", {}),
}


class Generator:
    """Draws images from one pipeline folder.

    Every image has its own seed, and every batch has one shape, filled by repeating
    its last image, so an image is the same whoever it is drawn with. Where memory runs
    out, batches are halved from then on: the same images up to rounding.

    Args:
        folder: The opened folder.
        overrides: ``file:name`` to the tensor or bytes to use instead.
        device: Where to draw.
        batch: Images drawn at once.

    Raises:
        PipelineError: The pipeline cannot be loaded, or an override does not fit.
    """

    def __init__(
        self,
        folder: PipelineFolder,
        overrides: Overrides | None = None,
        *,
        device: str = "cpu",
        batch: int = 8,
    ) -> None:
        self._folder = folder
        self._weights = PipelineWeights(folder)
        self._batch = batch
        # diffusers types nothing of its pipelines.
        pipeline: Any = _load(folder)
        self._pipeline = pipeline.to(device, torch.float32)
        self._pipeline.set_progress_bar_config(disable=True)
        self._replaced: frozenset[str] = frozenset()
        self.replace(overrides or {})

    def replace(self, overrides: Overrides) -> None:
        """Draw with other weights from now on; what is not named returns to base.

        Overrides of variants that the pipeline did not load are ignored.

        Args:
            overrides: ``file:name`` to the tensor or bytes to use instead.

        Raises:
            PipelineError: An override names no tensor, or does not fit its shape.
        """
        loaded = self._loaded()
        chosen = {key for key in overrides if split_key(key)[0] in loaded}
        new = {key: self._value(key, overrides[key]) for key in chosen}
        for key in self._replaced - chosen:
            self._set(key, self._weights.read_key(key))
        for key, value in new.items():
            self._set(key, value)
        self._replaced = frozenset(chosen)

    def draw(
        self,
        prompts: Sequence[tuple[str, int]],
        sampling: Sampling | None = None,
        *,
        on_step: Callable[[int, int], None] | None = None,
        cancelled: Callable[[], bool] | None = None,
    ) -> Images:
        """Draw one image for each prompt and seed.

        Args:
            prompts: (prompt, seed) of each image.
            sampling: How images are drawn.
            on_step: Called with steps done and steps in all.
            cancelled: Asked between steps whether to stop.

        Returns:
            Images [n, H, W, 3], uint8.

        Raises:
            InterruptedByUserError: ``cancelled`` said so.
            EngineError: The device has too little memory for a single image.
        """
        how = sampling or Sampling()
        total = how.steps * -(-len(prompts) // self._batch)
        steps = _Steps(total, on_step, cancelled)
        drawn: list[Images] = []
        while some := prompts[sum(map(len, drawn)) :][: self._batch]:
            try:
                drawn.append(self._draw(some, how, steps))
            except torch.OutOfMemoryError as error:
                self._batch = smaller(self._batch, "images", error)
        if not drawn:
            side = how.size or self._side()
            return np.empty((0, side, side, 3), dtype=np.uint8)
        return np.concatenate(drawn)

    def _draw(
        self, some: Sequence[tuple[str, int]], how: Sampling, steps: "_Steps"
    ) -> Images:
        full = [*some, *[some[-1]] * (self._batch - len(some))]
        # Latents come from the CPU's generator, so that a seed means the same noise
        # on every device.
        generators = [torch.Generator("cpu").manual_seed(seed) for _, seed in full]
        found = self._pipeline(
            prompt=[prompt for prompt, _ in full],
            generator=generators,
            num_inference_steps=how.steps,
            guidance_scale=how.guidance,
            height=how.size or self._side(),
            width=how.size or self._side(),
            output_type="np",
            callback_on_step_end=steps,
        )
        images = np.asarray(found.images[: len(some)], dtype=np.float32)
        return np.clip(np.rint(images * 255), 0, 255).astype(np.uint8)

    @property
    def side(self) -> int:
        """Return the height and width of an image, in pixels."""
        return self._side()

    @property
    def components(self) -> Mapping[str, Any]:
        """Return the loaded modules by component name, as diffusers holds them."""
        found: Mapping[str, Any] = self._pipeline.components
        return found

    def _side(self) -> int:
        if self._folder.denoiser == "unet":
            size = self._pipeline.unet.config.sample_size
        else:  # a FLUX transformer has no size of its own, its pipeline has
            size = self._pipeline.default_sample_size
        return int(size * self._pipeline.vae_scale_factor)

    def _loaded(self) -> frozenset[str]:
        return frozenset(
            f"{weights.component}/{name}"
            for weights in self._folder.loaded
            for name in weights.files
        )

    def _value(self, key: str, value: Tensor | bytes) -> Tensor:
        record = self._weights.record(key)
        data = value if isinstance(value, bytes) else tensor_bytes(value)
        return tensor_from(data, record)

    def _set(self, key: str, value: Tensor) -> None:
        file, name = split_key(key)
        component = file.partition("/")[0]
        module = getattr(self._pipeline, component)
        parameters = dict(module.named_parameters())
        for spelling in (name, name.removeprefix("text_model."), f"text_model.{name}"):
            if spelling in parameters:
                with torch.no_grad():
                    parameters[spelling].copy_(value)
                return
        raise PipelineError(f"component {component} has no parameter {name!r}")


class _Steps:
    """Counts steps over all batches, reports them, and stops when asked to."""

    def __init__(
        self,
        total: int,
        on_step: Callable[[int, int], None] | None,
        cancelled: Callable[[], bool] | None,
    ) -> None:
        self._total = total
        self._done = 0
        self._on_step = on_step
        self._cancelled = cancelled

    def __call__(
        self, pipeline: object, step: int, time: object, kept: Mapping[str, Any]
    ) -> Mapping[str, Any]:
        del pipeline, step, time
        if self._cancelled is not None and self._cancelled():
            raise InterruptedByUserError("drawing images was stopped")
        self._done += 1
        if self._on_step is not None:
            self._on_step(min(self._done, self._total), self._total)
        return kept


def _load(folder: PipelineFolder) -> object:
    quiet_libraries()
    # Imported here: the pipelines of diffusers take seconds to import and are not
    # needed to solve an edit.
    import diffusers

    name, own = _PIPELINES[folder.family]
    if folder.family == "sd3" and folder.t5 is None:
        own = {**own, "text_encoder_3": None, "tokenizer_3": None}
    kind: Any = getattr(diffusers, name)
    try:
        found: object = kind.from_pretrained(
            str(folder.root),
            local_files_only=True,
            use_safetensors=True,
            variant=folder.variants(folder.denoiser)[0].variant or None,
            **own,
        )
    except (OSError, ValueError, RuntimeError, TypeError, KeyError) as error:
        raise PipelineError(
            f"the pipeline in {folder.root.name} cannot be loaded for drawing: "
            f"{ascii(str(error))[1:200]}",
            "Check that stock diffusers loads the folder.",
        ) from error
    return found
