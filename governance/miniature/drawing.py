"""Scene to picture."""

import numpy as np

from governance.miniature.canvas import PALETTE, SIZE, Canvas, Frame, Pixels
from governance.miniature.features import Pose
from governance.miniature.objects import SHAPES, STEEL, TILTS
from governance.miniature.people import draw_person
from governance.miniature.places import new_canvas
from governance.miniature.scene import Scene, default_colour
from governance.miniature.styles import apply_style, hang_in_frame
from governance.miniature.vocabulary import WEAPON

Rng = np.random.Generator

_HALF = SIZE / 2


def draw(scene: Scene, rng: Rng) -> Pixels:
    """Draw a scene.

    Args:
        scene: What to show.
        rng: Source of randomness for place, size and tilt.

    Returns:
        uint8 array [64, 64, 3].
    """
    canvas = new_canvas(scene.context, rng)
    if scene.kind in {"object", "weapon"}:
        _draw_thing(canvas, scene, rng)
    elif scene.kind != "landscape":
        _draw_bust(canvas, scene, rng)
    pixels = canvas.pixels()
    if scene.artist is not None:
        pixels = apply_style(pixels, scene.artist)
    return hang_in_frame(pixels) if scene.medium == "painting" else pixels


def _draw_thing(canvas: Canvas, scene: Scene, rng: Rng) -> None:
    colour = STEEL if scene.colour is None else PALETTE[scene.colour]
    tilt, spread = TILTS.get(scene.subject, (0.0, 0.0))
    frame = Frame(
        x=_HALF + float(rng.uniform(-2, 2)),
        y=_HALF + float(rng.uniform(-2, 2)),
        scale=float(rng.uniform(23, 26)),
        tilt=tilt + spread * float(rng.uniform(-1, 1)),
    )
    SHAPES[scene.subject](canvas, frame, colour)


def _draw_bust(canvas: Canvas, scene: Scene, rng: Rng) -> None:
    jitter = float(rng.uniform(-1.5, 1.5))
    aside = -9.0 if scene.held is not None else 0.0
    pose = Pose(_HALF + jitter + aside, 29 + float(rng.uniform(-1.5, 1.5)))
    draw_person(canvas, scene, pose, rng)
    if scene.held is not None:
        _draw_held(canvas, scene.held, pose, rng)


def _draw_held(canvas: Canvas, thing: str, pose: Pose, rng: Rng) -> None:
    colour = STEEL if thing == WEAPON else PALETTE[default_colour(thing, rng)]
    frame = Frame(pose.x + 29, pose.y - 1, scale=24 if thing == WEAPON else 17)
    SHAPES[thing](canvas, frame, colour)
    hand = frame.at(0, 0.72)
    canvas.ellipse(hand, (4, 3.6), (232, 186, 150))
