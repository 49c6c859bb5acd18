"""Seconds per concept of ReFACT's and EMCID's stage one, ours and the published loop's.

Run: ``python benchmarks/stage_one.py --shape sd14 --device cuda --steps 200``

Both run on one random model of the given shape in one process. Ours optimises concepts
in batches and runs, each step, only what lies above the edited layer and, for EMCID, one
pass of the noise predictor. The loop optimises them one after another as the published
code does: each step it runs the whole text encoder, the destination's passes (for ReFACT
the contrast captions' too), and, for EMCID, the autoencoder. Drawing images of the
destination is left out of both. On CUDA ours runs in bfloat16 with deltas and losses in
float32, the loop in float32 as published. Prints one JSON object.
"""

import argparse
import json
import platform
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

from governance.canonical import JSON
from governance.engine.edit import Concept, EditSpec
from governance.engine.stage_one.emcid import emcid_values
from governance.engine.stage_one.refact import refact_values
from governance.engine.stage_one.scenes import EmcidTarget
from governance.engine.text_presets import (
    EmcidParameters,
    RefactParameters,
    emcid_layers,
    emcid_parameters,
    refact_layer,
    refact_parameters,
)
from governance.pipeline.folder import FileRecord, PipelineFolder, hash_file
from governance.pipeline.layout import weight_sets
from governance.pipeline.stage_one_text import PipelineTail, open_tails

# diffusers ships no types for what is used here.
diffusers: Any = import_module("diffusers")


class Shape(NamedTuple):
    """Sizes of a model.

    Args:
        width: Of the text encoder.
        layers: Of the text encoder.
        heads: Of the text encoder.
        blocks: Channels of the noise predictor by level.
        norm: Groups of its normalisations.
        side: Of a latent.
        vae: Channels of the autoencoder by level.
    """

    width: int
    layers: int
    heads: int
    blocks: tuple[int, ...]
    norm: int
    side: int
    vae: tuple[int, ...]


SHAPES = {
    "tiny": Shape(24, 4, 4, (8, 12), 2, 8, (4, 8)),
    "sd14": Shape(768, 12, 12, (320, 640, 1280, 1280), 32, 64, (128, 256, 512, 512)),
}
ROWS = 77
WORDS = [a + b for a in "abcdefgh" for b in "abcdefgh"]
CONTRAST = [f"{one} {other}" for one, other in zip(WORDS, WORDS[40:], strict=False)][
    :20
]
REFACT_TEMPLATES = ["{}", "ab {}", "cd {}", "ef {}"]
EMCID_TEMPLATES = ["{}", "ab {}", "cd {}"]


def text_folder(folder: Path, shape: Shape) -> PipelineFolder:
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


class RandomNoise:
    """A noise predictor and an autoencoder with random weights, in memory.

    Args:
        shape: Their sizes.
        device: Where they compute.
    """

    def __init__(self, shape: Shape, device: str) -> None:
        levels = len(shape.blocks)
        attended = levels - 1
        self.unet: Any = diffusers.UNet2DConditionModel(
            sample_size=shape.side,
            block_out_channels=shape.blocks,
            layers_per_block=2 if levels > 2 else 1,
            norm_num_groups=shape.norm,
            down_block_types=("CrossAttnDownBlock2D",) * attended + ("DownBlock2D",),
            up_block_types=("UpBlock2D",) + ("CrossAttnUpBlock2D",) * attended,
            attention_head_dim=8 if levels > 2 else 4,
            cross_attention_dim=shape.width,
        )
        self.vae: Any = diffusers.AutoencoderKL(
            block_out_channels=shape.vae,
            down_block_types=("DownEncoderBlock2D",) * len(shape.vae),
            up_block_types=("UpDecoderBlock2D",) * len(shape.vae),
            layers_per_block=2 if levels > 2 else 1,
            norm_num_groups=32 if levels > 2 else 1,
            latent_channels=4,
        )
        for module in (self.unet, self.vae):
            module.to(device).requires_grad_(requires_grad=False).train(mode=False)
        self.schedule: Any = diffusers.DDPMScheduler(
            beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear"
        )
        self.device = device
        self.latent = (4, shape.side, shape.side)
        self.pixels = shape.side * 2 ** (len(shape.vae) - 1)
        self.times = 1000

    def draw(self, wishes: Sequence[tuple[str, int]]) -> Tensor:
        """Return random latents: what is drawn is not measured."""
        chance = torch.Generator("cpu").manual_seed(0)
        found = torch.randn((len(wishes), *self.latent), generator=chance)
        return found.to(self.device)

    def encode(self, images: Sequence[bytes]) -> Tensor:
        """Return random latents; no image is read here."""
        return self.draw([("", 0)] * len(images))

    def noised(self, latents: Tensor, noise: Tensor, times: Tensor) -> Tensor:
        """Add noise [n, c, h, w] to latents at times [n]."""
        found: Tensor = self.schedule.add_noise(latents, noise, times)
        return found

    def truth(self, latents: Tensor, noise: Tensor, times: Tensor) -> Tensor:
        """Return the noise itself."""
        del latents, times
        return noise

    def predict(
        self, noisy: Tensor, times: Tensor, rows: Tensor, pooled: Tensor | None
    ) -> Tensor:
        """Predict noise as the pipeline's own predictor does."""
        del pooled
        fast = self.device.startswith("cuda")
        with torch.autocast("cuda", torch.bfloat16, enabled=fast):
            found: Tensor = self.unet(noisy, times, encoder_hidden_states=rows).sample
        return found


class Loop:
    """The published loops, one concept at a time, in float32.

    Args:
        tail: The text encoder.
        noise: The noise predictor and the autoencoder.
        steps: Adam steps.
    """

    def __init__(self, tail: PipelineTail, noise: RandomNoise, steps: int) -> None:
        self._tail = tail
        self._noise = noise
        self._steps = steps
        self._clip: Any = tail.clip

    def refact(self, concept: Concept, layer: int) -> Tensor:
        """Optimise one ReFACT value: every step encodes every prompt anew."""
        module = self._clip.encoder.layers[layer].mlp.fc2
        edited = [t.replace("{}", concept.phrase) for t in REFACT_TEMPLATES]
        wanted = [t.replace("{}", concept.destination or "") for t in REFACT_TEMPLATES]
        shown = [t.replace("{}", concept.source) for t in REFACT_TEMPLATES]

        def loss(delta: Tensor) -> Tensor:
            found = self._ends(edited, module, delta)
            with torch.no_grad():
                near = [self._ends(texts) for texts in (wanted, shown)]
                others = self._ends(CONTRAST)
            far = torch.cdist(found, others)
            distances = [torch.linalg.norm(found - one, dim=1) for one in near]
            chances = torch.cat((torch.stack(distances, dim=1), far), dim=1)
            return -torch.log_softmax(-chances, dim=1)[:, 0].mean()

        return self._descend(loss, 0.05)

    def emcid(self, concept: Concept, layer: int) -> Tensor:
        """Optimise one EMCID state: every step encodes images and destination anew."""
        module = self._clip.encoder.layers[layer]
        edited = [t.replace("{}", concept.phrase) for t in EMCID_TEMPLATES]
        wanted = [t.replace("{}", concept.destination or "") for t in EMCID_TEMPLATES]
        count = len(edited)
        side = self._noise.pixels
        images = torch.rand((count, 3, side, side), device=self._noise.device) * 2 - 1

        def loss(delta: Tensor) -> Tensor:
            with torch.no_grad():
                latents = self._noise.vae.encode(images).latent_dist.sample()
                there = self._rows(wanted)
            noise = torch.randn_like(latents)
            times = torch.randint(0, self._noise.times, (count,), device=latents.device)
            noisy = self._noise.noised(latents, noise, times)
            rows = self._rows(edited, module, delta)
            found = self._noise.unet(noisy, times, rows).sample
            with torch.no_grad():
                said = self._noise.unet(noisy, times, there).sample
            ends = (self._at_ends(rows, edited), self._at_ends(there, wanted))
            aligned = (ends[0] - ends[1]).square().mean()
            apart: Tensor = (found - said).square().mean()
            return apart + 0.01 * aligned

        return self._descend(loss, 0.2)

    def _descend(self, loss: Callable[[Tensor], Tensor], rate: float) -> Tensor:
        width = self._clip.config.hidden_size
        delta = torch.zeros(width, device=self._noise.device, requires_grad=True)
        optimizer = torch.optim.Adam([delta], lr=rate)
        for _ in range(self._steps):
            optimizer.zero_grad()
            seen = loss(delta)
            seen.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            float(seen.detach())  # the published loops print or compare it
        return delta.detach()

    def _ends(
        self,
        texts: Sequence[str],
        module: nn.Module | None = None,
        delta: Tensor | None = None,
    ) -> Tensor:
        return self._at_ends(self._rows(texts, module, delta), texts)

    def _at_ends(self, rows: Tensor, texts: Sequence[str]) -> Tensor:
        ends = [len(self._tail.tokens(text).ids) - 1 for text in texts]
        return rows[torch.arange(len(texts)), ends]

    def _rows(
        self,
        texts: Sequence[str],
        module: nn.Module | None = None,
        delta: Tensor | None = None,
    ) -> Tensor:
        ids = [self._tail.tokens(text).ids for text in texts]
        longest = max(map(len, ids))  # the published loops pad no further
        full = torch.tensor([[*row, *[1] * (longest - len(row))] for row in ids])
        places = [len(row) - 2 for row in ids]
        hooks = []
        if module is not None and delta is not None:

            def add(_module: object, _given: object, said: object) -> object:
                # Older releases return a layer's states in a tuple.
                states: Tensor = said[0] if isinstance(said, tuple) else said  # type: ignore[assignment]
                states = states.clone()
                states[torch.arange(len(places)), places] += delta
                return (states,) if isinstance(said, tuple) else states

            hooks.append(module.register_forward_hook(add))
        found: Tensor = self._clip(full.to(self._noise.device)).last_hidden_state
        for hook in hooks:
            hook.remove()
        return found


class Bench:
    """Ours and the loop's on one random model.

    Args:
        shape: Its sizes.
        folder: Holds its text encoder.
        device: Where both compute.
        steps: Adam steps.
    """

    def __init__(self, shape: Shape, folder: Path, device: str, steps: int) -> None:
        self._tail = open_tails(text_folder(folder, shape), device)[0]
        self._noise = RandomNoise(shape, device)
        self._device = device
        self._steps = steps
        self._loop = Loop(self._tail, self._noise, steps)

    def measure(self, method: str, batches: Sequence[int]) -> dict[str, JSON]:
        """Time one method at several batch sizes, the loop before and after.

        Args:
            method: refact or emcid.
            batches: Concepts optimised at once.
        """
        self._ours(method, 1)  # kernels are chosen and compiled once
        before = self._timed(lambda: self._theirs(method))
        ours: dict[str, JSON] = {}
        for size in batches:
            seconds = self._timed(lambda size=size: self._ours(method, size))  # type: ignore[misc]
            ours[str(size)] = round(seconds / size, 4)
        after = self._timed(lambda: self._theirs(method))
        loop = (before + after) / 2
        ratios: dict[str, JSON] = {
            size: round(loop / max(float(str(spent)), 1e-9), 2)
            for size, spent in ours.items()
        }
        return {
            "seconds_per_concept": {"loop": round(loop, 4), "ours": ours},
            "ratio": ratios,
        }

    def _timed(self, work: Callable[[], object]) -> float:
        started = time.perf_counter()
        work()
        if self._device.startswith("cuda"):
            torch.cuda.synchronize()
        return time.perf_counter() - started

    def _ours(self, method: str, count: int) -> Tensor:
        concepts = _concepts(count)
        if method == "refact":
            return refact_values(self._tail, concepts, _refact(self._steps))
        targets = [EmcidTarget(c, c.destination or "") for c in concepts]
        (found,) = emcid_values([self._tail], self._noise, targets, _emcid(self._steps))
        return found.wanted

    def _theirs(self, method: str) -> Tensor:
        concept = _concepts(1)[0]
        depth = self._tail.depth
        if method == "refact":
            layer = refact_layer(_refact(self._steps), depth)
            return self._loop.refact(concept, layer)
        return self._loop.emcid(concept, emcid_layers(_emcid(self._steps), depth)[-1])


def _concepts(count: int) -> list[Concept]:
    return [
        Concept(WORDS[n + 20], WORDS[n + 40], prompt=WORDS[n]) for n in range(count)
    ]


def _spec(method: str, parameters: dict[str, JSON]) -> EditSpec:
    return EditSpec(
        "b" * 64, "update", method, tuple(_concepts(1)), parameters=parameters
    )


def _refact(steps: int) -> RefactParameters:
    # Random weights may reach any probability at once: a step count is compared.
    given: dict[str, JSON] = {
        "templates": list(REFACT_TEMPLATES),
        "contrast": list(CONTRAST),
        "max_steps": steps,
        "probability": 1 - 1e-12,
    }
    return refact_parameters(_spec("refact", given))


def _emcid(steps: int) -> EmcidParameters:
    given: dict[str, JSON] = {"templates": list(EMCID_TEMPLATES), "steps": steps}
    return emcid_parameters(_spec("emcid", given))


def measure(
    shape: str, methods: Sequence[str], batches: Sequence[int], device: str, steps: int
) -> dict[str, JSON]:
    """Time stage one on random weights.

    Args:
        shape: tiny or sd14.
        methods: refact, emcid or both.
        batches: Concepts optimised at once.
        device: Where to compute.
        steps: Adam steps.
    """
    torch.manual_seed(0)
    with tempfile.TemporaryDirectory() as name:
        bench = Bench(SHAPES[shape], Path(name), device, steps)
        found: dict[str, JSON] = {m: bench.measure(m, batches) for m in methods}
    on_cuda = device.startswith("cuda")
    return {
        "shape": shape,
        "device": torch.cuda.get_device_name(device) if on_cuda else platform.machine(),
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "steps": steps,
        **found,
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Read the arguments, measure, and print one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shape", choices=sorted(SHAPES), default="sd14")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--batch", type=int, nargs="+", default=[1, 4, 16])
    parser.add_argument("--method", choices=["refact", "emcid"], nargs="+")
    given = parser.parse_args(arguments)
    methods = given.method or ["refact", "emcid"]
    found = measure(given.shape, methods, given.batch, given.device, given.steps)
    sys.stdout.write(json.dumps(found, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
