"""Stage: the noise predictor over latents, conditioned on the frozen text encoder."""

from dataclasses import dataclass

import numpy as np
import torch
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from diffusers.schedulers.scheduling_dpmsolver_multistep import (
    DPMSolverMultistepScheduler,
)
from numpy.typing import NDArray
from torch import nn
from transformers import CLIPTextModel

from governance.miniature.dataset import Drawn
from governance.miniature.layout import lay_out
from governance.miniature.training import batches
from governance.miniature.training.autoencoder import LATENT_CHANNELS
from governance.miniature.training.loop import (
    Metrics,
    Run,
    Schedule,
    train,
    world_size,
)
from governance.miniature.training.text_encoder import WIDTH, new_tokenizer, tokenize

SEED = 31
SCHEDULE = Schedule(steps=3200, peak=1.0e-3, warm_up=100, flat=0.4)
# Colours are learnt last: a second phase sees those that are said more often.
REFINING_SCHEDULE = Schedule(steps=1000, peak=6e-4, warm_up=50, flat=0.25)
_SAID_COLOUR_WEIGHT = 3.0
# Split evenly among the training processes.
_BATCH = 64
_NO_CAPTION_CHANCE = 0.1
# Equation 5 of arXiv 2303.09556: no step weighs more than signal to noise 5.
_SNR_LIMIT = 5.0
_TIMES = 1000


def new_unet() -> UNet2DConditionModel:
    """Make an untrained noise predictor.

    Returns:
        Two levels (8 x 8 and 4 x 4), cross-attention on both and in the middle;
        text width, both channel widths and latent channels all differ.
    """
    model: UNet2DConditionModel = UNet2DConditionModel(
        sample_size=8,
        in_channels=LATENT_CHANNELS,
        out_channels=LATENT_CHANNELS,
        block_out_channels=(80, 112),
        layers_per_block=1,
        down_block_types=("CrossAttnDownBlock2D",) * 2,
        up_block_types=("CrossAttnUpBlock2D",) * 2,
        cross_attention_dim=WIDTH,
        attention_head_dim=4,
        norm_num_groups=4,
    )
    return model


def new_scheduler() -> DPMSolverMultistepScheduler:
    """Make the sampler that ships with the pipeline.

    Returns:
        DPM-Solver++ 2M over the noise schedule of Stable Diffusion 1.
    """
    scheduler: DPMSolverMultistepScheduler = DPMSolverMultistepScheduler(
        num_train_timesteps=_TIMES,
        beta_start=0.00085,
        beta_end=0.012,
        beta_schedule="scaled_linear",
        algorithm_type="dpmsolver++",
        solver_order=2,
        prediction_type="epsilon",
        timestep_spacing="trailing",
        final_sigmas_type="zero",
        # Unused with trailing spacing, but stock pipelines warn without it.
        steps_offset=1,
    )
    return scheduler


@dataclass(frozen=True)
class EncodedCaptions:
    """Every distinct caption's encoding.

    Args:
        rows: For each image, the row of each of its captions.
        states: float32 [captions, 24, 128].
        empty: Row of the empty caption.
    """

    rows: list[list[int]]
    states: torch.Tensor
    empty: int


@dataclass(frozen=True)
class SecondPhase:
    """What a second phase of training starts from.

    Args:
        start: The noise predictor of the first phase.
        weights: float64 [n], how often each image is drawn.
    """

    start: UNet2DConditionModel
    weights: NDArray[np.float64]


def said_colour_weights(drawn: Drawn) -> NDArray[np.float64]:
    """Weigh images whose caption says a colour more than others.

    Args:
        drawn: The data set.

    Returns:
        float64 [n].
    """
    said = np.array([scene.says_colour for scene in drawn.scenes])
    return np.where(said, _SAID_COLOUR_WEIGHT, 1.0)


@torch.no_grad()
def encode_captions(drawn: Drawn, text_encoder: CLIPTextModel) -> EncodedCaptions:
    """Encode each distinct caption once.

    Args:
        drawn: The data set.
        text_encoder: The trained text encoder.

    Returns:
        Encodings with the empty caption among them.
    """
    numbers: dict[str, int] = {"": 0}
    rows = [
        [numbers.setdefault(text, len(numbers)) for text in texts]
        for texts in drawn.captions
    ]
    ids = tokenize(new_tokenizer(), list(numbers))
    states = [text_encoder(chunk).last_hidden_state for chunk in torch.split(ids, 256)]
    return EncodedCaptions(rows, torch.cat(states), numbers[""])


def train_unet(
    latents: torch.Tensor,
    captions: EncodedCaptions,
    run: Run,
    device: str,
    second: SecondPhase | None = None,
) -> UNet2DConditionModel:
    """Train the noise predictor.

    Args:
        latents: float32 [n, 12, 8, 8].
        captions: Encoded captions of the same images.
        run: Where and how long.
        device: Where to compute.
        second: Where a second phase goes on from; none for the first phase.

    Returns:
        The averaged noise predictor, on the CPU.
    """
    seed = SEED if second is None else SEED + 1
    torch.manual_seed(seed)
    model = new_unet() if second is None else second.start
    shares = np.ones(len(latents)) if second is None else second.weights
    bounds = np.cumsum(shares / shares.sum())
    nn.Module.to(model, device)
    lay_out(model, torch.channels_last)
    signal = new_scheduler().alphas_cumprod
    size = _BATCH // world_size()

    def step_function(step: int) -> tuple[torch.Tensor, Metrics]:
        rng = batches.stream(seed, step)
        drawn = np.searchsorted(bounds, rng.random(size))
        rows = drawn.clip(max=len(latents) - 1)
        texts = _choose(captions, rows, rng)
        noise_stream = batches.torch_stream(seed, step)
        clean = latents[torch.from_numpy(rows)]
        noise = torch.randn(clean.shape, generator=noise_stream)
        times = _spread_times(size, noise_stream)
        kept = signal[times][:, None, None, None]
        noisy = kept.sqrt() * clean + (1 - kept).sqrt() * noise
        found = model(noisy.to(device), times.to(device), texts.to(device)).sample
        error = (found - noise.to(device)).square().mean(dim=(1, 2, 3))
        ratio = signal[times] / (1 - signal[times])
        weight = (ratio.clamp(max=_SNR_LIMIT) / ratio).to(device)
        return (weight * error).mean(), {"error": float(error.detach().mean())}

    average = train(run, model, step_function)
    model.load_state_dict(average.values)
    nn.Module.to(model.eval(), "cpu")
    return model


def _choose(
    captions: EncodedCaptions, rows: np.ndarray, rng: np.random.Generator
) -> torch.Tensor:
    which = rng.integers(len(captions.rows[0]), size=len(rows))
    dropped = rng.random(len(rows)) < _NO_CAPTION_CHANCE
    chosen = [
        captions.empty if drop else captions.rows[row][pick]
        for row, pick, drop in zip(rows, which, dropped, strict=True)
    ]
    return captions.states[torch.tensor(chosen)]


def _spread_times(size: int, generator: torch.Generator) -> torch.Tensor:
    """Draw one time from each of `size` equal parts of the schedule."""
    offsets = torch.rand(size, generator=generator)
    spread = (torch.arange(size) + offsets) / size
    return (spread * _TIMES).long().clamp(max=_TIMES - 1)
