"""The stages in their order, and what each reads and leaves behind."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from torch import nn
from transformers import CLIPTextModel

from governance.miniature.dataset import Drawn, draw_many, load, save
from governance.miniature.judge_kinds import kinds
from governance.miniature.training import (
    autoencoder,
    generated,
    judge,
    text_encoder,
    unet,
)
from governance.miniature.training.folders import save_pipeline
from governance.miniature.training.loop import Run, Schedule, rank
from governance.pipeline.judge_model import load_network, save_kinds, save_network

DATA_SEED, DATA_COUNT = 1, 50_000
GENERATED_COUNT = 2_000


@dataclass(frozen=True)
class Settings:
    """What the command line decides.

    Args:
        folder: Where everything is written.
        device: "cpu" or "cuda".
        resume: Whether to go on from checkpoints.
        scale: Multiplies every stage's steps; 1 for the shipped weights.
        workers: Processes that draw the data set.
    """

    folder: Path
    device: str
    resume: bool
    scale: float = 1.0
    workers: int = 2

    def run(self, name: str, schedule: Schedule, decay: float) -> Run:
        """Describe a stage's run.

        Args:
            name: The stage.
            schedule: Its full schedule.
            decay: Decay of its averaged weights.

        Returns:
            The run in this folder.
        """
        steps = max(1, round(schedule.steps * self.scale))
        scaled = Schedule(steps, schedule.peak, schedule.warm_up, schedule.flat)
        return Run(name, self.folder, scaled, self.resume, decay)


def draw_data(settings: Settings) -> None:
    """Draw the data set, once.

    Args:
        settings: Where; an existing data set is kept.
    """
    folder = settings.folder / "data"
    if (folder / "scenes.jsonl").is_file():
        return
    count = max(1000, round(DATA_COUNT * min(1.0, settings.scale)))
    save(draw_many(count, DATA_SEED, workers=settings.workers), folder)


def fit_text_encoder(settings: Settings) -> None:
    """Train tokenizer and text encoder."""
    run = settings.run("text_encoder", text_encoder.SCHEDULE, 0.99)
    model = text_encoder.train_text_encoder(_data(settings), run, settings.device)
    model.save_pretrained(settings.folder / "text_encoder")


def fit_autoencoder(settings: Settings) -> None:
    """Train the autoencoder and encode every image with it."""
    run = settings.run("autoencoder", autoencoder.SCHEDULE, 0.998)
    data = _data(settings)
    model = autoencoder.train_autoencoder(data, run, settings.device)
    model.save_pretrained(settings.folder / "vae")
    latents = autoencoder.encode_all(model, data)
    torch.save(latents, settings.folder / "latents.pt")


def fit_unet(settings: Settings) -> None:
    """Train the noise predictor on every image alike."""
    run = settings.run("unet", unet.SCHEDULE, 0.998)
    _fit_unet(settings, run, None)


def refine_unet(settings: Settings) -> None:
    """Train the noise predictor on, with more of the colours that are said."""
    run = settings.run("unet_refined", unet.REFINING_SCHEDULE, 0.998)
    start = UNet2DConditionModel.from_pretrained(
        settings.folder / "pipeline", subfolder="unet"
    )
    weights = unet.said_colour_weights(_data(settings))
    _fit_unet(settings, run, unet.SecondPhase(start, weights))


def _fit_unet(settings: Settings, run: Run, second: unet.SecondPhase | None) -> None:
    latents = torch.load(settings.folder / "latents.pt", weights_only=True)
    text = CLIPTextModel.from_pretrained(settings.folder / "text_encoder")
    nn.Module.eval(text)
    captions = unet.encode_captions(_data(settings), text)
    model = unet.train_unet(latents, captions, run, settings.device, second)
    if rank() == 0:
        vae = AutoencoderKL.from_pretrained(settings.folder / "vae").eval()
        save_pipeline(vae, text, model, settings.folder / "pipeline")


def fit_judge(settings: Settings) -> None:
    """Train the judge on drawn images."""
    run = settings.run("judge", judge.SCHEDULE, 0.995)
    network = judge.train_judge(_data(settings), run, None, device=settings.device)
    tokenizer = text_encoder.new_tokenizer()
    save_network(network, tokenizer, settings.folder / "judge_drawn")


def draw_generated(settings: Settings) -> None:
    """Let the pipeline draw captions of new scenes, for the judge to see."""
    count = max(32, round(GENERATED_COUNT * settings.scale))
    pipeline = settings.folder / "pipeline"
    found = generated.generate_scenes(pipeline, count, settings.workers)
    save(found, settings.folder / "generated")


def refine_judge(settings: Settings) -> None:
    """Train the judge on, with decoded and generated images among the drawn."""
    run = settings.run("judge_refined", judge.REFINING_SCHEDULE, 0.99)
    start = load_network(settings.folder / "judge_drawn")
    vae = AutoencoderKL.from_pretrained(settings.folder / "vae").eval()
    mixed = generated.mix(_data(settings), load(settings.folder / "generated"))
    network = judge.train_judge(mixed, run, vae, start, settings.device)
    folder = settings.folder / "judge"
    save_network(network, text_encoder.new_tokenizer(), folder)
    save_kinds(kinds(), folder)


def _data(settings: Settings) -> Drawn:
    return load(settings.folder / "data")


STAGES: dict[str, Callable[[Settings], None]] = {
    "data": draw_data,
    "text_encoder": fit_text_encoder,
    "autoencoder": fit_autoencoder,
    "unet": fit_unet,
    "unet_refined": refine_unet,
    "judge": fit_judge,
    "generated": draw_generated,
    "judge_refined": refine_judge,
}
# Stages that several processes may train together.
SHARED = ("unet", "unet_refined")
