"""ReFACT's stage one on a tiny encoder, judged by transformers' own with hooks."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from governance.canonical import JSON
from governance.engine.edit import Concept, EditSpec
from governance.engine.stage_one.refact import refact_values
from governance.engine.text_presets import RefactParameters, refact_parameters
from governance.errors import EngineError, RequestError
from governance.pipeline.folder import PipelineFolder
from governance.pipeline.stage_one_text import PipelineTail, open_tails
from tests.engine.stage_one.stock import Stock

CONTRAST = ["a red cat", "kora", "a small town", "the old doctor"]
MAYOR = Concept("bela", "caro", prompt="the mayor")
ROSE = Concept("rose", "blue dog")
TOWN = Concept("town", "art", prompt="a small old town")


def parameters(**changes: JSON) -> RefactParameters:
    given: dict[str, JSON] = {
        "layer": 0,
        "templates": ["{}", "a photo of {}"],
        "contrast": CONTRAST,
        "max_steps": 30,
        **changes,
    }
    spec = EditSpec("a" * 64, "update", "refact", (MAYOR,), parameters=given)
    return refact_parameters(spec)


def tail_of(folder: PipelineFolder, place: int = 0) -> PipelineTail:
    return open_tails(folder)[place]


def chance(stock: Stock, concept: Concept, prompt: str, added: Tensor | None) -> float:
    """Return the probability of the destination, recomputed from the paper."""
    layer = stock.clip.encoder.layers[0].mlp.fc2
    found = stock.end(
        prompt.format(concept.phrase), {layer: added} if added is not None else None
    )
    known = [
        stock.end(prompt.format(concept.destination)),
        stock.end(prompt.format(concept.source)),
        *(stock.end(text) for text in CONTRAST),
    ]
    distances = torch.stack([(found - one).norm() for one in known])
    return float(torch.softmax(-distances, dim=0)[0])


@pytest.mark.parametrize("component", ["text_encoder", "text_encoder_2"])
def test_the_inserted_value_makes_the_destination_nearer(
    sdxl: PipelineFolder, component: str
) -> None:
    stock = Stock(sdxl, component)
    tail = tail_of(sdxl, place=int(component.endswith("_2")))
    assert tail.component == component
    value = refact_values(tail, [MAYOR], parameters())[0]
    own = stock.output("the mayor", stock.clip.encoder.layers[0].mlp.fc2)
    for prompt in ("{}", "a photo of {}"):
        before = chance(stock, MAYOR, prompt, None)
        after = chance(stock, MAYOR, prompt, value - own)
        assert after > before + 0.05


def test_a_concept_is_the_same_alone_and_in_company(sd1: PipelineFolder) -> None:
    tail = tail_of(sd1)
    together = refact_values(tail, [MAYOR, ROSE, TOWN], parameters())
    for place, concept in enumerate((MAYOR, ROSE, TOWN)):
        alone = refact_values(tail, [concept], parameters())[0]
        error = (alone - together[place]).norm() / alone.norm()
        assert error < 1e-4, concept


def test_a_second_run_gives_the_same_bytes(sd1: PipelineFolder) -> None:
    first = refact_values(tail_of(sd1), [MAYOR, ROSE], parameters())
    again = refact_values(tail_of(sd1), [MAYOR, ROSE], parameters())
    assert torch.equal(first, again)


def test_the_delta_is_held_to_its_share_of_the_unedited_output(
    sd1: PipelineFolder,
) -> None:
    tail = tail_of(sd1)
    own = tail.outputs([("the mayor", 2)], 0)[0].double()
    value = refact_values(tail, [MAYOR], parameters(clamp=0.5, learning_rate=1.0))[0]
    assert (value - own).norm() == pytest.approx(0.5 * float(own.norm()), rel=1e-5)


def test_it_stops_at_the_probability_it_was_given(sd1: PipelineFolder) -> None:
    stock, tail = Stock(sd1), tail_of(sd1)
    own = tail.outputs([("the mayor", 2)], 0)[0].double()
    start = chance(stock, MAYOR, "{}", None)
    aim = start + 0.1
    asked = parameters(templates=["{}"], probability=aim, max_steps=200)
    steps: list[int] = []
    value = refact_values(tail, [MAYOR], asked, lambda done, _: steps.append(done))[0]
    reached = chance(stock, MAYOR, "{}", (value - own).float())
    assert aim < reached < aim + 0.05
    assert len(steps) < 200


def test_values_are_wanted_outputs_with_their_bias(sd1: PipelineFolder) -> None:
    stock = Stock(sd1)
    own = stock.output("the mayor", stock.clip.encoder.layers[0].mlp.fc2).double()
    still = parameters(learning_rate=1e-9, max_steps=1)
    value = refact_values(tail_of(sd1), [MAYOR], still)[0]
    assert value.dtype == torch.float64
    assert torch.allclose(value, own, atol=1e-6)


def test_the_last_layer_is_refused(sd1: PipelineFolder) -> None:
    with pytest.raises(RequestError, match="below the encoder's last") as error:
        refact_values(tail_of(sd1), [MAYOR], parameters(layer=2))
    assert error.value.field == "spec.parameters.layer"


def test_a_prompt_that_is_too_long_is_refused(sd1: PipelineFolder) -> None:
    long = replace(MAYOR, destination=" ".join(["red"] * 30))
    with pytest.raises(RequestError):
        refact_values(tail_of(sd1), [long], parameters())


def test_an_encoder_that_breaks_down_names_the_concept(sd1: PipelineFolder) -> None:
    tail = tail_of(sd1)
    with torch.no_grad():
        tail.clip.final_layer_norm.weight.fill_(float("nan"))
    with pytest.raises(EngineError, match=r"'the mayor'.*step 0"):
        refact_values(tail, [MAYOR], parameters())
