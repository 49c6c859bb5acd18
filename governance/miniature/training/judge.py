"""Stage: the judge, trained apart from the model that it judges."""

import numpy as np
import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from numpy.typing import NDArray
from torch.nn import functional

from governance.miniature.dataset import Drawn
from governance.miniature.layout import lay_out
from governance.miniature.scene import Scene
from governance.miniature.training import batches
from governance.miniature.training.loop import Metrics, Run, Schedule, train
from governance.miniature.training.text_encoder import (
    MAX_LENGTH,
    contrastive_loss,
    new_tokenizer,
    tokenize,
)
from governance.miniature.vocabulary import AGES, GENDERS, WEAPON
from governance.pipeline.judge_network import JudgeConfig, JudgeNetwork

SEED = 47
SCHEDULE = Schedule(steps=800, peak=1.5e-3, warm_up=100)
REFINING_SCHEDULE = Schedule(steps=300, peak=5e-4, warm_up=30)
_BATCH = 96
_PROBE_WEIGHT = 0.3
_UNKNOWN = -100
PROBES = {"gender": GENDERS, "age": AGES, "weapon": ("no", "yes")}
# Of each batch, so much is passed through the autoencoder, so much is blurred
# and so much is noisy: a judge of crisp drawings alone misreads generated ones.
_DECODED_PART, _BLURRED_PART, _NOISY_PART = 0.33, 0.2, 0.3


def new_judge() -> JudgeNetwork:
    """Make an untrained judge.

    Returns:
        Another architecture than both towers of the pipeline's text encoder.
    """
    config = JudgeConfig(
        vocabulary_size=len(new_tokenizer()),
        max_length=MAX_LENGTH,
        widths=(64, 128, 192),
        text_width=96,
        text_layers=3,
        dimensions=96,
        probes={name: len(labels) for name, labels in PROBES.items()},
    )
    return JudgeNetwork(config)


def probe_targets(scene: Scene) -> tuple[int, ...]:
    """Give the right class of each probe for a drawn scene.

    Args:
        scene: What is drawn.

    Returns:
        Class indices in the order of `PROBES`; -100 where none applies.
    """
    styled = scene.artist is not None
    gender = _index(GENDERS, None if styled else scene.gender)
    age = _index(AGES, None if styled else scene.age)
    armed = scene.kind == "weapon" or scene.held == WEAPON
    return gender, age, int(armed)


def _index(labels: tuple[str, ...], value: str | None) -> int:
    return _UNKNOWN if value is None else labels.index(value)


def train_judge(
    drawn: Drawn,
    run: Run,
    autoencoder: AutoencoderKL | None,
    start: JudgeNetwork | None = None,
    device: str = "cpu",
) -> JudgeNetwork:
    """Train the judge.

    Args:
        drawn: Drawn images, generated ones mixed in or not.
        run: Where and how long.
        autoencoder: Decodes part of each batch; none for a first phase.
        start: Where to go on from; none for a fresh network.
        device: Where to compute; pictures are worsened on the CPU.

    Returns:
        The averaged judge.
    """
    torch.manual_seed(SEED)
    network = start if start is not None else new_judge()
    network.train()
    network.to(device)
    lay_out(network, torch.channels_last)
    targets = torch.tensor([probe_targets(scene) for scene in drawn.scenes])
    tokenizer = new_tokenizer()

    def step_function(step: int) -> tuple[torch.Tensor, Metrics]:
        rng = batches.stream(SEED, step)
        rows = rng.integers(len(drawn), size=_BATCH)
        captions = batches.captions(drawn, rows, rng)
        pixels = worsen(batches.images(drawn, rows), rng, autoencoder)
        pixels = pixels.to(device).contiguous(memory_format=torch.channels_last)
        features = network.image(pixels)
        scale = network.temperature.clamp(max=4.6).exp()
        pictures = scale * network.embed_features(features)
        texts = network.embed_texts(tokenize(tokenizer, captions).to(device))
        contrast, right = contrastive_loss(pictures, texts, captions)
        probed = _probe_loss(
            network, features, targets[torch.from_numpy(rows)].to(device)
        )
        loss = contrast + _PROBE_WEIGHT * probed
        return loss, {"right": right, "probes": float(probed.detach())}

    average = train(run, network, step_function)
    network.load_state_dict(average.values)
    return network.eval().to("cpu")


def _probe_loss(
    network: JudgeNetwork, features: torch.Tensor, targets: torch.Tensor
) -> torch.Tensor:
    losses = [
        functional.cross_entropy(
            network.probes[name](features), targets[:, column], ignore_index=_UNKNOWN
        )
        for column, name in enumerate(PROBES)
    ]
    return torch.stack(losses).sum()


def worsen(
    pixels: torch.Tensor, rng: np.random.Generator, autoencoder: AutoencoderKL | None
) -> torch.Tensor:
    """Pass parts of a batch through what generation does to a picture.

    Args:
        pixels: float32 [n, 3, 64, 64].
        rng: Source of randomness.
        autoencoder: Decodes a part; none leaves that out.

    Returns:
        float32 [n, 3, 64, 64].
    """
    size = len(pixels)
    pixels = pixels.clone()
    if autoencoder is not None:
        rows = _part(rng, size, _DECODED_PART)
        pixels[rows] = _decoded(pixels[rows], autoencoder)
    rows = _part(rng, size, _BLURRED_PART)
    pixels[rows] = functional.avg_pool2d(pixels[rows], 3, stride=1, padding=1)
    rows = _part(rng, size, _NOISY_PART)
    noise = rng.standard_normal((len(rows), *pixels.shape[1:]), dtype=np.float32)
    pixels[rows] += 0.12 * torch.from_numpy(noise)
    shift = torch.from_numpy(rng.uniform(-0.08, 0.08, (size, 3, 1, 1)))
    return (pixels + shift.float()).clamp(-1, 1)


def _part(rng: np.random.Generator, size: int, part: float) -> torch.Tensor:
    chosen: NDArray[np.int64] = np.flatnonzero(rng.random(size) < part)
    return torch.from_numpy(chosen)


@torch.no_grad()
def _decoded(pixels: torch.Tensor, autoencoder: AutoencoderKL) -> torch.Tensor:
    latents = autoencoder.encode(pixels).latent_dist.mean
    noise = 0.15 * torch.randn(latents.shape)
    decoded: torch.Tensor = autoencoder.decode(latents + noise).sample
    return decoded.clamp(-1, 1)
