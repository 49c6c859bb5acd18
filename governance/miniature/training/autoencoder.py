"""Stage: the autoencoder between pictures and 8 x 8 latents."""

import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from torch import nn

from governance.miniature.dataset import Drawn
from governance.miniature.layout import lay_out
from governance.miniature.training import batches
from governance.miniature.training.loop import Metrics, Run, Schedule, train

SEED = 11
LATENT_CHANNELS = 12
SCHEDULE = Schedule(steps=3000, peak=1.2e-3, warm_up=100)
_BATCH = 16
_KL_WEIGHT = 2e-4
# Colour differences look small to L1, and blur hides in flat areas: both get a
# term of their own.
_CHROMA_WEIGHT = 0.3
_EDGE_WEIGHT = 0.5
_SQUARE_WEIGHT = 2.0


def new_autoencoder() -> AutoencoderKL:
    """Make an untrained autoencoder.

    One normalisation group, because groups of one or two channels cannot keep
    an image's overall colour.

    Returns:
        A 64 x 64 to 12 x 8 x 8 autoencoder.
    """
    model: AutoencoderKL = AutoencoderKL(
        in_channels=3,
        out_channels=3,
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        block_out_channels=(8, 16, 64, 96),
        layers_per_block=1,
        latent_channels=LATENT_CHANNELS,
        norm_num_groups=1,
        sample_size=64,
        scaling_factor=1.0,
        mid_block_add_attention=False,
    )
    return model


def train_autoencoder(drawn: Drawn, run: Run, device: str = "cpu") -> AutoencoderKL:
    """Train the autoencoder and normalise its latents.

    Args:
        drawn: The data set.
        run: Where and how long.
        device: Where to compute.

    Returns:
        The averaged autoencoder; its latents have mean 0 and variance 1 per
        channel, so the scaling factor is 1.
    """
    torch.manual_seed(SEED)
    model = new_autoencoder()
    nn.Module.to(model, device)
    lay_out(model, torch.channels_last)

    def step_function(step: int) -> tuple[torch.Tensor, Metrics]:
        rows = batches.stream(SEED, step).integers(len(drawn), size=_BATCH)
        pixels = batches.images(drawn, rows).to(device)
        pixels = pixels.contiguous(memory_format=torch.channels_last)
        torch.manual_seed(SEED * 1_000_003 + step)
        posterior = model.encode(pixels).latent_dist
        decoded = model.decode(posterior.sample()).sample
        kl = posterior.kl().mean() / (LATENT_CHANNELS * 64)
        loss = reconstruction_loss(decoded, pixels) + _KL_WEIGHT * kl
        quality = float(psnr(decoded.detach(), pixels).mean())
        return loss, {"psnr": quality, "kl": float(kl.detach())}

    average = train(run, model, step_function)
    model.load_state_dict(average.values)
    nn.Module.to(model.eval(), "cpu")
    normalise_latents(model, drawn)
    return model


def reconstruction_loss(decoded: torch.Tensor, pixels: torch.Tensor) -> torch.Tensor:
    """Compare two pictures by level, colour and edges.

    Args:
        decoded: float32 [n, 3, h, w].
        pixels: float32 [n, 3, h, w].

    Returns:
        A scalar.
    """
    difference = decoded - pixels
    chroma = difference - difference.mean(dim=1, keepdim=True)
    across = difference[..., 1:] - difference[..., :-1]
    down = difference[..., 1:, :] - difference[..., :-1, :]
    edges = across.abs().mean() + down.abs().mean()
    # The square finds colours early, the absolute value sharpens late.
    level = difference.abs().mean() + _SQUARE_WEIGHT * difference.square().mean()
    return level + _CHROMA_WEIGHT * chroma.abs().mean() + _EDGE_WEIGHT * edges


def psnr(decoded: torch.Tensor, pixels: torch.Tensor) -> torch.Tensor:
    """Measure peak signal to noise of each picture.

    Args:
        decoded: float32 [n, 3, h, w] in -1 to 1.
        pixels: float32 [n, 3, h, w] in -1 to 1.

    Returns:
        float32 [n], decibels.
    """
    error = (decoded.clamp(-1, 1) - pixels).square().mean(dim=(1, 2, 3))
    return 10 * torch.log10(4 / error)


@torch.no_grad()
def normalise_latents(model: AutoencoderKL, drawn: Drawn, count: int = 2000) -> None:
    """Fold per-channel mean and deviation of the latents into the model.

    The 1 x 1 convolutions next to the latents take the factors, so the folder
    needs no setting of its own and stock code sees unit variance.

    Args:
        model: Changed in place.
        drawn: The data set.
        count: How many images to measure on.
    """
    latents = encode_all(model, drawn, count)
    mean = latents.mean(dim=(0, 2, 3))
    deviation = latents.std(dim=(0, 2, 3))
    into, out_of = model.quant_conv, model.post_quant_conv
    if not isinstance(into, nn.Conv2d) or not isinstance(out_of, nn.Conv2d):
        message = "the autoencoder has no convolutions next to its latents"
        raise TypeError(message)
    channels = LATENT_CHANNELS
    into.weight[:channels] /= deviation[:, None, None, None]
    _bias(into)[:channels] = (_bias(into)[:channels] - mean) / deviation
    _bias(into)[channels:] -= 2 * deviation.log()
    _bias(out_of).add_(out_of.weight[:, :, 0, 0] @ mean)
    out_of.weight.mul_(deviation[None, :, None, None])


def _bias(layer: nn.Conv2d) -> torch.Tensor:
    if layer.bias is None:
        message = "a convolution next to the latents has no bias"
        raise TypeError(message)
    return layer.bias


@torch.no_grad()
def encode_all(
    model: AutoencoderKL, drawn: Drawn, count: int | None = None
) -> torch.Tensor:
    """Encode images to the means of their latents.

    Args:
        model: The autoencoder.
        drawn: The data set.
        count: Only the first so many.

    Returns:
        float32 [n, 12, 8, 8].
    """
    total = len(drawn) if count is None else count
    found = []
    for start in range(0, total, 50):
        pixels = batches.scaled(drawn.images[start : min(start + 50, total)])
        found.append(model.encode(pixels).latent_dist.mean)
    return torch.cat(found)
