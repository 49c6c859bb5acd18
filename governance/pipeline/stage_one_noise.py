"""The noise predictor and autoencoder of a pipeline with a U-Net."""

import io
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from PIL import Image, UnidentifiedImageError
from torch import Tensor

from governance.errors import PipelineError, RequestError
from governance.pipeline.folder import PipelineFolder
from governance.pipeline.generate import Generator, Sampling
from governance.pipeline.quiet import quiet_libraries

LARGEST = 64_000_000
"""Most pixels of a destination image."""
_FAMILIES = ("sd1", "sd2", "sdxl")


class PipelineNoise:
    """Predicts noise for any text rows; nothing of it is trained.

    Args:
        folder: The opened folder.
        device: Where to compute.
        sampling: How destination images are drawn.

    Raises:
        PipelineError: The architecture has no noise predictor of this kind.
    """

    def __init__(
        self,
        folder: PipelineFolder,
        *,
        device: str = "cpu",
        sampling: Sampling | None = None,
    ) -> None:
        if folder.family not in _FAMILIES:
            raise PipelineError(
                f"EMCID's stage one does not support {folder.family} pipelines; "
                "expected Stable Diffusion 1.x, 2.x or XL",
                "Use method uce or refact, or give values.",
            )
        quiet_libraries()
        import diffusers

        self._device = device
        self._family = folder.family
        self._sampling = sampling or Sampling()
        self._drawer = Generator(folder, device=device, batch=1)
        parts = self._drawer.components
        self._unet: Any = parts["unet"].requires_grad_(requires_grad=False)
        self._vae: Any = parts["vae"]
        schedulers: Any = diffusers.DDPMScheduler
        self._schedule: Any = schedulers.from_config(parts["scheduler"].config)
        self.times = int(self._schedule.config.num_train_timesteps)
        """Number of noise levels."""

    def draw(self, wishes: Sequence[tuple[str, int]]) -> Tensor:
        """Draw latents from prompts and seeds, one at a time.

        Args:
            wishes: (prompt, seed) of each.

        Returns:
            [n, c, h, w], float32.
        """
        return self._latents(list(self._drawer.draw(wishes, self._sampling)))

    def encode(self, images: Sequence[bytes]) -> Tensor:
        """Encode PNG or JPEG files, cut to their middle square.

        Args:
            images: Files.

        Returns:
            [n, c, h, w], float32.

        Raises:
            RequestError: A file is no image, or too large.
        """
        side = self._drawer.side
        return self._latents([_pixels(data, side) for data in images])

    def noised(self, latents: Tensor, noise: Tensor, times: Tensor) -> Tensor:
        """Add noise [n, c, h, w] to latents at times [n]."""
        found: Tensor = self._schedule.add_noise(latents, noise, times)
        return found

    def truth(self, latents: Tensor, noise: Tensor, times: Tensor) -> Tensor:
        """Return what a perfect predictor would say, noise or velocity."""
        kind = self._schedule.config.prediction_type
        if kind == "epsilon":
            return noise
        if kind == "v_prediction":
            found: Tensor = self._schedule.get_velocity(latents, noise, times)
            return found
        raise PipelineError(
            f"the scheduler predicts {str(kind)[:40]!r}; expected epsilon or v_prediction"
        )

    def predict(
        self, noisy: Tensor, times: Tensor, rows: Tensor, pooled: Tensor | None
    ) -> Tensor:
        """Predict noise, with gradients for the text.

        Args:
            noisy: [n, c, h, w].
            times: [n].
            rows: [n, t, d].
            pooled: [n, d_pooled] for SDXL, which is told its own picture size too.

        Returns:
            [n, c, h, w].
        """
        fast = self._device.startswith("cuda")
        with torch.autocast("cuda", torch.bfloat16, enabled=fast):
            found: Tensor = self._unet(
                noisy,
                times,
                encoder_hidden_states=rows,
                added_cond_kwargs=self._added(noisy, pooled),
            ).sample
        return found

    def _added(self, noisy: Tensor, pooled: Tensor | None) -> dict[str, Tensor] | None:
        if self._family != "sdxl":
            return None
        if pooled is None:
            raise PipelineError("SDXL's noise predictor needs a pooled text vector")
        side = self._drawer.side
        # Original size, upper left corner of the crop, and size, as the pipeline says.
        size = torch.tensor([[side, side, 0, 0, side, side]], device=noisy.device)
        times = size.to(pooled.dtype).expand(len(noisy), 6)
        return {"text_embeds": pooled, "time_ids": times}

    def _latents(self, images: Sequence[np.ndarray[Any, Any]]) -> Tensor:
        config = self._vae.config
        found = []
        with torch.no_grad():
            for image in images:
                pixels = torch.from_numpy(image.astype(np.float32) / 127.5 - 1)
                given = pixels.permute(2, 0, 1)[None].to(self._device)
                mean = self._vae.encode(given).latent_dist.mean
                shift = getattr(config, "shift_factor", None) or 0.0
                found.append((mean - shift) * config.scaling_factor)
        return torch.cat(found).float()


def _pixels(data: bytes, side: int) -> np.ndarray[Any, Any]:
    try:
        with Image.open(io.BytesIO(data), formats=("PNG", "JPEG")) as image:
            width, height = image.size
            if width * height > LARGEST:
                raise RequestError(
                    f"a destination image has {width} x {height} pixels; expected at "
                    f"most {LARGEST:,} in all",
                    "Make it smaller.",
                    field="spec.concepts",
                )
            cut = min(width, height)
            left, top = (width - cut) // 2, (height - cut) // 2
            square = image.convert("RGB").crop((left, top, left + cut, top + cut))
            return np.asarray(square.resize((side, side), Image.Resampling.LANCZOS))
    except (UnidentifiedImageError, OSError, SyntaxError) as error:
        raise RequestError(
            "a destination image cannot be read; expected PNG or JPEG",
            "Save it again.",
            field="spec.concepts",
        ) from error
