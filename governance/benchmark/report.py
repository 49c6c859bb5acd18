"""What a benchmark found, as the command's document."""

from collections.abc import Mapping
from dataclasses import dataclass

from governance.benchmark.exactness import Effect
from governance.benchmark.measured import Seconds
from governance.canonical import JSON


@dataclass(frozen=True)
class Ours:
    """Our own code; seconds are medians over the rounds, but for encoding.

    Args:
        encode: Seconds of the first round, which reads the text encoders and encodes
            every text once.
        read: Seconds to read the matrices.
        solve: Seconds of the algebra, with rounding, norms and certificates.
        solve_cpu: The same as the processors' own clock counts it.
        write: Seconds to write the files that changed.
        peak_mib: Largest memory of the process after the first whole edit.
        effect: Residual and drift of the rounded weights.
        error: Relative error of their change, against float64.
        condition: Condition number of the joint system.
    """

    encode: float
    read: float
    solve: float
    solve_cpu: float
    write: float
    peak_mib: float
    effect: Effect
    error: float
    condition: float

    @property
    def total(self) -> float:
        """Return the seconds of one edit from disk to disk."""
        return self.encode + self.read + self.solve + self.write


@dataclass(frozen=True)
class Loop:
    """The published loop.

    Args:
        encode: Seconds to encode every text alone, padded to the full length.
        prompts_timed: How many texts that was scaled from.
        solve: Seconds of all matrices.
        solve_cpu: The same as the processors' own clock counts it.
        layers_timed: How many matrices were run.
        extrapolated: Whether ``solve`` is scaled from those.
        effect: Residual and drift of its float32 weights.
        error: Relative error of their change, against float64.
    """

    encode: float
    prompts_timed: int
    solve: float
    solve_cpu: float
    layers_timed: int
    extrapolated: bool
    effect: Effect
    error: float


@dataclass(frozen=True)
class Report:
    """One benchmark.

    Args:
        shape: Which model it looks like.
        method: Which method.
        edits: Concepts edited.
        preserve: Texts preserved.
        threads: Threads both sides used.
        cpu: Model of the processor.
        layers: Cross-attention matrices of the model.
        mib: Their size.
        rounds: Time of every round, ours and the loop's.
        texts: Distinct texts that were encoded.
        ours: Our own code.
        loop: The published loop.
        plain: Seconds to read and to write the changed files untouched.
    """

    shape: str
    method: str
    edits: int
    preserve: int
    threads: int
    cpu: str
    layers: int
    mib: float
    rounds: Mapping[str, tuple[Seconds, ...]]
    texts: int
    ours: Ours
    loop: Loop
    plain: tuple[float, float]

    @property
    def ratio(self) -> float:
        """Return loop solve over our solve."""
        return self.loop.solve / self.ours.solve

    @property
    def ratio_cpu(self) -> float:
        """Return the same by the processors' own clock: less noise on a busy machine."""
        return self.loop.solve_cpu / self.ours.solve_cpu

    @property
    def ratio_total(self) -> float:
        """Return both from disk to disk: the loop reads and writes as fast as we do."""
        same = self.ours.read + self.ours.write
        return (self.loop.encode + self.loop.solve + same) / self.ours.total

    @property
    def over_plain(self) -> float:
        """Return reading, solving and writing over reading and writing alone."""
        ours = self.ours.read + self.ours.solve + self.ours.write
        return ours / sum(self.plain)

    @property
    def findings(self) -> tuple[str, ...]:
        """Return what is not as it should be: exact and fast."""
        found = []
        if not self.ours.error < self.loop.error:
            found.append(
                f"our error is {self.ours.error:.1e}, the loop's {self.loop.error:.1e}"
            )
        if not self.ratio > 1:
            found.append(f"the loop is {1 / self.ratio:.1f} times as fast")
        return tuple(found)

    def as_json(self) -> dict[str, JSON]:
        """Return the document of ``governance benchmark edit --json``."""
        ours, loop = self.ours, self.loop
        return {
            "shape": self.shape,
            "method": self.method,
            "edits": self.edits,
            "preserve": self.preserve,
            "threads": self.threads,
            "cpu": self.cpu,
            "layers": self.layers,
            "mib": self.mib,
            "texts": self.texts,
            "ours": {
                "encode": ours.encode,
                "read": ours.read,
                "solve": ours.solve,
                "solve_cpu": ours.solve_cpu,
                "write": ours.write,
                "total": ours.total,
                "peak_mib": ours.peak_mib,
                "residual": ours.effect.residual,
                "drift": ours.effect.drift,
                "error": ours.error,
                "condition": ours.condition,
            },
            "loop": {
                "encode": loop.encode,
                "prompts_timed": loop.prompts_timed,
                "solve": loop.solve,
                "solve_cpu": loop.solve_cpu,
                "layers_timed": loop.layers_timed,
                "extrapolated": loop.extrapolated,
                "residual": loop.effect.residual,
                "drift": loop.effect.drift,
                "error": loop.error,
            },
            "ratio": self.ratio,
            "ratio_cpu": self.ratio_cpu,
            "ratio_total": self.ratio_total,
            "plain": {"read": self.plain[0], "write": self.plain[1]},
            "over_plain": self.over_plain,
            "rounds": {
                name: [spent.wall for spent in every]
                for name, every in self.rounds.items()
            },
            "findings": list(self.findings),
        }
