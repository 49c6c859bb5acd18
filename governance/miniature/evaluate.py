"""Measure everything the card states: `python -m governance.miniature.evaluate`."""

import argparse
import os
import platform
import sys
import time
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path

import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL

from governance.miniature import judge_path, pipeline_path
from governance.miniature.card import write_card
from governance.miniature.cases import Default, defaults
from governance.miniature.dataset import Drawn, draw_many
from governance.miniature.figures import Figures, figures_path, save_figures
from governance.miniature.judge_kinds import kinds
from governance.miniature.measuring import (
    DEFAULTS_SEED,
    Draw,
    Proportion,
    count_default,
    on_drawn,
    on_generated,
)
from governance.miniature.sampling import generate
from governance.miniature.training import batches
from governance.miniature.training.autoencoder import psnr
from governance.pipeline.judge_model import Judge, Kind, load_judge, save_kinds

HELD_OUT_SEED = 2
_DRAWN_COUNT = 2000


def main() -> None:
    """Measure, and write figures, calibration and card."""
    parser = argparse.ArgumentParser(prog="python -m governance.miniature.evaluate")
    parser.add_argument("--count", type=int, default=208, help="prompts of each kind")
    parser.add_argument("--seeds", type=int, default=100, help="seeds of each default")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--keep", action="store_true", help="write nothing")
    given = parser.parse_args()
    os.environ["HF_HUB_OFFLINE"] = "1"
    torch.set_num_threads(1)
    judge = load_judge(judge_path())
    draw = partial(generate, pipeline_path(), processes=given.processes)
    drawn = draw_many(_DRAWN_COUNT, HELD_OUT_SEED, workers=given.processes)
    figures = measure(judge, draw, drawn, given.count, given.seeds)
    if given.keep:
        return
    save_figures(figures, figures_path())
    save_kinds(calibrated(figures), judge_path())
    write_card(figures, Path(__file__).resolve().parent / "CARD.md")


def measure(judge: Judge, draw: Draw, drawn: Drawn, count: int, seeds: int) -> Figures:
    """Measure everything, saying each figure as it comes.

    Args:
        judge: The judge.
        draw: Gives one image for each prompt and seed.
        drawn: Drawn images that were never trained on.
        count: Generated images of each kind.
        seeds: Generated images of each default.

    Returns:
        The figures.
    """
    on_drawings = {kind: on_drawn(judge, drawn, kind) for kind in judge.kinds}
    _say("drawn", on_drawings)
    began = time.monotonic()
    on_pictures = {k: on_generated(judge, draw, k, count) for k in judge.kinds}
    pace = count * len(on_pictures) / (time.monotonic() - began)
    _say("generated", on_pictures)
    shown = measure_defaults(judge, draw, seeds)
    _say("default", shown)
    return Figures(
        _machine(), on_drawings, on_pictures, shown, _psnr(drawn), round(pace, 2)
    )


def measure_defaults(judge: Judge, draw: Draw, seeds: int) -> dict[str, Proportion]:
    """Measure every default, drawing each prompt once.

    Args:
        judge: The judge.
        draw: Gives one image for each prompt and seed.
        seeds: Images of each prompt.

    Returns:
        Name of the default to how often it shows.
    """
    asked: dict[str, list[Default]] = {}
    for default in defaults():
        asked.setdefault(default.prompt, []).append(default)
    found = {}
    for prompt, counted in asked.items():
        numbers = [DEFAULTS_SEED + number for number in range(seeds)]
        images = draw([prompt] * seeds, numbers)
        for default in counted:
            found[default.name] = count_default(judge, images, default)
    return found


def calibrated(figures: Figures) -> dict[str, Kind]:
    """Put what was measured into the judge's kinds.

    Args:
        figures: What was measured.

    Returns:
        Kinds with their calibration.
    """
    return {
        name: replace(
            kind,
            calibration={
                "drawn": asdict(figures.drawn[name]),
                "generated": asdict(figures.generated[name]),
            },
        )
        for name, kind in kinds().items()
    }


@torch.no_grad()
def _psnr(drawn: Drawn) -> float:
    model = AutoencoderKL.from_pretrained(str(pipeline_path()), subfolder="vae")
    pixels = batches.scaled(drawn.images[:500])
    decoded = model.decode(model.encode(pixels).latent_dist.mean).sample
    return round(float(psnr(decoded, pixels).mean()), 2)


def _machine() -> str:
    name = platform.processor() or platform.machine()
    information = Path("/proc/cpuinfo")
    if information.is_file():
        lines = information.read_text(encoding="utf-8").splitlines()
        models = [
            line.split(":", 1)[1].strip() for line in lines if "model name" in line
        ]
        name = models[0] if models else name
    return f"{os.cpu_count()} cores of {name}, {platform.system()}"


def _say(title: str, found: dict[str, Proportion]) -> None:
    for name, p in found.items():
        line = f"{title}: {name} {p.value:.3f} ({p.low:.3f} to {p.high:.3f}, n {p.n})\n"
        sys.stderr.write(line)


if __name__ == "__main__":
    main()
