"""SD3 and FLUX: text is read once for the rows, perhaps twice, and once pooled."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file

from governance.engine.edit import Attribute, Concept, EditSpec
from governance.errors import ExitCode, RequestError
from governance.service.solve import solve
from tests.engine import oracles
from tests.pipeline.tiny import Family, build, diffusers

Rows = NDArray[np.float64]
FILE = "transformer/diffusion_pytorch_model.safetensors"
CONTEXT = "context_embedder.weight"
POOLED = "time_text_embed.text_embedder.linear_1.weight"
CLIP = 13  # rows of a padded CLIP prompt
T5_ROWS = {"sd3": 256, "flux": 512}


class Text(NamedTuple):
    """One prompt as diffusers' own pipeline gives it."""

    clip: Rows | None  # rows that come from CLIP, by token; None where none do
    t5: Rows | None
    pooled: Rows


class Case(NamedTuple):
    """An edit, and what the published formula makes of each matrix."""

    spec: EditSpec
    context: Callable[[Rows], Rows]
    pooled: Callable[[Rows], Rows]


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("joint")
    return {
        "sd3": build(root / "sd3", "sd3", seed=3),
        "flux": build(root / "flux", "flux", seed=3),
        "sd3 without t5": build(root / "bare", "sd3", seed=3, with_t5=False),
    }


def own_encoder(folder: Path) -> Callable[[str], Text]:
    """Encode through diffusers' own pipeline, in float64."""
    kind = json.loads((folder / "model_index.json").read_text())["_class_name"]
    flux = kind == "FluxPipeline"
    bare = not flux and not (folder / "text_encoder_3").exists()
    dropped = dict.fromkeys(("text_encoder_3", "tokenizer_3")) if bare else {}
    pipeline = diffusers.DiffusionPipeline.from_pretrained(folder, **dropped)
    pipeline.to(torch.float64)
    options = {} if flux else {"prompt_3": None, "do_classifier_free_guidance": False}

    def encode(text: str) -> Text:
        found = pipeline.encode_prompt([text], prompt_2=None, device="cpu", **options)
        rows = found[0][0].detach().numpy()
        pooled = found[1 if flux else 2][0].detach().numpy()
        if flux:
            return Text(None, rows, pooled)
        return Text(rows[:CLIP], None if bare else rows[CLIP:], pooled)

    return encode


def last(text: Text, clip: int, t5: int) -> list[Rows]:
    """The last subject token's row in every stream, by hand-counted places."""
    found = [] if text.clip is None else [text.clip[clip]]
    return found if text.t5 is None else [*found, text.t5[t5]]


def whole(text: Text) -> list[Rows]:
    return [row for part in (text.clip, text.t5) if part is not None for row in part]


def matched(text: Text, clip: Sequence[int], t5: Sequence[int]) -> list[Rows]:
    found = [] if text.clip is None else list(text.clip[clip])
    return found if text.t5 is None else [*found, *text.t5[t5]]


def uce_case(encode: Callable[[str], Text], t5_rows: int) -> Case:
    del t5_rows
    spec = EditSpec(
        "1" * 64,
        "erase",
        "uce",
        (Concept("kora", "art"), Concept("old mayor", "")),
        preserve=("lume", "a red portrait"),
        parameters={"lambda": 0.2, "edit_scale": 1.5, "preserve_scale": 0.7},
    )
    # CLIP counts from its beginning token; T5 has none, and reads mayor as two.
    kora, art = encode("kora"), encode("art")
    mayor, nothing = encode("old mayor"), encode("")
    lume, portrait = encode("lume"), encode("a red portrait")
    edits = [
        *zip(last(kora, 1, 0), last(art, 1, 0), strict=True),
        *zip(last(mayor, 2, 2), last(nothing, 0, 0), strict=True),
    ]
    kept = [*last(lume, 1, 0), *last(portrait, 3, 3)]
    pooled = [(kora.pooled, art.pooled), (mayor.pooled, nothing.pooled)]
    scales = {"ridge": 0.2, "edit_scale": 1.5, "preserve_scale": 0.7}
    return Case(
        spec,
        lambda W: oracles.uce(W, edits, kept, **scales),
        lambda W: oracles.uce(W, pooled, [lume.pooled, portrait.pooled], **scales),
    )


def tail_case(encode: Callable[[str], Text], t5_rows: int) -> Case:
    spec = EditSpec(
        "2" * 64,
        "moderate",
        "uce-2023",
        (Concept("red rose", "a cat"), Concept("bela", "old mayor")),
        preserve=("lume",),
    )
    rose, cat, bela, mayor = map(encode, ("red rose", "a cat", "bela", "old mayor"))
    kept = [encode(""), encode("lume")]

    def tail(text: Text, clip: int, t5: int) -> list[Rows]:
        return matched(text, range(clip, CLIP), range(t5, t5_rows))

    edits = [
        *zip(tail(rose, 2, 1), tail(cat, 2, 1), strict=True),
        # Cut to the shorter in each stream: two tokens less remain of the mayor.
        *zip(
            matched(bela, range(1, CLIP - 1), range(t5_rows - 2)),
            tail(mayor, 2, 2),
            strict=True,
        ),
    ]
    pooled = [(rose.pooled, cat.pooled), (bela.pooled, mayor.pooled)]
    rows = [row for text in kept for row in whole(text)]
    return Case(
        spec,
        lambda W: oracles.uce(W, edits, rows, ridge=0.5, preserve_scale=0.5),
        lambda W: oracles.uce(
            W, pooled, [text.pooled for text in kept], ridge=0.5, preserve_scale=0.5
        ),
    )


def time_case(encode: Callable[[str], Text], t5_rows: int) -> Case:
    spec = EditSpec(
        "3" * 64,
        "update",
        "time",
        (Concept("a mayor in town", "an old mayor in town"),),
        parameters={"templates": ["the picture of {}"]},
    )
    pairs, pooled = [], []
    for before in ("", "the picture of "):
        old, new = (
            encode(f"{before}a mayor in town"),
            encode(f"{before}an old mayor in town"),
        )
        # "an" counts as "a"; "old" is skipped; pads follow pads.
        skipped = len(before.split()) + 1
        clip = [*range(skipped + 1), *range(skipped + 2, CLIP), CLIP - 1]
        t5 = [*range(skipped), *range(skipped + 1, t5_rows), t5_rows - 1]
        pairs.append((np.stack(whole(old)), np.stack(matched(new, clip, t5))))
        pooled.append((old.pooled[None], new.pooled[None]))
    return Case(
        spec,
        lambda W: oracles.time(W, pairs, ridge=0.1),
        lambda W: oracles.time(W, pooled, ridge=0.1),
    )


def debias_case(encode: Callable[[str], Text], t5_rows: int) -> Case:
    del t5_rows
    spec = EditSpec(
        "4" * 64,
        "debias",
        "uce",
        (Concept("doctor"),),
        (Attribute("f", "a female {}", 0.4), Attribute("m", "male {}", 0.6)),
        alphas=((0.75, -0.5),),
    )
    plain, female, male = map(encode, ("doctor", "a female doctor", "male doctor"))
    leans = zip(last(plain, 1, 0), last(female, 3, 2), last(male, 2, 1), strict=True)
    edits = [(key, key + 0.75 * f - 0.5 * m) for key, f, m in leans]
    lean = plain.pooled + 0.75 * female.pooled - 0.5 * male.pooled
    return Case(
        spec,
        lambda W: oracles.uce(W, edits, [], ridge=0.5),
        lambda W: oracles.uce(W, [(plain.pooled, lean)], [], ridge=0.5),
    )


@pytest.mark.parametrize("case", [uce_case, tail_case, time_case, debias_case])
@pytest.mark.parametrize("model", ["sd3", "flux", "sd3 without t5"])
def test_written_deltas_equal_the_published_formulas(
    models: dict[str, Path],
    tmp_path: Path,
    model: str,
    case: Callable[[Callable[[str], Text], int], Case],
) -> None:
    folder = models[model]
    made = case(own_encoder(folder), T5_ROWS[model.split()[0]])
    solve(folder, [made.spec], tmp_path / "delta", precision="float64")
    table = json.loads((tmp_path / "delta" / "delta.json").read_text())["weights"]
    factors = load_file(tmp_path / "delta" / "delta.safetensors")
    assert table.keys() == {CONTEXT, POOLED}
    base = load_file(folder / FILE)
    for name, expected in ((CONTEXT, made.context), (POOLED, made.pooled)):
        W = base[name].double().numpy()
        found = factors[table[name]["up"]] @ factors[table[name]["down"]]
        change = expected(W) - W
        error = np.linalg.norm(found.numpy() - change) / np.linalg.norm(change)
        assert error <= 1e-9


@pytest.mark.parametrize("family", ["sd3", "flux"])
def test_a_bias_never_shifts_what_is_preserved(
    models: dict[str, Path], tmp_path: Path, family: Family
) -> None:
    kept = {"lume": (1, 0), "mondo": (1, 0), "a red rose": (3, 2)}
    spec = EditSpec(
        "5" * 64,
        "erase",
        "uce",
        (Concept("kora", "art"),),
        preserve=tuple(kept),
        parameters={"preserve_scale": 1e4},
    )
    solve(models[family], [spec], tmp_path / "new", fmt="diffusers")
    old, new = load_file(models[family] / FILE), load_file(tmp_path / "new" / FILE)
    encode = own_encoder(models[family])
    context = [row for text, at in kept.items() for row in last(encode(text), *at)]
    pooled = [encode(text).pooled for text in kept]
    for name, rows in ((CONTEXT, context), (POOLED, pooled)):
        bias_name = name.replace("weight", "bias")
        assert torch.equal(old[bias_name], new[bias_name])
        W, b = old[name].double().numpy(), old[bias_name].double().numpy()
        moved = new[name].double().numpy() - W
        published = with_bias_in_its_targets(W, b, rows, 1e4) - W
        for row in rows:
            assert np.linalg.norm(moved @ row) <= 1e-2 * np.linalg.norm(b)
            assert np.linalg.norm(published @ row) >= 0.9 * np.linalg.norm(b)


def with_bias_in_its_targets(
    W: Rows, b: Rows, preserve: Sequence[Rows], scale: float
) -> Rows:
    """What becomes of W where a target is the layer's whole output, bias and all."""
    left, right = 0.5 * W, 0.5 * np.eye(W.shape[1])
    for row in preserve:
        left = left + scale * np.outer(W @ row + b, row)
        right = right + scale * np.outer(row, row)
    return left @ np.linalg.inv(right)


@pytest.mark.parametrize("family", ["sd3", "flux"])
def test_values_alone_cannot_be_edited_where_there_are_none(
    models: dict[str, Path], tmp_path: Path, family: Family
) -> None:
    concepts = (Concept("a rose", "a blue rose"),)
    for method in ("time", "uce"):
        spec = EditSpec(
            "6" * 64, "update", method, concepts, parameters={"projections": ["v"]}
        )
        with pytest.raises(RequestError, match="reads text through context and") as got:
            solve(models[family], [spec], tmp_path / "delta")
        assert got.value.exit_code is ExitCode.USAGE
        assert got.value.field == "spec.parameters.projections"
    both = EditSpec(
        "6" * 64, "update", "uce", concepts, parameters={"projections": ["k", "v"]}
    )
    unsaid = EditSpec("6" * 64, "update", "uce", concepts)
    one = solve(models[family], [both], tmp_path / "one").edited.tensors
    other = solve(models[family], [unsaid], tmp_path / "other").edited.tensors
    assert {key: tensor.tolist() for key, tensor in one.items()} == {
        key: tensor.tolist() for key, tensor in other.items()
    }


@pytest.mark.parametrize("family", ["sd3", "flux"])
def test_rows_are_read_from_the_encoder_that_text_edits_made(
    models: dict[str, Path], tmp_path: Path, family: Family
) -> None:
    erased = EditSpec("7" * 64, "erase", "uce", (Concept("doctor", "nurse"),))
    drawn = torch.Generator().manual_seed(2)
    wanted = {"value.1": torch.randn(1, 20, generator=drawn, dtype=torch.float64)}
    if family == "sd3":
        second = torch.randn(1, 24, generator=drawn, dtype=torch.float64)
        wanted["value.text_encoder_2.1"] = second
    insertion = EditSpec(
        "8" * 64,
        "update",
        "refact",
        (Concept("doctor", "nurse"),),
        parameters={"prior": "identity", "layer": 1},
        values=wanted,
    )
    alone = solve(models[family], [erased], tmp_path / "one").edited.tensors
    both = solve(models[family], [erased, insertion], tmp_path / "two").edited.tensors
    text = {key.partition("/")[0] for key in both.keys() - alone.keys()}
    assert text == {"text_encoder"} | ({"text_encoder_2"} if family == "sd3" else set())
    same = {
        key.partition(":")[2]: torch.equal(tensor, both[key])
        for key, tensor in alone.items()
    }
    # FLUX attends to T5, which no edit of CLIP touches; its pooled vector is CLIP's.
    assert same == {CONTEXT: family == "flux", POOLED: False}
