"""Text-encoder edits against independent transcriptions of the published formulas."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from governance.engine.edit import EditSpec
from governance.engine.text.solve import TextSolution, solve_text
from tests.engine.text import oracles
from tests.engine.text.fakes import FakeBase, FakeProbe, edit

Rows = NDArray[np.float64]
SIZES = [
    {"d_model": 7, "d_ff": 11, "depth": 4},
    {"d_model": 13, "d_ff": 5, "depth": 5},
    {"d_model": 6, "d_ff": 40, "depth": 3},
]
SAID = ("{}", "a photo of {}", "small {} in art")


def network_of(probe: FakeProbe) -> oracles.Network:
    def network(
        weights: Mapping[int, Rows], text: str, layer: int
    ) -> tuple[Rows, Rows, Rows]:
        subject = "town" if "town" in text else "mayor"
        last = text.split().index(subject) + 1
        x = probe.first((text, last)).numpy()
        for number in range(layer + 1):
            key = np.tanh(probe.inner(number).numpy() @ x)
            out = weights[number] @ key + probe.bias(number).numpy()
            x = x + out
        return key, out, x

    return network


def base_weights(probe: FakeProbe) -> dict[int, Rows]:
    return {n: probe.weights[n].numpy().copy() for n in range(probe.depth)}


def worst(found: TextSolution, component: str, expected: Mapping[int, Rows]) -> float:
    errors = []
    for layer, change in expected.items():
        factors = {key: (up, down) for key, up, down in found.factors()}
        up, down = factors[f"{component}/1:{layer}"]
        error = np.linalg.norm((up @ down).numpy() - change) / np.linalg.norm(change)
        errors.append(float(error))
    assert len(errors) == len([c for c in found.changes if component + "/" in c.key])
    return max(errors)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("layer", [0, 2])
def test_refact_equals_the_published_formula(size: dict[str, int], layer: int) -> None:
    base = FakeBase([size])
    spec = edit(1, "refact", base, "the old mayor", layer=layer, templates=list(SAID))
    (probe,) = base.text_probes()
    network, weights = network_of(probe), base_weights(probe)
    said = [text.replace("{}", "the old mayor") for text in SAID]
    key = np.mean([network(weights, text, layer)[0] for text in said], axis=0)
    bare = network(weights, "the old mayor", layer)[0]
    assert spec.values is not None
    change = oracles.refact(
        weights[layer],
        probe.bias(layer).numpy(),
        base.statistics("5" * 64, "text_encoder", layer).numpy(),
        key,
        bare,
        spec.values[f"value.{layer}"][0].numpy(),
    )
    found = solve_text([spec], base)
    assert worst(found, "text_encoder", {layer: change}) <= 1e-9


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("residual", ["consistent", "published"])
@pytest.mark.parametrize("phrases", [("mayor",), ("the mayor", "small town", "town")])
def test_emcid_equals_the_published_formula(
    size: dict[str, int], residual: str, phrases: tuple[str, ...]
) -> None:
    base = FakeBase([size])
    layers = [0, 1, 2]
    spec = edit(
        1,
        "emcid",
        base,
        *phrases,
        layers=layers,
        templates=list(SAID),
        alpha=0.3,
        residual=residual,
        **{"lambda": 2.5},
    )
    found = solve_text([spec], base)
    assert worst(found, "text_encoder", emcid_oracle(spec, base, 0)) <= 1e-9


def emcid_oracle(spec: EditSpec, base: FakeBase, which: int) -> dict[int, Rows]:
    probe = base.text_probes()[which]
    z = "z" if which == 0 else "z.text_encoder_2"
    layers = spec.parameters["layers"]
    assert spec.values is not None
    assert isinstance(layers, list)
    return oracles.emcid(
        network_of(probe),
        base_weights(probe),
        layers,
        [[t.replace("{}", c.phrase) for t in SAID] for c in spec.concepts],
        spec.values[z].numpy(),
        {
            layer: base.statistics("5" * 64, probe.component, layer).numpy()
            for layer in layers
        },
        ridge=2.5,
        alpha=0.3,
        published=spec.parameters["residual"] == "published",
    )


@pytest.mark.parametrize("residual", ["consistent", "published"])
def test_layers_may_leave_gaps_between_them_and_both_encoders_are_edited(
    residual: str,
) -> None:
    base = FakeBase(SIZES[:2])
    spec = edit(
        1,
        "emcid",
        base,
        "the mayor",
        "town",
        layers=[1, 3],
        templates=list(SAID),
        alpha=0.3,
        residual=residual,
        **{"lambda": 2.5},
    )
    found = solve_text([spec], base)
    for which, name in enumerate(("text_encoder", "text_encoder_2")):
        assert worst(found, name, emcid_oracle(spec, base, which)) <= 1e-9


def test_an_identity_prior_is_the_formula_with_the_identity_and_says_so() -> None:
    base = FakeBase([SIZES[0]])
    spec = edit(1, "refact", base, "mayor", layer=1, prior="identity", templates=["{}"])
    spec = replace(spec, statistics=None)
    (probe,) = base.text_probes()
    network, weights = network_of(probe), base_weights(probe)
    bare = network(weights, "mayor", 1)[0]
    assert spec.values is not None
    change = oracles.refact(
        weights[1],
        probe.bias(1).numpy(),
        np.eye(probe.d_ff),
        bare,
        bare,
        spec.values["value.1"][0].numpy(),
    )
    found = solve_text([spec], base)
    assert worst(found, "text_encoder", {1: change}) <= 1e-9
    assert "identity prior" in str(found.certificates[0].as_json()[0]["note"])
    twin = replace(spec, statistics="5" * 64, parameters={"layer": 1})
    assert solve_text([twin], base).certificates[0].note == ""


def test_the_transcription_notices_a_wrong_prior() -> None:
    # The oracle is worth something only if another formula fails against it.
    base = FakeBase([SIZES[0]])
    layers = [0, 1, 2]
    spec = edit(
        1,
        "emcid",
        base,
        "mayor",
        layers=layers,
        templates=list(SAID),
        alpha=0.31,
        residual="consistent",
        **{"lambda": 2.5},
    )
    found = solve_text([spec], base)
    assert worst(found, "text_encoder", emcid_oracle(spec, base, 0)) > 1e-3
    assert torch.is_tensor(next(iter(found.tensors.values())))
