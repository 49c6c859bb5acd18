"""Measure everything the card states: `python -m governance.miniature.evaluate`."""

import argparse
import os
import platform
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from functools import partial
from itertools import accumulate
from pathlib import Path

import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL

from governance.miniature import judge_path, pipeline_path
from governance.miniature.canvas import Pixels
from governance.miniature.card import write_card
from governance.miniature.cases import defaults, generated_cases, unseen_colours
from governance.miniature.dataset import Drawn, draw_many
from governance.miniature.figures import Figures, figures_path, save_figures
from governance.miniature.judge_kinds import kinds
from governance.miniature.measuring import (
    CALIBRATION_SEED,
    DEFAULTS_SEED,
    Proportion,
    count_default,
    on_drawn,
    on_generated,
)
from governance.miniature.sampling import generate
from governance.miniature.training import batches
from governance.miniature.training.autoencoder import psnr
from governance.pipeline.judge_model import Judge, Kind, load_judge, save_kinds

Draw = Callable[[list[str], list[int]], Pixels]

HELD_OUT_SEED = 2
_DRAWN_COUNT = 2000


def main() -> None:
    """Measure, and write figures, calibration and card."""
    parser = argparse.ArgumentParser(prog="python -m governance.miniature.evaluate")
    parser.add_argument("--count", type=int, default=208, help="prompts of each kind")
    parser.add_argument("--seeds", type=int, default=50, help="seeds of each default")
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
    cases = {kind: generated_cases(kind, count) for kind in judge.kinds}
    unseen = unseen_colours()
    asked = list(dict.fromkeys(default.prompt for default in defaults()))
    prompts = [case.prompt for group in (*cases.values(), unseen) for case in group]
    numbers = [CALIBRATION_SEED + number for number in range(len(prompts))]
    again = [DEFAULTS_SEED + number for _ in asked for number in range(seeds)]
    began = time.monotonic()
    images = draw(
        [*prompts, *(p for p in asked for _ in range(seeds))], numbers + again
    )
    pace = len(images) / (time.monotonic() - began)
    parts = _split(images, [*(len(group) for group in cases.values()), len(unseen)])
    right = {
        kind: on_generated(judge, part, kind, group)
        for (kind, group), part in zip(cases.items(), parts, strict=False)
    }
    _say("generated", right)
    shown = _defaults(judge, images[len(prompts) :], asked, seeds)
    _say("default", shown)
    return Figures(
        machine=_machine(),
        drawn=on_drawings,
        generated=right,
        unseen_colours=on_generated(judge, parts[-1], "colour", unseen),
        defaults=shown,
        psnr=_psnr(drawn),
        images_a_second=round(pace, 2),
    )


def _split(images: Pixels, sizes: list[int]) -> list[Pixels]:
    ends = list(accumulate(sizes))
    return [images[end - size : end] for size, end in zip(sizes, ends, strict=True)]


def _defaults(
    judge: Judge, images: Pixels, asked: list[str], seeds: int
) -> dict[str, Proportion]:
    parts = dict(zip(asked, _split(images, [seeds] * len(asked)), strict=True))
    return {
        default.name: count_default(judge, parts[default.prompt], default)
        for default in defaults()
    }


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
