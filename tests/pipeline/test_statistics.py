"""Key covariances: what they are the mean of, and what is refused as one."""

import io
import pickle
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor
from transformers import CLIPTextModel, CLIPTokenizer

from governance.errors import UsageError
from governance.pipeline.covariance_library import CovarianceLibrary
from governance.pipeline.covariances import (
    CovarianceFile,
    check_shapes,
    refuse_other_model,
    write_covariances,
)
from governance.pipeline.folder import open_pipeline
from governance.pipeline.statistics import (
    encoder_digests,
    key_widths,
    measure_keys,
)
from tests.pipeline.tiny import Family

CAPTIONS = ["a rose", "the old doctor by the town", "a dog", "rose", "a cat in art"]


def by_hand(folder: Path, captions: list[str], layer: int) -> tuple[Tensor, int]:
    """One caption at a time through transformers' own classes, no padding at all."""
    model = CLIPTextModel.from_pretrained(folder / "text_encoder")
    tokenizer = CLIPTokenizer.from_pretrained(folder / "tokenizer")
    seen: list[Tensor] = []
    clip: Any = getattr(model, "text_model", model)
    clip.encoder.layers[layer].mlp.fc2.register_forward_pre_hook(
        lambda _, given: seen.append(given[0][0].double())
    )
    with torch.no_grad():
        for caption in captions:
            model(torch.tensor([tokenizer(caption)["input_ids"]]))
    keys = torch.cat(seen)
    return sum((torch.outer(k, k) for k in keys), 0 * torch.outer(keys[0], keys[0])) / (
        len(keys)
    ), len(keys)


def test_a_covariance_is_the_mean_of_outer_products_of_every_token(
    tiny: dict[Family, Path],
) -> None:
    found = measure_keys(open_pipeline(tiny["sd1"]), CAPTIONS)
    for layer in (0, 1):
        expected, tokens = by_hand(tiny["sd1"], CAPTIONS, layer)
        assert found.tokens == tokens
        got = found.covariances["text_encoder", layer]
        assert torch.allclose(got, expected, rtol=0, atol=1e-6 * float(expected.max()))
        assert got.dtype == torch.float64


def test_both_encoders_of_sdxl_are_measured_over_the_same_tokens(
    tiny: dict[Family, Path],
) -> None:
    folder = open_pipeline(tiny["sdxl"])
    found = measure_keys(folder, CAPTIONS)
    assert set(found.covariances) == set(key_widths(folder))
    assert {component for component, _ in found.covariances} == {
        "text_encoder",
        "text_encoder_2",
    }
    for place, covariance in found.covariances.items():
        assert covariance.shape == (key_widths(folder)[place],) * 2


def test_a_caption_longer_than_the_model_reads_is_left_out_and_counted(
    tiny: dict[Family, Path],
) -> None:
    folder = open_pipeline(tiny["sd1"])
    found = measure_keys(folder, [*CAPTIONS, "rose " * 30])
    plain = measure_keys(folder, CAPTIONS)
    assert (found.captions, found.skipped) == (len(CAPTIONS), 1)
    for place, covariance in plain.covariances.items():
        assert torch.equal(found.covariances[place], covariance)


@pytest.mark.parametrize("family", ["sd1", "sdxl"])
def test_captions_that_are_no_text_are_left_out_and_counted(
    tiny: dict[Family, Path], family: Family
) -> None:
    folder = open_pipeline(tiny[family])
    odd = ["a <|endoftext|> rose", "<|startoftext|>", "a zebra", "a \x1b[31m rose"]
    found = measure_keys(folder, [odd[0], *CAPTIONS, *odd[1:]])
    plain = measure_keys(folder, CAPTIONS)
    assert (found.captions, found.unclean, found.skipped) == (len(CAPTIONS), 4, 0)
    assert found.about("c" * 64) == {**plain.about("c" * 64), "unclean": 4}
    for place, covariance in plain.covariances.items():
        assert torch.equal(found.covariances[place], covariance)


def test_equal_statistics_are_equal_bytes(tiny: dict[Family, Path]) -> None:
    folder = open_pipeline(tiny["sdxl"])
    files = []
    for _ in range(3):
        found = measure_keys(folder, CAPTIONS)
        file = io.BytesIO()
        own = encoder_digests(folder)
        write_covariances(file, found.covariances, own, found.about("c" * 64))
        files.append(file.getvalue())
    assert files[0] == files[1] == files[2]


def written(path: Path, folder: Path) -> Path:
    opened = open_pipeline(folder)
    found = measure_keys(opened, CAPTIONS)
    with path.open("wb") as file:
        own = encoder_digests(opened)
        write_covariances(file, found.covariances, own, found.about("c" * 64))
    return path


def test_what_was_written_is_read_back(
    tmp_path: Path, tiny: dict[Family, Path]
) -> None:
    folder = open_pipeline(tiny["sd1"])
    file = CovarianceFile(written(tmp_path / "s.safetensors", tiny["sd1"]))
    assert refuse_other_model(file, encoder_digests(folder)) == ()
    check_shapes(file, key_widths(folder))
    file.check()
    assert file.about["tokens"] == measure_keys(folder, CAPTIONS).tokens
    assert file.about["captions"] == "c" * 64
    library = CovarianceLibrary(
        lambda _: tmp_path / "s.safetensors", encoder_digests(folder), strict=True
    )
    expected = measure_keys(folder, CAPTIONS).covariances["text_encoder", 1]
    assert torch.equal(library("d" * 64, "text_encoder", 1), expected)
    with pytest.raises(UsageError, match="hold no covariance of layer 9"):
        library("d" * 64, "text_encoder", 9)


def test_statistics_of_another_encoder_are_refused_with_both_digests(
    tmp_path: Path, tiny: dict[Family, Path]
) -> None:
    file = CovarianceFile(written(tmp_path / "s.safetensors", tiny["sd1"]))
    other = encoder_digests(open_pipeline(tiny["sd2"]))
    with pytest.raises(UsageError) as caught:
        refuse_other_model(file, other)
    assert other["text_encoder"] in str(caught.value)
    assert file.encoders["text_encoder"] in str(caught.value)


GOOD = torch.tensor([[2.0, 0.5], [0.5, 1.0]], dtype=torch.float64)


def broken(**changes: float) -> Tensor:
    found = GOOD.clone()
    for place, value in changes.items():
        found[int(place[1]), int(place[2])] = value
    return found


@pytest.mark.parametrize(
    ("matrix", "message"),
    [
        (broken(x00=float("nan")), "NaN or infinity"),
        (broken(x11=float("inf")), "NaN or infinity"),
        (broken(x01=0.9), "differs from its transpose by 0.4"),
        (broken(x11=-1.0), "diagonal from -1"),
        (torch.zeros(2, 2, dtype=torch.float64), "expected mean squares"),
        (broken(x01=1.9, x10=1.9), "larger than its diagonal allows"),
    ],
)
def test_what_is_no_covariance_is_refused(
    tmp_path: Path, matrix: Tensor, message: str
) -> None:
    path = tmp_path / "s.safetensors"
    save_file({"covariance.0": matrix}, path)
    with pytest.raises(UsageError, match=message):
        CovarianceFile(path).check()
    save_file({"covariance.0": GOOD}, path)
    CovarianceFile(path).check()


@pytest.mark.parametrize(
    ("matrix", "message"),
    [
        (torch.eye(3, dtype=torch.float64), r"is F64 \[3, 3\]; expected F64 or F32"),
        (GOOD[:1].clone(), r"is F64 \[1, 2\]"),
        (GOOD.half(), r"is F16 \[2, 2\]"),
    ],
)
def test_another_shape_or_a_coarse_dtype_is_refused(
    tmp_path: Path, matrix: Tensor, message: str
) -> None:
    path = tmp_path / "s.safetensors"
    save_file({"covariance.0": matrix}, path)
    with pytest.raises(UsageError, match=message):
        check_shapes(CovarianceFile(path), {("text_encoder", 0): 2})
    save_file({"covariance.1": GOOD}, path)
    with pytest.raises(UsageError, match="a layer the model has not"):
        check_shapes(CovarianceFile(path), {("text_encoder", 0): 2})


@pytest.mark.parametrize(
    "content",
    [b"", b"PK\x03\x04" + b"\0" * 60, pickle.dumps({"covariance.0": 1}), b"\xff" * 64],
)
def test_a_pickle_or_anything_else_is_never_loaded(
    tmp_path: Path, content: bytes
) -> None:
    path = tmp_path / "s.pt"
    path.write_bytes(content)
    with pytest.raises(UsageError, match="not a well-formed safetensors file") as found:
        CovarianceFile(path)
    assert "pickles are never loaded" in found.value.hint


def test_a_name_that_is_none_is_shown_safely(tmp_path: Path) -> None:
    path = tmp_path / "s.safetensors"
    save_file({"covariance.\x1b[2J": GOOD}, path)
    with pytest.raises(UsageError, match=r"found 'covariance.\\x1b\[2J'"):
        CovarianceFile(path)
