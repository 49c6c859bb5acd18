"""EMCID's stage one where the noise predictor reads two encoders and a pooled vector."""

from dataclasses import dataclass
from importlib import import_module
from typing import Any

import pytest
import torch
from torch import Tensor

from governance.canonical import JSON
from governance.engine.edit import Concept, EditSpec
from governance.engine.stage_one.emcid import EmcidValues, emcid_values
from governance.engine.stage_one.reading import below, cuts, read
from governance.engine.stage_one.scenes import EmcidTarget
from governance.engine.text_presets import EmcidParameters, emcid_parameters
from governance.pipeline.folder import PipelineFolder
from governance.pipeline.generate import Sampling
from governance.pipeline.stage_one_noise import PipelineNoise
from governance.pipeline.stage_one_text import PipelineTail, open_tails

# diffusers ships no types for its pipelines.
diffusers: Any = import_module("diffusers")

TEMPLATES = ("{}", "a photo of {}")
MAYOR = EmcidTarget(Concept("bela", "caro", prompt="the mayor"), "caro")
ROSE = EmcidTarget(Concept("rose", "blue dog"), "blue dog")


def parameters(**changes: JSON) -> EmcidParameters:
    given: dict[str, JSON] = {
        "layers": [0],
        "templates": list(TEMPLATES),
        "steps": 6,
        **changes,
    }
    spec = EditSpec("a" * 64, "update", "emcid", (MAYOR.concept,), parameters=given)
    return emcid_parameters(spec)


@dataclass(frozen=True)
class Bench:
    tails: tuple[PipelineTail, ...]
    noise: PipelineNoise
    stock: Any

    def run(self, *targets: EmcidTarget, **changes: JSON) -> tuple[EmcidValues, ...]:
        return emcid_values(self.tails, self.noise, targets, parameters(**changes))

    def said(self, prompt: str, deltas: tuple[Tensor, ...] | None = None) -> Tensor:
        """Ask the stock pipeline's own parts for noise, deltas added by hooks."""
        hooks = []
        for tail, delta in zip(self.tails, deltas or (), strict=False):
            encoder = getattr(self.stock, tail.component)
            place = len(tail.tokens(prompt).ids) - 2
            layer = getattr(encoder, "text_model", encoder).encoder.layers[0]
            hooks.append(layer.register_forward_hook(_adder(place, delta)))
        chance = torch.Generator().manual_seed(9)
        noisy = torch.randn((16, 4, 8, 8), generator=chance)
        times = torch.arange(16) * 60 + 20
        with torch.no_grad():
            rows, _, pooled, _ = self.stock.encode_prompt(
                prompt, device="cpu", do_classifier_free_guidance=False
            )
            size = torch.tensor([[16.0, 16, 0, 0, 16, 16]]).expand(16, 6)
            added = {"text_embeds": pooled.expand(16, -1), "time_ids": size}
            found: Tensor = self.stock.unet(
                noisy,
                times,
                encoder_hidden_states=rows.expand(16, -1, -1),
                added_cond_kwargs=added,
            ).sample
        for hook in hooks:
            hook.remove()
        return found


def _adder(place: int, delta: Tensor) -> Any:
    def add(_module: object, _given: object, said: Any) -> Any:
        states = (said[0] if isinstance(said, tuple) else said).clone()
        states[0, place] += delta
        return (states, *said[1:]) if isinstance(said, tuple) else states

    return add


@pytest.fixture(scope="module")
def bench(sdxl: PipelineFolder) -> Bench:
    stock = diffusers.StableDiffusionXLPipeline.from_pretrained(
        sdxl.root, add_watermarker=False
    )
    noise = PipelineNoise(sdxl, sampling=Sampling(steps=2))
    return Bench(open_tails(sdxl), noise, stock)


def test_the_cut_encoders_say_what_the_stock_pipeline_encodes(bench: Bench) -> None:
    at = cuts(bench.tails, parameters())
    with torch.no_grad():
        seen = read(at, below(["the mayor"], parameters().templates, at))
    for place, template in enumerate(TEMPLATES):
        rows, _, pooled, _ = bench.stock.encode_prompt(
            template.format("the mayor"),
            device="cpu",
            do_classifier_free_guidance=False,
        )
        assert torch.allclose(seen.rows[place], rows[0], atol=1e-6)
        assert seen.pooled is not None
        assert torch.allclose(seen.pooled[place], pooled[0], atol=1e-6)


def test_the_stock_predictor_then_says_more_of_what_it_says_for_the_destination(
    bench: Bench,
) -> None:
    found = bench.run(MAYOR, steps=24, text_weight=0.0, weight_decay=0.0)
    deltas = tuple((one.wanted - one.base)[0].float() for one in found)
    for template in TEMPLATES:
        wanted = bench.said(template.format("caro"))
        phrase = template.format("the mayor")
        before = (bench.said(phrase) - wanted).square().mean()
        after = (bench.said(phrase, deltas) - wanted).square().mean()
        assert after < 0.8 * before, template


def test_both_encoders_move_and_neither_further_than_its_own_clamp(
    bench: Bench,
) -> None:
    found = bench.run(ROSE, MAYOR, clamp=0.25, learning_rate=2.0)
    assert [one.base.shape[1] for one in found] == [
        tail.clip.config.hidden_size for tail in bench.tails
    ]
    for one in found:
        moved = (one.wanted - one.base).norm(dim=1) / one.base.norm(dim=1)
        assert moved.tolist() == pytest.approx([0.25, 0.25], rel=1e-5)


def test_a_concept_is_the_same_alone_and_in_company(bench: Bench) -> None:
    together = bench.run(ROSE, MAYOR)
    for place, target in enumerate((ROSE, MAYOR)):
        for one, both in zip(bench.run(target), together, strict=True):
            alone = one.wanted[0]
            assert (alone - both.wanted[place]).norm() < 1e-4 * alone.norm()
