"""Train the miniature and its judge again: `python -m governance.miniature.train`."""

import argparse
import os
import socket
from pathlib import Path
from typing import Any

import torch
from torch import distributed
from torch.multiprocessing.spawn import spawn

from governance.miniature.training.stages import SHARED, STAGES, Settings


def main() -> None:
    """Run the stages that the command line names."""
    parser = argparse.ArgumentParser(prog="python -m governance.miniature.train")
    parser.add_argument("--stage", choices=STAGES, action="append", default=None)
    parser.add_argument("--out", type=Path, default=Path(".training"))
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    parser.add_argument("--resume", action="store_true")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument(
        "--scale", type=float, default=1.0, help="multiply every stage's steps"
    )
    given = parser.parse_args()
    os.environ["HF_HUB_OFFLINE"] = "1"
    os.environ["OMP_NUM_THREADS"] = "1"
    cuda = torch.cuda.is_available()
    device = ("cuda" if cuda else "cpu") if given.device == "auto" else given.device
    given.out.mkdir(parents=True, exist_ok=True)
    settings = Settings(
        given.out, device, given.resume, given.scale, max(1, given.processes)
    )
    for stage in given.stage or list(STAGES):
        together = stage in SHARED and device == "cpu" and given.processes > 1
        run_stage(stage, settings, given.processes if together else 1)


def run_stage(stage: str, settings: Settings, processes: int) -> None:
    """Run one stage, in one process or in several that share the batches.

    One thread a process: on a busy machine two threads of one process wait for
    each other far longer than two processes do.

    Args:
        stage: A key of `STAGES`.
        settings: What the command line decided.
        processes: How many processes train together.
    """
    torch.set_num_threads(1)
    if processes == 1:
        STAGES[stage](settings)
        return
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    arguments = (stage, settings, processes, port)
    start: Any = spawn
    start(_join, arguments, nprocs=processes)


def _join(
    index: int, stage: str, settings: Settings, processes: int, port: int
) -> None:
    torch.set_num_threads(1)
    address = f"tcp://127.0.0.1:{port}"
    distributed.init_process_group(
        "gloo", init_method=address, rank=index, world_size=processes
    )
    STAGES[stage](settings)
    distributed.destroy_process_group()


if __name__ == "__main__":
    main()
