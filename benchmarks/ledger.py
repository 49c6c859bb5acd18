"""How long the ledger takes to open, append and verify.

Run: ``python benchmarks/ledger.py --entries 100000 --directory DIR``
"""

import argparse
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from governance.canonical import JSON
from governance.domain.signoff import Head
from governance.ledger.database import sqlite_url
from governance.ledger.log import Ledger
from governance.ledger.notary import Notary

NOW = "2026-03-01T12:00:00Z"
# About what a sign-off takes.
DATA: dict[str, JSON] = {
    "candidate": "a" * 64,
    "statement": {"comment": "x" * 400, "value": 0.93},
}
BATCH = 1000
APPENDS = 200
MEBI = 1024


def timed(work: Callable[[], object]) -> tuple[float, float]:
    """Return the wall and processor seconds of some work."""
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - wall, time.process_time() - cpu


def fill(ledger: Ledger, count: int) -> None:
    """Append entries in large transactions."""
    for _ in range(count // BATCH):
        with ledger.write() as transaction:
            for _ in range(BATCH):
                transaction.append("SignOffGiven", "ada", DATA, now=NOW)


def report(name: str, wall: float, cpu: float) -> None:
    """Print one line."""
    sys.stdout.write(f"{name:<34} {wall * 1000:10.1f} ms {cpu * 1000:10.1f} ms\n")
    sys.stdout.flush()


def main() -> None:
    """Run the benchmark and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--entries", type=int, default=100_000)
    parser.add_argument("--directory", type=Path, default=None)
    options = parser.parse_args()
    sys.stdout.write(f"{'':<34} {'wall':>13} {'processor':>13}\n")
    with tempfile.TemporaryDirectory(dir=options.directory) as name:
        folder = Path(name)
        notary = Notary.create(folder, "example.org/benchmark")
        url = sqlite_url(folder / "ledger.db")
        with Ledger.open(url, create=True, notary=notary) as ledger:
            wall, cpu = timed(lambda: fill(ledger, options.entries))
            report(f"fill, {options.entries} entries", wall, cpu)
            times = [
                timed(lambda: ledger.append("SignOffGiven", "ada", DATA, now=NOW))
                for _ in range(APPENDS)
            ]
            walls, cpus = zip(*times, strict=True)
            report(
                "append, signed and synced (median)",
                statistics.median(walls),
                statistics.median(cpus),
            )

        def look() -> Head:
            with Ledger.open(url, notary=notary) as opened:
                return opened.head()

        report("open and read the head", *timed(look))
        with Ledger.open(url, readonly=True, notary=notary) as ledger:
            size = ledger.head().size
            report(
                "one inclusion proof", *timed(lambda: ledger.inclusion_proof(7, size))
            )
            report(f"verify, {size} entries", *timed(ledger.verify))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / MEBI
    sys.stdout.write(f"{'peak memory':<34} {peak:10.1f} MiB\n")


if __name__ == "__main__":
    main()
