"""What a benchmark is asked for; nothing heavy is loaded to ask it."""

from dataclasses import dataclass
from pathlib import Path

from governance.benchmark.shapes import shape_named
from governance.errors import UsageError

MOST = 10_000
"""Largest number of concepts, and of texts to preserve."""
BUDGET = 30.0
"""Seconds a loop may take per round before it is timed on some matrices only."""
METHODS = ("uce", "uce-2023", "time")


@dataclass(frozen=True)
class Task:
    """What is measured.

    Args:
        shape: Which model.
        edits: Concepts to edit.
        preserve: Texts to preserve.
        method: uce, uce-2023 or time.
        threads: Threads; None leaves them as they are.
        repeat: Rounds.
        folder: Where the model is kept; None makes one and removes it.
        budget: Seconds a loop may take per round.
    """

    shape: str
    edits: int
    preserve: int
    method: str = "uce"
    threads: int | None = None
    repeat: int = 3
    folder: Path | None = None
    budget: float = BUDGET

    def check(self) -> None:
        """Refuse numbers that mean nothing.

        Raises:
            UsageError: One of them does; it is named.
        """
        shape_named(self.shape)
        for field, value, least, most in (
            ("edits", self.edits, 1, MOST),
            ("preserve", self.preserve, 0, MOST),
            ("repeat", self.repeat, 1, 1000),
            ("threads", 1 if self.threads is None else self.threads, 1, 1024),
        ):
            if not least <= value <= most:
                raise UsageError(
                    f"--{field} is wrong: expected {least} to {most}, found {value}"
                )
        if self.method not in METHODS:
            raise UsageError(
                f"--method is wrong: expected uce, uce-2023 or time, found "
                f"{ascii(self.method)[:40]}"
            )
        if self.method == "time" and self.preserve:
            raise UsageError(
                "--preserve is wrong: expected 0 with method time, whose prior is its "
                f"lambda alone, found {self.preserve}",
                "Use method uce.",
            )
