"""Twenty mixed edits of a real pipeline folder, to the byte."""

from collections.abc import Sequence
from pathlib import Path

import pytest
import torch
from torch import Tensor

from governance.engine.apply import apply
from governance.engine.compose import compose
from governance.engine.edit import Attribute, Concept, EditSpec
from governance.engine.joint import Solution, solve_jointly
from governance.errors import EngineError
from governance.pipeline.base import PipelineBase
from governance.pipeline.encoder import open_encoder
from governance.pipeline.folder import PipelineFolder, open_pipeline
from tests.engine.text.test_disk_to_disk import STATISTICS, covariances, noise
from tests.pipeline.tiny import build

WORDS = ("kora", "lume", "mondo", "doctor", "nurse", "rose", "dog", "cat", "bela")
METHODS = ("time", "uce", "uce-2023", "refact", "emcid")
WIDTHS = {"text_encoder": 44, "text_encoder_2": 52}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> PipelineFolder:
    root = tmp_path_factory.mktemp("mixture")
    return open_pipeline(build(root / "model", "sdxl", seed=5))


def one(number: int) -> EditSpec:
    method, word = METHODS[number % 5], WORDS[number % 9]
    digest = f"{(number * 37) % 100:02d}" * 32
    if method == "time":
        concept = Concept(f"a {word} in town", f"a red {word} in town")
        return EditSpec(digest, "update", method, (concept,))
    if method.startswith("uce"):
        concept = Concept(f"{word} art", WORDS[(number + 4) % 9])
        return EditSpec(digest, "erase", method, (concept,), preserve=("small town",))
    concept = Concept("shown", "wanted", prompt=f"{word} {WORDS[number // 5]} art")
    values = {
        f"{name}{infix}{layer}": 2 * noise(f"{digest}{name}{infix}{layer}", 1, width)
        for infix, width in (("", 20), (".text_encoder_2", 24))
        for name, layer in (("z", ""), ("value", ".0"), ("value", ".1"))
    }
    parameters = (
        {"layer": number // 5 % 2} if method == "refact" else {"layers": [0, 1]}
    )
    return EditSpec(
        digest,
        "update",
        method,
        (concept,),
        parameters=parameters,
        values=values,
        statistics=STATISTICS,
    )


EDITS = tuple(one(number) for number in range(20))


def run(
    edits: Sequence[EditSpec], folder: PipelineFolder, cache: Path | None = None
) -> Solution:
    base = PipelineBase(folder, cache=cache, statistics=covariances(WIDTHS))
    return solve_jointly(edits, base)


def bits(found: Solution) -> dict[str, bytes]:
    return {key: t.numpy().tobytes() for key, t in found.edited.tensors.items()}


def test_twenty_mixed_edits_without_one_are_the_other_nineteen(
    folder: PipelineFolder, tmp_path: Path
) -> None:
    cache = tmp_path / "cache"
    whole = bits(run(EDITS, folder, cache))
    assert bits(run(EDITS[::-1], folder, cache)) == whole
    assert any(key.startswith("text_encoder_2/") for key in whole)
    assert any(key.startswith("unet/") for key in whole)
    for gone in (7, 8, 9, 10, 11):  # one of each method
        rest = [spec for number, spec in enumerate(EDITS) if number != gone]
        cold = bits(run(rest, folder))
        assert cold != whole
        warm = bits(run(rest[7:] + rest[:7], folder, cache))
        assert warm == cold


def test_a_cache_filled_one_prompt_at_a_time_changes_no_byte(
    folder: PipelineFolder, tmp_path: Path
) -> None:
    found = run(EDITS, folder)
    cache = tmp_path / "cache"
    texts = ["", "small town"]
    for spec in EDITS:
        for concept in spec.concepts:
            texts += [concept.source, concept.destination or "", concept.phrase]
    for text in texts:
        opened = open_encoder(folder, cache=cache, overrides=found.text.tensors)
        opened.encode_full([text])
        opened.encode_at([(text, len(opened.tokens(text).ids) - 2)])
    assert bits(run(EDITS[5:] + EDITS[:5], folder, cache)) == bits(found)


def test_cross_attention_alone_is_not_touched_by_the_text_part(
    folder: PipelineFolder,
) -> None:
    outer = [spec for spec in EDITS if spec.method not in {"refact", "emcid"}]
    found = run(outer, folder)
    assert not found.text.tensors
    assert all(key.startswith("unet/") for key, _, _ in found.factors())
    base = PipelineBase(folder)
    plain = apply(compose(outer, base.encoder({})), base.weights)
    assert plain.certificates == found.edited.certificates
    assert all(map(torch.equal, plain.tensors.values(), found.edited.tensors.values()))
    mixed = run(EDITS, folder)
    # The composed encoder gives other rows, so the same edits are other weights.
    assert (
        bits(mixed).items()
        >= {
            key: tensor.numpy().tobytes() for key, tensor in mixed.text.tensors.items()
        }.items()
    )
    key = next(iter(found.edited.tensors))
    assert not torch.equal(found.edited.tensors[key], mixed.edited.tensors[key])


def test_text_edits_alone_leave_the_unet_as_it_is(folder: PipelineFolder) -> None:
    inner = [spec for spec in EDITS if spec.method in {"refact", "emcid"}]
    found = run(inner, folder)
    assert {key.partition("/")[0] for key in found.edited.tensors} == set(WIDTHS)
    assert {site.key for site in found.edited.sites} == found.edited.tensors.keys()
    mixed = run(EDITS, folder)
    for key, tensor in found.edited.tensors.items():
        assert torch.equal(mixed.edited.tensors[key], tensor)


def test_every_edit_has_its_certificate_sorted_by_digest(
    folder: PipelineFolder,
) -> None:
    found = run(EDITS, folder)
    digests = [one.digest for one in found.edited.certificates]
    assert digests == sorted(spec.digest for spec in EDITS)
    assert found.edited.drift > 0
    assert not run([], folder).edited.certificates


def test_factors_rebuild_every_edited_matrix(folder: PipelineFolder) -> None:
    found = run(EDITS, folder)
    weights = PipelineBase(folder).weights
    seen: dict[str, Tensor] = {}
    for key, up, down in found.factors():
        assert up.shape[1] == down.shape[0] <= down.shape[1] or key.startswith("unet/")
        new = weights.read_key(key).double() + up @ down
        seen[key] = new.to(found.edited.tensors[key].dtype)
    assert seen.keys() == found.edited.tensors.keys()
    for key, tensor in seen.items():
        assert torch.allclose(tensor, found.edited.tensors[key], atol=1e-6)


def test_a_damaged_older_edit_shows_in_its_own_certificate(
    folder: PipelineFolder,
) -> None:
    old = EDITS[4]
    brute = one(9)
    near = Concept("shown", "wanted", prompt=old.concepts[0].phrase)
    other = EditSpec(
        "99" * 32,
        "update",
        "emcid",
        (near,),
        parameters={"layers": [0, 1], "lambda": 0.001},
        values={name: -value for name, value in (brute.values or {}).items()},
        statistics=STATISTICS,
    )
    alone = run([old], folder).edited.certificates[0]
    both = run([old, other], folder).edited.certificates
    after = next(one for one in both if one.digest == old.digest)
    assert after.concepts[0].residual > 1.2 * alone.concepts[0].residual
    assert after.drift > alone.drift


def test_the_same_edit_twice_is_refused_whatever_its_method(
    folder: PipelineFolder,
) -> None:
    with pytest.raises(EngineError, match="is given twice; expected it once"):
        run([EDITS[4], EDITS[4]], folder)


def test_a_debias_by_emcid_takes_its_combined_value_and_names_both_attributes(
    folder: PipelineFolder,
) -> None:
    update = EDITS[4]
    debias = EditSpec(
        update.digest,
        "debias",
        "emcid",
        update.concepts,
        (Attribute("female", "a female {}", 0.5), Attribute("male", "a male {}", 0.5)),
        alphas=((0.5, 0.5),),
        parameters=update.parameters,
        values=update.values,
        statistics=STATISTICS,
    )
    found = run([debias], folder)
    assert bits(found) == bits(run([update], folder))
    certificate = found.edited.certificates[0].concepts[0]
    assert certificate.destination == "female and male"
