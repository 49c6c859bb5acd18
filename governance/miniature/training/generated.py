"""Generated images of new scenes, so that the judge knows the model's hand."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from governance.miniature.captioning import caption
from governance.miniature.dataset import CAPTIONS_PER_IMAGE, Drawn
from governance.miniature.sampling import generate
from governance.miniature.scene import Scene, sample_scene

SEED = 53
_FIRST_NOISE_SEED = 1_000_000
# So many drawn images to each one that is generated.
_DRAWN_TO_GENERATED = 2


def generate_scenes(pipeline: Path, count: int, processes: int) -> Drawn:
    """Generate captions of freshly sampled scenes, none of them held out.

    Args:
        pipeline: The trained pipeline's folder.
        count: How many.
        processes: One-thread processes.

    Returns:
        Generated images; of each scene only what its caption says is kept.
    """
    rng = np.random.default_rng(SEED)
    scenes = [sample_scene(rng) for _ in range(count)]
    captions = [caption(scene, rng) for scene in scenes]
    seeds = [_FIRST_NOISE_SEED + number for number in range(count)]
    images = generate(pipeline, captions, seeds, processes=processes)
    repeated = [[text] * CAPTIONS_PER_IMAGE for text in captions]
    return Drawn(images, [_said(scene) for scene in scenes], repeated)


def _said(scene: Scene) -> Scene:
    gender = scene.gender if scene.says_gender or scene.kind == "named" else None
    return replace(scene, gender=gender, age=scene.age if scene.says_age else None)


def mix(drawn: Drawn, generated: Drawn) -> Drawn:
    """Put generated images among drawn ones, repeated to a third of all.

    Args:
        drawn: The training set.
        generated: What `generate_scenes` gave.

    Returns:
        One data set.
    """
    kept = min(len(drawn), 20_000)
    times = max(1, kept // (_DRAWN_TO_GENERATED * len(generated)))
    images = [np.asarray(drawn.images[:kept]), *([generated.images] * times)]
    return Drawn(
        np.concatenate(images),
        drawn.scenes[:kept] + generated.scenes * times,
        drawn.captions[:kept] + generated.captions * times,
    )
