"""Embeddings equal the pipeline's own, and depend on nothing but their text."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import CLIPTextConfig, CLIPTextModel

from governance.errors import PipelineError, RequestError
from governance.pipeline.encoder import PipelineEncoder, open_encoder
from governance.pipeline.folder import open_pipeline
from governance.pipeline.tensors import tensor_bytes
from governance.pipeline.vocabulary import open_vocabulary
from tests.pipeline.tiny import (
    FAMILIES,
    LENGTH,
    Family,
    build,
    copy,
    diffusers,
    edit_json,
)

PROMPTS = ["a photo of kora", "", "Rose", "the old mayor in town", "zebra"]


POOLED = {"sdxl": 2, "sd3": 2, "flux": 1}
"""Which of the things that ``encode_prompt`` returns is the pooled vector."""


def own_encoding(
    folder: Path, family: Family, prompts: list[str]
) -> tuple[torch.Tensor, torch.Tensor | None]:
    """Return rows and pooled vectors as diffusers' own pipeline gives them."""
    options: dict[str, object] = {"num_images_per_prompt": 1}
    dropped: dict[str, object] = {}
    if family != "flux":
        options["do_classifier_free_guidance"] = False
    if family == "sd3":
        options |= {"prompt_2": None, "prompt_3": None}
        if not (folder / "text_encoder_3").exists():
            dropped = {"text_encoder_3": None, "tokenizer_3": None}
    pipeline = diffusers.DiffusionPipeline.from_pretrained(folder, **dropped)
    found = pipeline.encode_prompt(prompts, device="cpu", **options)
    pooled = found[POOLED[family]].detach() if family in POOLED else None
    return found[0].detach(), pooled


def check_encoding(folder: Path, family: Family) -> torch.Tensor:
    encoder = open_encoder(open_pipeline(folder))
    expected, pooled = own_encoding(folder, family, PROMPTS)
    found = encoder.encode_full(PROMPTS)
    assert found.shape == (len(PROMPTS), encoder.length, encoder.width)
    assert float((found - expected).abs().max()) <= 1e-6
    assert float(expected.std()) > 0.03  # not a comparison of zeros
    if pooled is not None:
        vectors = encoder.encode_pooled(PROMPTS)
        assert vectors.shape == (len(PROMPTS), encoder.pooled_width)
        assert float((vectors - pooled).abs().max()) <= 1e-6
        assert float(pooled.std()) > 0.03
    return found


@pytest.mark.parametrize("family", FAMILIES)
def test_encoding_equals_the_pipelines_own(
    tiny: dict[Family, Path], family: Family
) -> None:
    check_encoding(tiny[family], family)


def test_sd3_without_t5_reads_rows_of_zeros_in_its_place(tmp_path: Path) -> None:
    folder = build(tmp_path / "model", "sd3", with_t5=False)
    found = check_encoding(folder, "sd3")
    assert found.shape[1:] == (LENGTH + 256, 52)
    assert not found[:, LENGTH:].any()
    assert len(open_encoder(open_pipeline(folder)).readings("rose")) == 1


@pytest.mark.parametrize("depth", [22, 23])
def test_sd2_reads_the_last_hidden_state_however_deep_it_is(
    tmp_path: Path, depth: int
) -> None:
    # Published SD2 folders hold 23 layers of OpenCLIP's 24, so that the last hidden
    # state, normalised, is what the paper calls penultimate.
    folder = copy(build(tmp_path / "base", "sd2"), tmp_path / "model")
    config = json.loads((folder / "text_encoder/config.json").read_text())
    wide = CLIPTextModel(CLIPTextConfig(**{**config, "num_hidden_layers": depth}))
    wide.save_pretrained(folder / "text_encoder")
    check_encoding(folder, "sd2")


@pytest.mark.parametrize("family", FAMILIES)
def test_a_prefix_gives_the_row_of_the_whole_prompt(
    tiny: dict[Family, Path], family: Family
) -> None:
    encoder = open_encoder(open_pipeline(tiny[family]), dtype="float64")
    places = [
        (text, one.first + i)
        for text in PROMPTS
        for one in encoder.readings(text)
        for i in range(len(one.tokens.ids) + 1)
    ]
    rows = encoder.encode_at(places)
    full = {text: encoder.encode_full([text])[0] for text in PROMPTS}
    expected = torch.stack([full[text][index] for text, index in places])
    assert float((rows - expected).abs().max()) <= 1e-12


@pytest.mark.parametrize("family", FAMILIES)
def test_bits_do_not_depend_on_company_or_cache(
    tiny: dict[Family, Path], tmp_path: Path, family: Family
) -> None:
    folder = open_pipeline(tiny[family])
    alone = open_encoder(folder).encode_full(["a photo of kora"])
    row = open_encoder(folder).encode_at([("a photo of kora", 4)])
    last = open_encoder(folder).readings("rose")[-1].first + 1
    vector = open_encoder(folder).encode_pooled(["a photo of kora"])
    words = [f"{a} {b}" for a in ("red", "blue", "old") for b in ("cat", "dog", "kora")]
    crowd = open_encoder(folder, cache=tmp_path / "cache")
    first = crowd.encode_full([*words, "a photo of kora"])
    crowd.encode_at([(word, 2) for word in words])
    among = crowd.encode_at(
        [*((w, 1) for w in words), ("a photo of kora", 4), ("rose", last)]
    )
    vectors = crowd.encode_pooled([*words, "a photo of kora"])
    warm = open_encoder(folder, cache=tmp_path / "cache")
    assert torch.equal(first[-1:], alone)
    assert torch.equal(among[len(words)][None], row)
    assert torch.equal(warm.encode_full(["a photo of kora"]), alone)
    assert torch.equal(warm.encode_at([("a photo of kora", 4)]), row)
    assert torch.equal(warm.encode_at([("rose", last)]), among[-1:])
    assert torch.equal(vectors[-1:], vector)
    assert torch.equal(warm.encode_pooled(["a photo of kora"]), vector)
    assert warm.seconds == 0


def test_a_damaged_cache_entry_is_encoded_again(
    tiny: dict[Family, Path], tmp_path: Path
) -> None:
    folder = open_pipeline(tiny["sd1"])
    expected = open_encoder(folder, cache=tmp_path).encode_full(["rose"])
    for entry in [path for path in tmp_path.rglob("*") if path.is_file()]:
        data = bytearray(entry.read_bytes())
        data[-1] ^= 1
        entry.write_bytes(data)
    again = open_encoder(folder, cache=tmp_path)
    assert torch.equal(again.encode_full(["rose"]), expected)
    assert again.seconds > 0


def test_other_weights_never_share_a_cache(
    tiny: dict[Family, Path], tmp_path: Path
) -> None:
    folder = open_pipeline(tiny["sd1"])
    key = "text_encoder/model.safetensors:encoder.layers.0.mlp.fc2.weight"
    old = load_file(tiny["sd1"] / "text_encoder/model.safetensors")
    new = old[key.partition(":")[2]] * 1.5
    base = open_encoder(folder, cache=tmp_path)
    edited = open_encoder(folder, cache=tmp_path, overrides={key: new})
    same = open_encoder(folder, cache=tmp_path, overrides={key: tensor_bytes(new)})
    assert base.digest != edited.digest == same.digest
    rows = base.encode_full(["rose"])
    assert not torch.equal(edited.encode_full(["rose"]), rows)
    assert torch.equal(same.encode_full(["rose"]), edited.encode_full(["rose"]))


def rename(folder: Path, change: Callable[[str], str]) -> None:
    path = folder / "text_encoder" / "model.safetensors"
    tensors = {change(name): tensor for name, tensor in load_file(path).items()}
    save_file(tensors, path, {"format": "pt"})


@pytest.mark.parametrize(
    "change",
    [
        lambda name: "text_model." + name.removeprefix("text_model."),
        lambda name: name.removeprefix("text_model."),
    ],
)
def test_text_encoders_load_with_and_without_the_old_prefix(
    tiny: dict[Family, Path], tmp_path: Path, change: Callable[[str], str]
) -> None:
    folder = copy(tiny["sd1"], tmp_path / "model")
    rename(folder, change)
    found = open_encoder(open_pipeline(folder)).encode_full(PROMPTS)
    expected = open_encoder(open_pipeline(tiny["sd1"])).encode_full(PROMPTS)
    assert torch.equal(found, expected)


def test_a_missing_text_encoder_tensor_is_named(
    tiny: dict[Family, Path], tmp_path: Path
) -> None:
    folder = copy(tiny["sd1"], tmp_path / "model")
    rename(folder, lambda name: name.replace("final_layer_norm.bias", "gone"))
    with pytest.raises(
        PipelineError, match=r"'final_layer_norm\.bias' of text_encoder is"
    ):
        open_encoder(open_pipeline(folder)).encode_full(["rose"])


def test_nan_in_a_text_encoder_is_refused_by_name(
    tiny: dict[Family, Path], tmp_path: Path
) -> None:
    folder = copy(tiny["sd1"], tmp_path / "model")
    path = folder / "text_encoder" / "model.safetensors"
    tensors = load_file(path)
    name = next(name for name in tensors if name.endswith("layers.1.mlp.fc1.bias"))
    tensors[name][0] = float("nan")
    save_file(tensors, path, {"format": "pt"})
    with pytest.raises(PipelineError, match=r"layers\.1\.mlp\.fc1\.bias.*holds NaN"):
        open_encoder(open_pipeline(folder)).encode_full(["rose"])


def test_t5_reads_its_table_under_either_name(tmp_path: Path) -> None:
    folder = copy(build(tmp_path / "base", "flux"), tmp_path / "model")
    path = folder / "text_encoder_2" / "model.safetensors"
    tensors = load_file(path)
    tensors["encoder.embed_tokens.weight"] = tensors.pop("shared.weight")
    save_file(tensors, path, {"format": "pt"})
    expected = open_encoder(open_pipeline(tmp_path / "base")).encode_full(["rose"])
    found = open_encoder(open_pipeline(folder)).encode_full(["rose"])
    assert torch.equal(found, expected)


def test_each_stream_has_tokens_of_its_own(tiny: dict[Family, Path]) -> None:
    text = "the old  mayor"
    clip, t5 = open_encoder(open_pipeline(tiny["sd3"])).readings(text)
    assert (clip.first, clip.length, t5.first, t5.length) == (0, LENGTH, LENGTH, 256)
    assert clip.tokens.spans == (None, (0, 3), (4, 7), (9, 14), None)
    assert t5.tokens.spans == ((0, 3), (4, 7), (9, 12), (12, 14), None)
    [only] = open_encoder(open_pipeline(tiny["flux"])).readings(text)
    assert only.tokens == t5.tokens
    assert (only.first, only.length) == (0, 512)


def test_a_prompt_must_fit_every_encoder_that_reads_it(
    tiny: dict[Family, Path],
) -> None:
    # FLUX reads 512 tokens with T5, but pools no more than CLIP can read.
    encoder = open_encoder(open_pipeline(tiny["flux"]))
    long = " ".join(["rose"] * 12)
    assert encoder.too_long([long, "rose"]) == (long,)
    with pytest.raises(RequestError, match="has 14 tokens; expected at most 13"):
        encoder.encode_at([(long, 0)])


def test_an_exclamation_mark_is_a_word_even_where_it_pads(
    tiny: dict[Family, Path], tmp_path: Path
) -> None:
    folder = copy(tiny["sdxl"], tmp_path / "model")
    for name in ("tokenizer", "tokenizer_2"):
        path = folder / name / "tokenizer.json"
        made = json.loads(path.read_text())
        made["model"]["vocab"]["!</w>"] = len(made["model"]["vocab"])
        path.write_text(json.dumps(made))
    vocabulary = open_vocabulary(open_pipeline(folder))
    assert vocabulary.unknown_words(["rose !", "zebra!"]) == ("zebra!",)
    first, second = vocabulary.read("rose !").values()
    assert first.spans == second.spans == (None, (0, 4), (5, 6), None)
    assert first.ids != second.ids


def test_tokenizers_that_split_a_text_differently_are_refused(
    tiny: dict[Family, Path], tmp_path: Path
) -> None:
    folder = copy(tiny["sdxl"], tmp_path / "model")
    path = folder / "tokenizer_2" / "tokenizer.json"
    made = json.loads(path.read_text())
    made["model"]["merges"] = made["model"]["merges"][:1]
    path.write_text(json.dumps(made))
    with pytest.raises(PipelineError, match="tokenizers read 'mayor' differently"):
        open_vocabulary(open_pipeline(folder)).tokens("mayor")


@pytest.fixture(scope="module")
def encoder(tiny: dict[Family, Path]) -> PipelineEncoder:
    return open_encoder(open_pipeline(tiny["sdxl"]))


def test_an_over_long_prompt_is_an_error_and_never_cut(
    encoder: PipelineEncoder,
) -> None:
    fits = " ".join(["rose"] * 11)
    assert encoder.encode_full([fits]).shape[0] == 1
    with pytest.raises(RequestError, match="has 14 tokens; expected at most 13"):
        encoder.encode_full([f"{fits} rose"])
    with pytest.raises(RequestError, match="has 14 tokens"):
        encoder.encode_at([(f"{fits} rose", 1)])
    assert encoder.too_long([fits, f"{fits} rose"]) == (f"{fits} rose",)


def test_unknown_words_are_named_once_and_special_tokens_count(
    encoder: PipelineEncoder,
) -> None:
    texts = ["a zebra photo", "zebra", "Kora", "<|endoftext|> cat", "<|startoftext|>"]
    assert encoder.unknown_words(texts) == ("zebra", "<|endoftext|>", "<|startoftext|>")


def test_spans_point_into_the_text_as_it_was_given(encoder: PipelineEncoder) -> None:
    text = "A  photo of KORA"
    spans = encoder.tokens(text).spans
    words = [text[span[0] : span[1]] for span in spans if span is not None]
    assert words == ["A", "photo", "of", "KORA"]


def test_no_prompt_gives_no_rows(encoder: PipelineEncoder) -> None:
    assert encoder.encode_full([]).shape == (0, 13, 44)
    assert encoder.encode_at([]).shape == (0, 44)


def test_a_tokenizer_of_plain_vocabulary_files_works_too(
    tiny: dict[Family, Path], tmp_path: Path
) -> None:
    # Folders written before transformers 5 hold vocab.json and merges.txt.
    folder = copy(tiny["sd1"], tmp_path / "model")
    made = json.loads((folder / "tokenizer/tokenizer.json").read_text())
    merges = "\n".join(" ".join(pair) for pair in made["model"]["merges"])
    (folder / "tokenizer/vocab.json").write_text(json.dumps(made["model"]["vocab"]))
    (folder / "tokenizer/merges.txt").write_text(f"#version: 0.2\n{merges}\n")
    (folder / "tokenizer/tokenizer.json").unlink()
    edit_json(folder / "tokenizer/tokenizer_config.json", model_max_length=13)
    found = open_encoder(open_pipeline(folder))
    assert found.tokens("a photo of kora").ids == (
        open_encoder(open_pipeline(tiny["sd1"])).tokens("a photo of kora").ids
    )


def test_an_encoder_gives_its_memory_back_and_takes_it_again(
    tiny: dict[Family, Path],
) -> None:
    encoder = open_encoder(open_pipeline(tiny["sdxl"]))
    before = encoder.encode_at([("a rose", 2)])
    assert encoder._models
    encoder.release()
    assert not encoder._models
    assert torch.equal(encoder.encode_at([("a rose", 2)]), before)
