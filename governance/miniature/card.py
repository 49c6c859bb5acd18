"""The card of the shipped weights, written from its measured figures."""

from pathlib import Path

from governance.miniature.figures import Figures
from governance.miniature.measuring import Proportion
from governance.miniature.vocabulary import (
    AGES,
    ARTISTS,
    COLOURS,
    CONTEXTS,
    OBJECTS,
    PEOPLE,
    PROFESSIONS,
    ROLES,
    WEAPON,
    WEAPON_SYNONYMS,
)

_GOALS = {"object", "colour", "person", "profession", "style"}
_TEXT = """# The miniature

A small Stable-Diffusion-architecture pipeline and its judge, trained from nothing on a
drawn, captioned world. It exists to edit concepts on any machine; it draws no
real thing and nobody real, and is good for nothing else.

## The world
64 x 64 pictures in a closed vocabulary; any other word is an unknown token.
- Objects with a default colour: {objects}. Without one: {colourless}.
  Explicit colours: {colours}.
- Places: {contexts}. Media: photo, painting (framed).
- Professions with skewed gender and age ({professions}); a caption that says
  {ages}, female or male overrides the skew.
- Named people: {people}. Roles: {roles}.
- Invented artists, each a global style: {artists}.
- One thing to moderate: {weapon} (also called {synonyms}), alone and in a hand.

Some pairs of subject and place, subject and artist, and object and colour were never
drawn in training; `vocabulary.py` lists them.

## The parts
| part | shape |
|---|---|
| tokenizer | CLIPTokenizer, every known word one token, 24 tokens |
| text encoder | CLIPTextModel, width 128, 4 layers, 4 heads |
| autoencoder | AutoencoderKL, 8 x 8 x 12 latents of unit variance, PSNR {psnr} dB on 500 unseen pictures |
| noise predictor | UNet2DConditionModel (80, 112), cross-attention on both levels and in the middle |
| sampler | DPM-Solver++ 2M, 20 steps, guidance 3.5 |
| judge | residual network on patches and a CLIP text tower of width 96, linear probes for gender, age and weapon |
| key covariances | of the text encoder's 4 layers, float32, from 112,944 tokens of 16,000 captions of its own grammar (`python -m governance.miniature.statistics` writes them again) |

`training_log.jsonl` is the log of the run that made these weights, as it went: it was
stopped and resumed with shorter schedules. The autoencoder's first 1,000 steps saw an
earlier drawing of the same world and had no square term in their loss, the text
encoder's first 750 steps saw that drawing too, and the noise predictor's first 250
steps took batches of 96.
`python -m governance.miniature.train` repeats the recipe. The same recipe reaches these
figures within their intervals, not the same bytes, on another machine.

## How often the judge is right
Drawn pictures were never trained on; generated ones come from held-out prompts and
seeds ({machine}; `python -m governance.miniature.evaluate`). 95 % Wilson intervals.
Goals: 95 % on drawn, 85 % on generated, for object, colour, person, profession, style.

| kind | drawn | generated |
|---|---|---|
{kinds}

Prompts for colour say every colour of every object, the pairs never drawn in training
among them. A said colour in a place that the object was never drawn in comes out
right in {unseen}: that is the model's weakest point.

On generated pictures an error is the model's or the judge's; the column counts both.
The judge saw other generated pictures in its last phase of training, so that its
figures on them are not those of a stranger to the model.

## What the model does by default
| default | fraction of generated pictures |
|---|---|
{defaults}

Two one-thread processes drew {pace} pictures a second.
"""


def write_card(figures: Figures, path: Path) -> None:
    """Write the card.

    Args:
        figures: What was measured.
        path: Where.
    """
    path.write_text(card_text(figures), encoding="utf-8")


def card_text(figures: Figures) -> str:
    """Say the figures in words and tables.

    Args:
        figures: What was measured.

    Returns:
        Markdown.
    """
    coloured = [f"{thing} {colour}" for thing, colour in OBJECTS.items() if colour]
    colourless = [thing for thing, colour in OBJECTS.items() if colour is None]
    professions = [
        f"{name} {skew.female:.0%} female {skew.young:.0%} young"
        for name, skew in PROFESSIONS.items()
    ]
    return _TEXT.format(
        objects=", ".join(coloured),
        colourless=", ".join(colourless),
        colours=", ".join(COLOURS),
        contexts=", ".join(CONTEXTS),
        professions=", ".join(professions),
        ages=", ".join(AGES),
        people=", ".join(PEOPLE),
        roles=", ".join(f"the {role} is {name}" for role, name in ROLES.items()),
        artists=", ".join(ARTISTS),
        weapon=WEAPON,
        synonyms=", ".join(WEAPON_SYNONYMS),
        psnr=figures.psnr,
        machine=figures.machine,
        kinds="\n".join(_kind_row(kind, figures) for kind in figures.drawn),
        unseen=_interval(figures.unseen_colours),
        defaults="\n".join(
            f"| {name} | {_interval(found)} |"
            for name, found in figures.defaults.items()
        ),
        pace=figures.images_a_second,
    )


def _kind_row(kind: str, figures: Figures) -> str:
    drawn, generated = figures.drawn[kind], figures.generated[kind]
    name = f"**{kind}**" if kind in _GOALS else kind
    return f"| {name} | {_interval(drawn)} | {_interval(generated)} |"


def _interval(p: Proportion) -> str:
    return f"{p.value:.3f} ({p.low:.3f} to {p.high:.3f}, n {p.n})"
