"""What must hold of any set of text-encoder edits, whatever the numbers."""

import itertools
from collections.abc import Sequence
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from governance.engine.edit import EditSpec
from governance.engine.text.protocols import Place
from governance.engine.text.solve import TextSolution, solve_text
from governance.engine.text.system import LayerRows, solve_layer
from governance.errors import (
    EngineError,
    ExitCode,
    NotFoundError,
    RequestError,
    WrongStateError,
)
from tests.engine.text.fakes import FakeBase, FakeProbe, edit

BASE = FakeBase([{"d_model": 7, "d_ff": 11}, {"d_model": 5, "d_ff": 13, "depth": 3}])


def bits(found: TextSolution) -> dict[str, bytes]:
    return {key: t.numpy().tobytes() for key, t in found.tensors.items()}


def mixed(count: int, base: FakeBase = BASE) -> list[EditSpec]:
    words = ("mayor", "rose", "old dog", "cat", "lume", "kora style", "doctor", "bela")
    found = []
    for n in range(count):
        if n % 2:
            found.append(edit(n, "refact", base, words[n % 8], layer=1 + n % 4 // 3))
        else:
            layers = [[0, 1, 2], [1, 2], [0, 2]][n % 3]
            found.append(
                edit(n, "emcid", base, words[n % 8], layers=layers, **{"lambda": 1.5})
            )
    return found


def rows_of(count: int, width: int, seed: int) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(count, width, generator=generator, dtype=torch.float64)


def random_rows(soft: int, hard: int, width: int, seed: int) -> LayerRows:
    mean = rows_of(hard, width, seed + 1)
    return LayerRows(
        keys=rows_of(soft, width, seed),
        weights=rows_of(soft, 1, seed + 2)[:, 0].abs() + 0.1,
        hard=mean,
        bare=mean + 0.1 * rows_of(hard, width, seed + 3),
        names=[f"row {n}" for n in range(hard)],
    )


def prior_of(width: int, seed: int) -> Tensor:
    rows = rows_of(3 * width, width, seed)
    return rows.T @ rows / len(rows)


@pytest.mark.parametrize(("soft", "hard", "width"), [(0, 1, 9), (4, 3, 12), (30, 2, 8)])
def test_hard_constraints_are_met_beside_any_soft_rows(
    soft: int, hard: int, width: int
) -> None:
    rows = random_rows(soft, hard, width, 3)
    system = solve_layer(prior_of(width, 7), rows, "the layer")
    wanted = rows_of(hard, 5, 11)
    up, down = system.factors(rows_of(soft, 5, 9), wanted)
    met = (up @ down @ rows.bare.T).T
    assert float((met - wanted).norm() / wanted.norm()) <= 1e-12
    assert len(down) == up.shape[1] <= min(width, soft + hard)


def test_a_key_equal_to_its_bare_key_gives_the_constrained_optimum() -> None:
    # Among all changes that meet the constraints, none has a smaller objective.
    rows, prior = random_rows(3, 2, 8, 5), prior_of(8, 6)
    rows = replace(rows, bare=rows.hard)
    gaps, wanted = rows_of(3, 4, 1), rows_of(2, 4, 2)
    up, down = solve_layer(prior, rows, "the layer").factors(gaps, wanted)
    best = up @ down

    def objective(change: Tensor) -> float:
        missed = change @ rows.keys.T - gaps.T
        soft = (missed.square() * rows.weights).sum()
        return float(soft + torch.trace(change @ prior @ change.T))

    free = torch.eye(8, dtype=torch.float64)
    free -= rows.bare.T @ torch.linalg.pinv(rows.bare.T)
    for seed in range(20):
        other = best + 0.01 * rows_of(4, 8, seed) @ free
        assert torch.allclose(other @ rows.bare.T, wanted.T)
        assert objective(other) > objective(best)


def test_a_soft_row_of_growing_weight_is_met_ever_better() -> None:
    rows, prior = random_rows(1, 0, 6, 5), prior_of(6, 6)
    gap = rows_of(1, 4, 1)
    missed = []
    for weight in (0.1, 1.0, 10.0, 1000.0):
        heavy = replace(rows, weights=torch.tensor([weight], dtype=torch.float64))
        none = torch.empty((0, 4), dtype=torch.float64)
        up, down = solve_layer(prior, heavy, "the layer").factors(gap, none)
        missed.append(float((up @ down @ rows.keys.T - gap.T).norm()))
    assert missed == sorted(missed, reverse=True)
    assert missed[-1] < 0.01 * float(gap.norm())


def test_values_that_are_there_already_change_nothing() -> None:
    probe = FakeProbe(d_model=7, d_ff=11)
    soft = edit(1, "emcid", BASE, "mayor", "old cat", layers=[0, 1, 2])
    hard = edit(2, "refact", BASE, "rose", layer=1)
    base = FakeBase([{"d_model": 7, "d_ff": 11}])
    said = ("{}", "An image of {}", "A photo of {}")
    z = [
        probe.blocks(2, [(t.replace("{}", p), len(t.split()) + extra) for t in said])
        for p, extra in (("mayor", 0), ("old cat", 1))
    ]
    key = probe.keys(1, [("rose", 1)])
    value = key @ probe.weights[1].T + probe.bias(1)
    still = replace(soft, values={"z": torch.stack([rows.mean(dim=0) for rows in z])})
    stiff = replace(hard, values={"value.1": value})
    found = solve_text([still, stiff], base)
    size = float(torch.linalg.norm(probe.weights[1]))
    assert max(site.norm for site in found.sites) <= 1e-13 * size
    # The published arithmetic subtracts a vector of another space, so it does edit.
    theirs = replace(still, parameters={"layers": [0, 1, 2], "residual": "published"})
    found = solve_text([theirs], base)
    assert min(site.norm for site in found.sites) > 1e-5 * size


def test_exactly_zero_residuals_give_exactly_no_change() -> None:
    rows = random_rows(3, 2, 8, 5)
    system = solve_layer(prior_of(8, 6), rows, "the layer")
    none = torch.zeros((3, 4), dtype=torch.float64)
    up, down = system.factors(none, none[:2])
    assert not (up @ down).any()


def test_refact_constraints_hold_in_the_composed_encoder_beside_emcid() -> None:
    found = solve_text(mixed(8), BASE)
    by_digest = {one.digest: one for one in found.certificates}
    for spec in mixed(8):
        (concept,) = by_digest[spec.digest].concepts
        if spec.method == "refact":
            assert concept.residual <= 1e-12
        else:
            assert 0 < concept.residual < 1.5
    # The same reading of the base fails: every concept is as far as it was.
    for encoder in found.encoders:
        for plan, now in zip(encoder.plans, encoder.before.values, strict=True):
            assert float((plan.targets - now).norm()) > 0.1


def test_order_and_removal_change_no_byte() -> None:
    edits = mixed(8)
    whole = bits(solve_text(edits, BASE))
    for order in itertools.islice(itertools.permutations(edits), 5000, 40000, 9000):
        assert bits(solve_text(order, BASE)) == whole
    without = [one for one in edits if one is not edits[3]]
    lone = bits(solve_text(without, BASE))
    assert lone != whole
    assert bits(solve_text([e for e in reversed(edits) if e in without], BASE)) == lone


def test_an_edit_alone_at_its_layers_is_not_touched_by_deeper_ones() -> None:
    shallow = edit(1, "refact", BASE, "mayor", layer=0)
    deep = edit(2, "refact", BASE, "rose", layer=2)
    both, alone = solve_text([shallow, deep], BASE), solve_text([shallow], BASE)
    for key, tensor in alone.tensors.items():
        assert torch.equal(both.tensors[key], tensor)
    # The deeper edit reads its keys in the composed encoder, so it is not alone.
    other = solve_text([deep], BASE)
    assert any(not torch.equal(both.tensors[k], t) for k, t in other.tensors.items())


def test_factors_rebuild_the_weights_of_every_variant_with_the_loaded_ones_keys() -> (
    None
):
    base = FakeBase([{"d_model": 7, "d_ff": 11}], variants=2)
    spec = edit(1, "refact", base, "mayor", layer=1)
    found = solve_text([spec], base)
    first, second = found.changes
    assert first.down is second.down
    (probe,) = base.text_probes()
    for change, site in zip((first, second), probe.sites(1), strict=True):
        # A second variant with other weights is still brought to the wanted value.
        assert torch.equal(
            probe.read(site.key) + change.up @ change.down, change.tensor
        )
        key = probe.keys(1, [("mayor", 1)])
        met = key @ change.tensor.T + probe.bias(1)
        assert spec.values is not None
        assert torch.allclose(met, spec.values["value.1"], atol=1e-12)


def test_more_rows_than_width_give_factors_no_larger_than_the_width() -> None:
    base = FakeBase([{"d_model": 7, "d_ff": 5}])
    words = [f"name{n}" for n in range(9)]
    spec = edit(1, "emcid", base, *words, layers=[0, 1])
    for change in solve_text([spec], base).changes:
        assert change.down.shape == (5, 5)


def test_two_edits_of_one_key_are_refused_by_name() -> None:
    one = edit(1, "refact", BASE, "the mayor", layer=1)
    other = edit(2, "refact", BASE, "The Mayor", layer=1)
    with pytest.raises(EngineError) as caught:
        solve_text([one, edit(3, "refact", BASE, "rose", layer=1), other], BASE)
    said = caught.value.message
    assert "'the mayor' of edit 010101010101" in said
    assert "'The Mayor' of edit 020202020202" in said
    assert "rose" not in said
    assert caught.value.exit_code is ExitCode.ENGINE


def test_a_key_that_misses_its_bare_phrase_is_refused_by_name() -> None:
    rows = LayerRows(
        keys=torch.empty((0, 3), dtype=torch.float64),
        weights=torch.empty(0, dtype=torch.float64),
        hard=torch.tensor([[1.0, 0, 0]], dtype=torch.float64),
        bare=torch.tensor([[0, 1.0, 0]], dtype=torch.float64),
        names=["'mayor' of edit 1"],
    )
    eye = torch.eye(3, dtype=torch.float64)
    with pytest.raises(EngineError, match="'mayor' of edit 1 cannot be inserted"):
        solve_layer(eye, rows, "layer 1")


def test_edits_of_other_statistics_or_prior_at_one_layer_are_refused() -> None:
    one = edit(1, "refact", BASE, "mayor", layer=1)
    other = edit(2, "emcid", BASE, "rose", layers=[1, 2])
    strange = replace(other, statistics="6" * 64)
    plain = replace(other, parameters={"layers": [1, 2], "prior": "identity"})
    for second in (strange, plain):
        with pytest.raises(WrongStateError, match="different priors") as caught:
            solve_text([one, second], BASE)
        assert "layer 1 of text_encoder" in caught.value.message
        assert caught.value.exit_code is ExitCode.WRONG_STATE
    elsewhere = replace(strange, parameters={"layers": [0, 2]})
    assert solve_text([one, elsewhere], BASE).tensors


def test_an_edit_without_statistics_is_told_the_command() -> None:
    bare = replace(edit(1, "refact", BASE, "mayor", layer=1), statistics=None)
    with pytest.raises(NotFoundError) as caught:
        solve_text([bare], BASE)
    assert "governance statistics compute" in caught.value.hint


def test_values_that_do_not_fit_are_refused() -> None:
    spec = edit(1, "emcid", BASE, "mayor", "rose", layers=[0])
    assert spec.values is not None
    broken = spec.values["z"].clone()
    broken[1, 2] = float("nan")
    cases = {
        "no stage-one values 'z' for text_encoder": None,
        "no stage-one values 'z.text_encoder_2'": {"z": spec.values["z"]},
        r"shape \(1, 7\); expected \(2, 7\)": {"z": spec.values["z"][:1]},
        "NaN or infinity": {"z": broken},
    }
    for message, values in cases.items():
        with pytest.raises(EngineError, match=message):
            solve_text([replace(spec, values=values)], BASE)


class HalfProbe(FakeProbe):
    """Speaks in float16, which ends at 65,504."""

    def blocks(self, layer: int, places: Sequence[Place]) -> Tensor:
        return (1000 * super().blocks(layer, places)).to(torch.float16)


class HalfBase(FakeBase):
    def text_probes(self) -> list[FakeProbe]:
        return [HalfProbe()]


@pytest.mark.parametrize("layer", [1, 3])
def test_an_encoder_that_would_say_infinity_is_refused_with_edit_and_tensor(
    layer: int,
) -> None:
    base = HalfBase(BASE.sizes)
    spec = edit(1, "refact", base, "mayor", layer=layer)
    other = edit(2, "refact", base, "rose", layer=2)
    assert spec.values is not None
    value = 200 * spec.values[f"value.{layer}"]
    large = replace(spec, preserve=("mayor",), values={f"value.{layer}": value})
    with pytest.raises(EngineError, match="edit 010101010101") as caught:
        solve_text([other, large], base)
    assert f"NaN or infinity: tensor text_encoder/1:{layer}" in caught.value.message


@pytest.mark.parametrize("method", ["refact", "emcid"])
def test_a_value_longer_than_a_layer_could_mean_is_refused(method: str) -> None:
    where = {"layer": 1} if method == "refact" else {"layers": [0, 1]}
    spec = edit(1, method, BASE, "mayor", "rose", **where)
    assert spec.values is not None
    for name in ("z", "value.1"):
        far = spec.values[name].clone()
        far[1] *= 1e5
        spec = replace(spec, values={**spec.values, name: far})
    with pytest.raises(EngineError, match="stage-one value of 'rose'") as caught:
        solve_text([spec], BASE)
    assert "edit 010101010101" in caught.value.message
    assert "1,000 times what layer 1 of text_encoder" in caught.value.message


def test_statistics_of_another_encoder_are_refused() -> None:
    spec = edit(1, "refact", BASE, "mayor", layer=1)
    other = FakeBase(BASE.sizes, covariance=torch.eye(4, dtype=torch.float64))
    with pytest.raises(EngineError, match=r"shape \(4, 4\); expected \(11, 11\)"):
        solve_text([spec], other)


def test_a_covariance_without_full_rank_is_refused() -> None:
    rows = random_rows(1, 1, 6, 2)
    flat = torch.ones((6, 6), dtype=torch.float64)
    with pytest.raises(EngineError, match="layer 1") as caught:
        solve_layer(flat, rows, "layer 1")
    assert "more captions" in caught.value.hint


def test_an_edit_that_wants_almost_nothing_new_is_a_finding() -> None:
    weak = edit(1, "emcid", BASE, "mayor", layers=[0], **{"lambda": 1e9})
    found = solve_text([weak], BASE)
    assert found.certificates[0].idle
    assert "did nothing" in "".join(found.warnings())


def test_a_layer_the_encoder_has_not_is_refused() -> None:
    with pytest.raises(RequestError, match="depth of the text encoder"):
        solve_text([edit(1, "refact", BASE, "mayor", layer=3)], BASE)
