"""How much faster last-token keys are encoded from prefixes than from padded prompts.

Run: ``python benchmarks/encode.py --shape clip-l``

Both ways run one random CLIP of the given shape in one process: its module on half of
the prompts, padded to 77 tokens, in batches of ``--batch``; the product's encoder on
the prefixes of all of them; then the module on the other half. Prints one JSON object;
its ratios are of padded over prefix, by wall clock and by processor time, and its
difference is the largest of any row over the size of that row.
"""

import argparse
import json
import random
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

from governance.canonical import JSON
from governance.pipeline.encoder import open_encoder
from governance.pipeline.folder import FileRecord, PipelineFolder, hash_file
from governance.pipeline.layout import weight_sets
from governance.pipeline.text_model import load_text_model


class Shape(NamedTuple):
    """Sizes of a CLIP text encoder."""

    width: int
    layers: int
    heads: int


class Seconds(NamedTuple):
    """Wall and processor seconds."""

    wall: float
    processor: float


SHAPES = {"tiny": Shape(24, 2, 4), "clip-l": Shape(768, 12, 12)}
ROWS = 77
WORDS = [a + b for a in "abcdefgh" for b in "abcdefgh"]


def build(folder: Path, shape: Shape) -> PipelineFolder:
    """Save a random text encoder and its tokenizer as a pipeline folder holds them."""
    vocabulary = {"<|startoftext|>": 0, "<|endoftext|>": 1}
    merges: Any = []
    for word in WORDS:
        first, second = word[0], f"{word[1]}</w>"
        for piece in (first, second, first + second):
            vocabulary.setdefault(piece, len(vocabulary))
        merges.append((first, second))
    config = CLIPTextConfig(
        vocab_size=len(vocabulary),
        hidden_size=shape.width,
        intermediate_size=4 * shape.width,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        max_position_embeddings=ROWS,
        projection_dim=shape.width,
        bos_token_id=0,
        eos_token_id=1,
        pad_token_id=1,
    )
    CLIPTextModel(config).save_pretrained(folder / "text_encoder")
    words = CLIPTokenizer(vocab=vocabulary, merges=merges, model_max_length=ROWS)
    words.save_pretrained(folder / "tokenizer")
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    files = tuple(
        FileRecord(
            path.relative_to(folder).as_posix(), path.stat().st_size, hash_file(path)
        )
        for path in paths
    )
    return PipelineFolder(folder, "sd1", files, weight_sets(folder, "text_encoder"))


def prompts(count: int) -> list[str]:
    """Return different prompts of two to five tokens."""
    chosen = random.Random(0)  # noqa: S311 - a benchmark's prompts are no secret
    found: dict[str, None] = {}
    while len(found) < count:
        found[" ".join(chosen.choices(WORDS, k=2 + len(found) % 4))] = None
    return list(found)


def timed(work: Callable[[], Tensor]) -> tuple[Tensor, Seconds]:
    """Run some work and time it."""
    wall, processor = time.perf_counter(), time.process_time()
    found = work()
    return found, Seconds(time.perf_counter() - wall, time.process_time() - processor)


def measure(shape: Shape, count: int, batch: int) -> dict[str, JSON]:
    """Time both ways on the same prompts and compare what they give."""
    with tempfile.TemporaryDirectory() as name:
        folder = build(Path(name), shape)
        options: Any = {"dtype": torch.float32, "device": "cpu", "overrides": {}}
        model = load_text_model(folder, "text_encoder", **options)
        encoder = open_encoder(folder)
        texts = prompts(count)
        last = {text: len(encoder.tokens(text).ids) - 2 for text in texts}

        def prefix(some: Sequence[str]) -> Tensor:
            return encoder.encode_at([(text, last[text]) for text in some])

        def padded(some: Sequence[str]) -> Tensor:
            rows = []
            for start in range(0, len(some), batch):
                part = some[start : start + batch]
                ids = [encoder.tokens(text).ids for text in part]
                full = torch.tensor([[*row, *[1] * (ROWS - len(row))] for row in ids])
                states = model.rows(full, None)
                rows += [state[last[t]] for t, state in zip(part, states, strict=True)]
            return torch.stack(rows)

        # Weights are read, and the kernels of every length tried, on prompts that are
        # not among those measured.
        warm = [" ".join([WORDS[0]] * count) for count in range(2, 6)]
        last |= {text: len(encoder.tokens(text).ids) - 2 for text in warm}
        prefix(warm)
        padded(warm)
        half = len(texts) // 2
        first, before = timed(lambda: padded(texts[:half]))
        ours, seconds = timed(lambda: prefix(texts))
        second, after = timed(lambda: padded(texts[half:]))
        theirs = torch.cat([first, second])
        distance = torch.linalg.norm(ours - theirs, dim=1)
        difference = float((distance / torch.linalg.norm(theirs, dim=1)).max())
    return {
        "prompts": count,
        "threads": torch.get_num_threads(),
        "batch": batch,
        **report(seconds, Seconds(*map(sum, zip(before, after, strict=True)))),
        "difference": difference,
    }


def report(prefix: Seconds, padded: Seconds) -> dict[str, JSON]:
    """Return seconds by way, and their ratios."""
    return {
        "prefix": {name: round(value, 3) for name, value in prefix._asdict().items()},
        "padded": {name: round(value, 3) for name, value in padded._asdict().items()},
        "ratio": round(padded.wall / prefix.wall, 2),
        "processor_ratio": round(padded.processor / prefix.processor, 2),
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the benchmark and print one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shape", choices=SHAPES, default="clip-l")
    parser.add_argument("--prompts", type=int, default=1100)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args(arguments)
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    found = measure(SHAPES[options.shape], options.prompts, options.batch)
    sys.stdout.write(f"{json.dumps({'shape': options.shape, **found})}\n")


if __name__ == "__main__":
    main()
