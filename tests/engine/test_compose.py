"""A composition is a function of the set of edits, and says what it did."""

import itertools
from dataclasses import replace

import pytest
import torch

from governance.engine.apply import Edited, apply, factors
from governance.engine.compose import compose
from governance.engine.edit import Attribute, Concept, EditSpec
from governance.errors import EngineError, RequestError
from tests.engine.fakes import FakeEncoder, FakeWeights, weights


def spec(number: int, **changes: object) -> EditSpec:
    digest = f"{number * 7919 % 1000:03d}" + "e" * 61
    made = EditSpec(
        digest,
        "erase",
        "uce-2023",
        (Concept(f"artist{number}", "art"), Concept(f"old artist{number}", "art")),
        preserve=(f"kept{number}", "everyone"),
        parameters={"lambda": 0.3 + number / 10},
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def twenty() -> list[EditSpec]:
    made = [spec(n) for n in range(14)]
    made += [
        spec(
            n,
            method="time",
            action="update",
            concepts=(Concept(f"thing{n}", f"blue thing{n}"),),
            parameters={"projections": ["v"]} if n % 2 else {},
        )
        for n in range(14, 18)
    ]
    made += [
        spec(
            n,
            method="uce",
            action="debias",
            concepts=(Concept(f"job{n}"),),
            attributes=(
                Attribute("f", "female {}", 0.5),
                Attribute("m", "male {}", 0.5),
            ),
            alphas=((0.25, -0.25),),
            parameters={},
        )
        for n in range(18, 20)
    ]
    return made


def run(edits: list[EditSpec], base: FakeWeights, width: int = 13) -> Edited:
    return apply(compose(edits, FakeEncoder(width, dtype=torch.float32)), base)


def same_bytes(one: Edited, other: Edited) -> bool:
    return one.tensors.keys() == other.tensors.keys() and all(
        torch.equal(one.tensors[key], other.tensors[key]) for key in one.tensors
    )


@pytest.mark.parametrize("width", [13, 400])
def test_any_order_gives_the_same_bytes_and_certificates(width: int) -> None:
    base, edits = weights(width, torch.float32), twenty()
    first = run(edits, base, width)
    second = run(edits[7:] + edits[6::-1], base, width)
    assert same_bytes(first, second)
    assert first.certificates == second.certificates
    assert len(first.tensors) == 4


@pytest.mark.parametrize("width", [13, 400])
def test_taking_an_edit_away_equals_never_having_had_it(width: int) -> None:
    base, edits = weights(width, torch.float32), twenty()
    with_all = run(edits, base, width)
    for gone in (0, 9, 15, 19):
        rest = [edit for n, edit in enumerate(edits) if n != gone]
        without = run(rest, base, width)
        assert not same_bytes(with_all, without)
        never = [edit for n, edit in enumerate(twenty()) if n != gone]
        assert same_bytes(without, run(never[::-1], base, width))


def test_no_edit_changes_nothing() -> None:
    edited = run([], weights())
    assert edited.tensors == {}
    assert edited.certificates == ()
    assert edited.warnings == ()


def test_edits_with_different_lambdas_solve_as_each_alone_where_rows_do_not_meet() -> (
    None
):
    # Orthogonal keys: a joint solve is the sum of both published solutions.
    class Orthogonal(FakeEncoder):
        def _row(self, text: str, index: int) -> torch.Tensor:
            row = torch.zeros(self.width, dtype=self.dtype)
            row[{"one": 1, "two": 2, "three": 3, "four": 4}.get(text, 0)] = index + 1.0
            return row

    def change(edits: list[EditSpec]) -> torch.Tensor:
        base = weights()
        new = apply(compose(edits, Orthogonal()), base).tensors["one.k"]
        return new - base.matrices["one.k"]

    first = EditSpec(
        "a", "update", "uce", (Concept("one", "three"),), parameters={"lambda": 0.1}
    )
    second = EditSpec(
        "b", "update", "uce", (Concept("two", "four"),), parameters={"lambda": 7.0}
    )
    apart = change([first]) + change([second])
    assert torch.allclose(change([first, second]), apart, rtol=0, atol=1e-13)


def test_weights_of_a_preserve_row_shared_by_edits_add() -> None:
    base = weights()
    one = spec(1, parameters={"lambda": 0.5}, preserve=("shared",))
    alone = run([one], base).certificates[0].drift
    other = spec(2, parameters={"lambda": 0.5}, preserve=("shared",))
    heavy = replace(one, parameters={"lambda": 0.5, "preserve_scale": 1.0})
    light = replace(one, parameters={"lambda": 0.5, "preserve_scale": 0.5})
    assert run([heavy], base).certificates[0].drift < alone
    # Two edits at half the weight protect the shared row as one at full weight does.
    twin = replace(light, digest="f" * 64)
    doubled = replace(
        heavy, parameters={"lambda": 0.5, "preserve_scale": 1.0, "edit_scale": 2.0}
    )
    joint, single = run([light, twin], base), run([doubled], base)
    for key in joint.tensors:
        assert torch.allclose(joint.tensors[key], single.tensors[key], atol=1e-12)
    assert other.digest != one.digest


def test_projections_v_leaves_every_key_matrix_alone() -> None:
    base = weights()
    only_v = spec(3, parameters={"projections": ["v"]})
    edited = run([only_v], base)
    assert sorted(edited.tensors) == ["one.v", "two.v"]
    both = run([only_v, spec(4)], base)
    lone = run([spec(4)], base)
    assert torch.equal(both.tensors["one.k"], lone.tensors["one.k"])
    assert not torch.equal(both.tensors["one.v"], lone.tensors["one.v"])


@pytest.mark.parametrize(("width", "count"), [(13, 1), (13, 6), (400, 2)])
def test_factors_rebuild_the_weights_and_have_few_rows(width: int, count: int) -> None:
    base = weights(width)
    edits = [spec(n) for n in range(count)]
    composition = compose(edits, FakeEncoder(width))
    edited = apply(composition, base)
    downs = set()
    for key, up, down in factors(composition, base):
        rebuilt = base.matrices[key] + up @ down
        assert torch.allclose(rebuilt, edited.tensors[key], atol=1e-12)
        assert down.shape[0] == up.shape[1] <= min(width, count * 2 * 12)
        downs.add(id(down))
    assert len(downs) == 1


def test_residual_and_drift_are_what_the_weights_say() -> None:
    base, encoder = weights(), FakeEncoder()
    one = EditSpec(
        "a" * 64, "erase", "uce", (Concept("kora", "art"),), preserve=("lume",)
    )
    edited = apply(compose([one], encoder), base)
    key, target, kept = (
        encoder.encode_full([t])[0][1] for t in ("kora", "art", "lume")
    )
    left = gap = moved = size = 0.0
    for name, W in base.matrices.items():
        new = edited.tensors[name]
        left += float((new @ key - W @ target).square().sum())
        gap += float((W @ key - W @ target).square().sum())
        moved += float(((new - W) @ kept).square().sum())
        size += float((W @ kept).square().sum())
    (certificate,) = edited.certificates
    assert certificate.concepts[0].residual == pytest.approx((left / gap) ** 0.5)
    assert certificate.drift == pytest.approx((moved / size) ** 0.5)
    assert certificate.concepts[0].tokens == ("kora", "art")


def test_many_rows_and_few_rows_are_certified_alike() -> None:
    # The same edit in a narrow space is measured through H, in a wide one directly.
    for width in (13, 900):
        base, encoder = weights(width), FakeEncoder(width)
        one = spec(5)
        edited = apply(compose([one], encoder), base)
        gap = left = 0.0
        for source in ("artist5", "old artist5"):
            length = encoder.length
            first = len(source.split())
            keys = encoder.encode_full([source])[0][first:]
            targets = encoder.encode_full(["art"])[0][1 : 1 + length - first]
            keys = keys[: len(targets)]
            for name, W in base.matrices.items():
                error = keys @ edited.tensors[name].T - targets @ W.T
                left += float(error.square().sum())
                gap += float(((keys - targets) @ W.T).square().sum())
        found = edited.certificates[0].concepts
        assert min(c.residual for c in found) <= (left / gap) ** 0.5
        assert max(c.residual for c in found) >= (left / gap) ** 0.5 * 0.999


def test_an_edit_that_moves_nothing_is_a_finding() -> None:
    lazy = spec(1, parameters={"lambda": 1e6, "edit_scale": 1e-6})
    edited = run([lazy], weights())
    assert edited.certificates[0].idle
    assert "did nothing" in edited.warnings[0]
    assert not run([spec(1)], weights()).certificates[0].idle


def test_a_new_edit_that_damages_an_old_one_shows_in_the_old_ones_certificate() -> None:
    base = weights(300)
    old = spec(1)
    brutal = spec(
        2,
        concepts=(Concept("kept1", "noise"), Concept("everyone", "noise")),
        preserve=(),
        parameters={"lambda": 0.01},
    )
    alone, both = run([old], base, 300), run([old, brutal], base, 300)
    after = next(c for c in both.certificates if c.digest == old.digest)
    assert after.drift > 3 * alone.certificates[0].drift
    assert any("all edits together" in warning for warning in both.warnings)


def test_an_empty_destination_lands_on_the_beginning_token_and_says_so() -> None:
    one = EditSpec("a" * 64, "erase", "uce", (Concept("kora"),))
    edited = run([one], weights())
    assert edited.certificates[0].concepts[0].tokens == ("kora", "beginning of text")


def test_a_debias_without_alphas_is_refused() -> None:
    with pytest.raises(EngineError, match="has no alphas; expected one per concept"):
        run([replace(twenty()[18], alphas=None)], weights())


def test_two_edits_of_one_digest_are_refused() -> None:
    with pytest.raises(EngineError, match="is given twice; expected it once"):
        run([spec(1), spec(1)], weights())


def test_a_source_that_time_cannot_align_is_refused_and_uce_offered() -> None:
    bad = spec(
        1,
        method="time",
        action="update",
        concepts=(Concept("a rose", "a tulip"),),
        parameters={},
    )
    with pytest.raises(RequestError, match="not within") as caught:
        run([bad], weights())
    assert "Use method refact or uce" in caught.value.hint
    assert caught.value.field == "spec.concepts.0.destination"


def test_an_overflowing_weight_is_refused_by_name() -> None:
    base = weights(dtype=torch.float16)
    base.matrices["one.v"] *= 4e3
    strong = spec(
        1,
        method="uce",
        action="debias",
        concepts=(Concept("job"),),
        attributes=(Attribute("f", "female {}", 1.0),),
        alphas=((1e5,),),
        parameters={"projections": ["v"]},
    )
    with pytest.raises(EngineError, match=r"one\.v overflows torch\.float16"):
        run([strong], base)


def test_a_matrix_of_another_width_is_refused_by_name() -> None:
    with pytest.raises(
        EngineError, match=r"one\.k has shape \(5, 14\); expected \[d_out, 13"
    ):
        run([spec(1)], weights(14), 13)


def test_edited_weights_keep_the_dtype_of_the_base() -> None:
    for dtype in (torch.float16, torch.bfloat16, torch.float32):
        edited = run([spec(1)], weights(dtype=dtype))
        assert {tensor.dtype for tensor in edited.tensors.values()} == {dtype}


def test_every_pair_of_edits_composes_to_bytes_that_do_not_depend_on_order() -> None:
    base = weights(dtype=torch.float32)
    for one, other in itertools.combinations(twenty()[::4], 2):
        assert same_bytes(run([one, other], base), run([other, one], base))
