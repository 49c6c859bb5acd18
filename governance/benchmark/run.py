"""``benchmark edit``: a random model, our edit of it, the loop's, side by side."""

import platform
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from statistics import median

import torch
from torch import Tensor

from governance.benchmark.exactness import effect, error, reference
from governance.benchmark.measured import KeptEncoder, MeasuredBase, Seconds
from governance.benchmark.model import model_folder
from governance.benchmark.ours import Spent, copy_plainly, run_ours, write_changed
from governance.benchmark.published import Inputs, choose_layers, inputs, run_loop
from governance.benchmark.report import Loop, Ours, Report
from governance.benchmark.shapes import Shape, shape_named
from governance.benchmark.task import MOST, Task
from governance.benchmark.words import name
from governance.engine.apply import Edited
from governance.engine.edit import Concept, EditSpec
from governance.engine.reader import Reader
from governance.pipeline.folder import open_pipeline
from governance.service.solve import peak_mib

SAMPLES = 3
"""Texts that padded encoding is timed on."""
Progress = Callable[[str, int, int], None]


def benchmark_edit(task: Task, on_progress: Progress) -> Report:
    """Measure one edit, ours and the published loop's, in turn.

    Args:
        task: What is measured.
        on_progress: Called with a step's name, what is done and what there is in
            all; it may raise to stop, and nothing is left behind.

    Returns:
        What was measured.

    Raises:
        UsageError: The task is wrong.
    """
    task.check()
    shape = shape_named(task.shape)
    with _threads(task.threads), _place() as place:
        folder = model_folder(
            shape,
            task.folder.absolute() if task.folder else place / "model",
            lambda done, total: on_progress("make model", done, total),
        )
        base = MeasuredBase(open_pipeline(folder))
        return _measure(task, shape, base, place, on_progress)


@contextmanager
def _threads(count: int | None) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(count or before)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def _place() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="governance-benchmark-") as place:
        yield Path(place)


def spec_of(task: Task) -> EditSpec:
    """Return the edit that is measured: made-up names, made-up texts to keep."""
    names = [name(number) for number in range(task.edits)]
    if task.method == "time":
        concepts = tuple(Concept(f"a {text}", f"a red {text}") for text in names)
        return EditSpec("b" * 64, "update", "time", concepts)
    return EditSpec(
        "b" * 64,
        "erase",
        task.method,
        tuple(Concept(text, "art") for text in names),
        preserve=tuple(name(MOST + number) for number in range(task.preserve)),
    )


def _measure(
    task: Task, shape: Shape, base: MeasuredBase, place: Path, on_progress: Progress
) -> Report:
    spec = spec_of(task)
    on_progress("edit from disk to disk", 0, 1)
    edited, first = run_ours(spec, base)
    writes = [write_changed(base, edited, place)]
    peak = peak_mib()
    del edited
    on_progress("edit from disk to disk", 1, 1)
    given = inputs(spec, base.kept, Reader(base.kept, torch.float32))
    layers = choose_layers(base.weights.sites, given.rows, task.budget)
    sites = [site for site in base.weights.sites if site.key in layers.timed]
    match = Match(
        spec, base, given, {site.key: base.weights.read(site) for site in sites}
    )
    match.play(task.repeat, on_progress)
    writes += [write_changed(base, match.edited, place) for _ in range(task.repeat - 1)]
    changed = match.edited.tensors
    plain = [copy_plainly(base, changed, place) for _ in range(task.repeat)]
    loops = tuple(layers.scaled(seconds) for seconds in match.loops)
    solves = tuple(spent.solve for spent in match.spent)
    probe = min(match.old, key=lambda key: (match.old[key].shape[0], key))
    exact = reference(match.old[probe], given)
    ours = {key: changed.get(key, tensor) for key, tensor in match.old.items()}
    return Report(
        shape=shape.name,
        method=task.method,
        edits=task.edits,
        preserve=task.preserve,
        threads=torch.get_num_threads(),
        cpu=cpu_model(),
        layers=len(base.weights.sites),
        mib=shape.mib,
        rounds={"ours": solves, "loop": loops},
        texts=len(base.kept.texts),
        ours=Ours(
            encode=first.encode.wall,
            read=median(spent.read.wall for spent in match.spent),
            solve=median(spent.wall for spent in solves),
            solve_cpu=median(spent.cpu for spent in solves),
            write=median(writes),
            peak_mib=peak,
            effect=effect(match.old, ours, given),
            error=error(match.old[probe], ours[probe], exact),
            condition=match.edited.certificates[0].condition,
        ),
        loop=Loop(
            encode=_padded_seconds(base.kept, on_progress),
            prompts_timed=min(SAMPLES, len(base.kept.texts)),
            solve=median(spent.wall for spent in loops),
            solve_cpu=median(spent.cpu for spent in loops),
            layers_timed=len(layers.timed),
            extrapolated=layers.extrapolated,
            effect=effect(match.old, match.new, given),
            error=error(match.old[probe], match.new[probe], exact),
        ),
        plain=(median(one[0] for one in plain), median(one[1] for one in plain)),
    )


class Match:
    """Ours and the loop, in turn, on one model.

    Args:
        spec: The edit.
        base: The model.
        given: The same edit as the loop takes it.
        old: The matrices the loop is run on.
    """

    edited: Edited

    def __init__(
        self,
        spec: EditSpec,
        base: MeasuredBase,
        given: Inputs,
        old: Mapping[str, Tensor],
    ) -> None:
        self._spec = spec
        self._base = base
        self._given = given
        self.old = old
        self.new: Mapping[str, Tensor] = {}
        self.spent: list[Spent] = []
        self.loops: list[Mapping[str, Seconds]] = []
        self.order: list[str] = []

    def play(self, rounds: int, on_progress: Progress) -> None:
        """Run both once a round; who begins changes with every round."""
        sides = (self._run_ours, self._run_loop)
        for number in range(rounds):
            on_progress("ours and the loop in turn", number, rounds)
            for side in sides if number % 2 == 0 else reversed(sides):
                side()
        on_progress("ours and the loop in turn", rounds, rounds)

    def _run_ours(self) -> None:
        self.edited, spent = run_ours(self._spec, self._base)
        self.spent.append(spent)
        self.order.append("ours")

    def _run_loop(self) -> None:
        self.new, seconds = run_loop(self.old, self._given)
        self.loops.append(seconds)
        self.order.append("loop")


def _padded_seconds(encoder: KeptEncoder, on_progress: Progress) -> float:
    """Return what encoding every text alone and padded takes, from a few texts."""
    some = encoder.texts[:SAMPLES]
    encoder.encode_alone(some[0])  # opens the text encoders if nobody did before
    spent: list[float] = []
    for number, text in enumerate(some):
        on_progress("encode padded texts", number, len(some))
        start = time.perf_counter()
        encoder.encode_alone(text)
        spent.append(time.perf_counter() - start)
    on_progress("encode padded texts", len(some), len(some))
    return median(spent) * len(encoder.texts)


def cpu_model() -> str:
    """Return how the processor calls itself."""
    listed = Path("/proc/cpuinfo")
    lines = listed.read_text("utf-8").splitlines() if listed.is_file() else []
    named = [line.partition(":")[2] for line in lines if line.startswith("model name")]
    return named[0].strip() if named else platform.processor() or platform.machine()
