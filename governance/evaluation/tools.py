"""What every measurement uses: one model, one judge, workers, finished cells."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from governance.checks.drawing import Drawable, Drawer, Sampler
from governance.checks.judging import Floor, Judge
from governance.checks.seeds import search_seeds, seeds_for
from governance.evaluation.cells import Cells
from governance.pipeline.base import PipelineBase
from governance.service.facade import ProgressCallback
from governance.service.parts.searching import Observatory

STEPS, GUIDANCE = 20, 3.0
FLOOR = Floor(accuracy=0.85, images=100)
_NAME = "evaluate/v1"

Picked: TypeAlias = Callable[[str, int], tuple[int, ...]]


@dataclass(frozen=True)
class Tools:
    """One model and what it is measured with.

    Args:
        base: The untouched model.
        judge: Who says what pictures show.
        judged_by: Digest of the judge.
        drawer: Who draws.
        cells: What was measured before.
        images: Folder of drawn images; none is kept where omitted.
        progress: Told about every step.
        device: Where the algebra runs.
        statistics: Digest of the key covariances that text-encoder edits use.
        stage_one: Folder of finished stage ones; none is kept where omitted.
        sampler: How images are drawn.
    """

    base: PipelineBase
    judge: Judge
    judged_by: str
    drawer: Drawer
    cells: Cells
    images: Path | None
    progress: ProgressCallback
    device: str = "cpu"
    statistics: str | None = None
    stage_one: Path | None = None
    sampler: Sampler = field(default=Sampler(STEPS, GUIDANCE))

    @property
    def model(self) -> str:
        """Digest of the model."""
        return self.base.folder.digest

    def untouched(self) -> Drawable:
        """Return the base's own weights, ready to be drawn from."""
        return Drawable(self.base.folder, "base")

    def observatory(self) -> Observatory:
        """Return where a debias search looks; its seeds are never measured with."""
        return Observatory(
            base=self.base,
            judge=self.judge,
            drawer=self.drawer,
            sampler=self.sampler,
            seeds=lambda prompt, count: search_seeds(_NAME, prompt, count),
            device=self.device,
            cache=self.images,
        )


def measuring_seeds(
    prompt: str, count: int, published: tuple[int, ...] = ()
) -> tuple[int, ...]:
    """Return the seeds a prompt is drawn with, whoever is measured.

    Args:
        prompt: The prompt.
        count: How many.
        published: Seeds that the data set names; they come first.
    """
    more = seeds_for(_NAME, "measure", prompt, count)
    return (*published, *more)[:count]
