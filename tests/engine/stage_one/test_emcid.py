"""EMCID's stage one on a tiny pipeline."""

import io
from dataclasses import replace

import pytest
import torch
from PIL import Image

from governance.canonical import JSON
from governance.engine.edit import Concept, EditSpec
from governance.engine.stage_one.emcid import EmcidValues, emcid_values
from governance.engine.stage_one.scenes import EmcidTarget
from governance.engine.text_presets import EmcidParameters, emcid_parameters
from governance.errors import EngineError, PipelineError, RequestError
from governance.pipeline.folder import PipelineFolder
from governance.pipeline.generate import Sampling
from governance.pipeline.stage_one_noise import PipelineNoise
from governance.pipeline.stage_one_text import PipelineTail, open_tails
from tests.engine.stage_one.stock import Stock

TEMPLATES = ("{}", "a photo of {}")
MAYOR = EmcidTarget(Concept("bela", "caro", prompt="the mayor"), "caro")
ROSE = EmcidTarget(Concept("rose", "blue dog"), "blue dog")


def parameters(**changes: JSON) -> EmcidParameters:
    given: dict[str, JSON] = {
        "layers": [0, 1],
        "templates": list(TEMPLATES),
        "steps": 6,
        **changes,
    }
    spec = EditSpec("a" * 64, "update", "emcid", (MAYOR.concept,), parameters=given)
    return emcid_parameters(spec)


class Bench:
    """One text encoder and one noise predictor, opened once."""

    def __init__(self, folder: PipelineFolder) -> None:
        self.tail: PipelineTail = open_tails(folder)[0]
        self.noise = PipelineNoise(folder, sampling=Sampling(steps=2))

    def run(self, *targets: EmcidTarget, **changes: JSON) -> EmcidValues:
        (found,) = emcid_values([self.tail], self.noise, targets, parameters(**changes))
        return found


@pytest.fixture(scope="module")
def bench(sd1: PipelineFolder) -> Bench:
    return Bench(sd1)


def picture(colour: str, kind: str = "PNG") -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (20, 17), colour).save(stream, kind)
    return stream.getvalue()


def test_the_noise_predictor_says_more_of_what_it_says_for_the_destination(
    bench: Bench, sd1: PipelineFolder
) -> None:
    stock = Stock(sd1)
    found = bench.run(MAYOR, steps=24, text_weight=0.0, weight_decay=0.0)
    delta = (found.wanted - found.base)[0].float()
    layer = stock.clip.encoder.layers[1]
    chance = torch.Generator().manual_seed(9)
    noisy = torch.randn((16, 4, 8, 8), generator=chance)
    times = torch.arange(16) * 60 + 20

    def said(rows: torch.Tensor) -> torch.Tensor:
        with torch.no_grad():
            many = rows.expand(16, *rows.shape)
            return bench.noise.predict(noisy, times, many, None)

    for template in TEMPLATES:
        wanted = said(stock.rows(template.format("caro")))
        phrase = template.format("the mayor")
        before = (said(stock.rows(phrase)) - wanted).square().mean()
        after = (said(stock.rows(phrase, {layer: delta})) - wanted).square().mean()
        assert after < 0.8 * before, template


def test_the_base_is_the_mean_over_templates_of_the_layers_output(
    bench: Bench, sd1: PipelineFolder
) -> None:
    stock = Stock(sd1)
    own = [
        stock.output(template.format("the mayor"), stock.clip.encoder.layers[1])
        for template in TEMPLATES
    ]
    found = bench.run(MAYOR, steps=1)
    assert torch.allclose(
        found.base[0], torch.stack(own).double().mean(dim=0), atol=1e-5
    )


def test_the_text_alone_pulls_the_end_token_to_the_destination(
    bench: Bench, sd1: PipelineFolder
) -> None:
    stock = Stock(sd1)
    found = bench.run(MAYOR, steps=24, text_weight=1000.0, weight_decay=0.0)
    delta = (found.wanted - found.base)[0].float()
    layer = stock.clip.encoder.layers[1]
    before = after = 0.0
    for template in TEMPLATES:
        wanted = stock.end(template.format("caro"))
        phrase = template.format("the mayor")
        before += float((stock.end(phrase) - wanted).square().sum())
        after += float((stock.end(phrase, {layer: delta}) - wanted).square().sum())
    assert after < 0.9 * before


def test_a_seed_decides_every_byte(bench: Bench) -> None:
    first = bench.run(MAYOR, seed=3).wanted
    assert torch.equal(first, bench.run(MAYOR, seed=3).wanted)
    assert not torch.equal(first, bench.run(MAYOR, seed=4).wanted)


def test_a_concept_is_the_same_alone_and_in_company(bench: Bench) -> None:
    together = bench.run(ROSE, MAYOR).wanted
    for place, target in enumerate((ROSE, MAYOR)):
        alone = bench.run(target).wanted[0]
        assert (alone - together[place]).norm() < 1e-4 * alone.norm()


def test_no_state_is_moved_further_than_the_clamp(bench: Bench) -> None:
    found = bench.run(MAYOR, clamp=0.25, learning_rate=2.0)
    moved = (found.wanted - found.base)[0].norm() / found.base[0].norm()
    assert float(moved) == pytest.approx(0.25, rel=1e-5)


def test_pictures_can_stand_for_a_destination(bench: Bench) -> None:
    def shown(*files: bytes) -> torch.Tensor:
        return bench.run(replace(MAYOR, destination="", images=files)).wanted

    red = shown(picture("red"))
    assert bool(torch.isfinite(red).all())
    assert torch.equal(red, shown(picture("red")))
    assert not torch.equal(red, shown(picture("blue")))
    assert not torch.equal(red, shown(picture("red"), picture("blue", "JPEG")))


@pytest.mark.parametrize("data", [b"", b"GIF89a nothing", picture("red")[:60]])
def test_what_is_no_picture_is_refused(bench: Bench, data: bytes) -> None:
    with pytest.raises(RequestError, match="cannot be read; expected PNG or JPEG"):
        bench.run(replace(MAYOR, images=(data,)))


def test_a_predictor_that_breaks_down_names_concept_and_step(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    own, calls = bench.noise.predict, [0]

    def broken(
        noisy: torch.Tensor,
        times: torch.Tensor,
        rows: torch.Tensor,
        pooled: torch.Tensor | None,
    ) -> torch.Tensor:
        found = own(noisy, times, rows, pooled)
        if rows.requires_grad:
            calls[0] += 1
            if calls[0] == 3:
                # The second concept's prompts are the last two of four.
                return torch.cat([found[:2], found[2:] * float("nan")])
        return found

    monkeypatch.setattr(bench.noise, "predict", broken)
    with pytest.raises(EngineError, match=r"'the mayor'.*at step"):
        bench.run(ROSE, MAYOR)


def test_an_architecture_without_this_stage_one_is_refused_by_name(
    flux: PipelineFolder,
) -> None:
    with pytest.raises(PipelineError, match="flux"):
        PipelineNoise(flux)
