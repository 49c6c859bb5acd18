"""Folders open only when everything in them can be edited safely."""

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from governance.canonical import digest_of
from governance.errors import ExitCode, NotFoundError, PipelineError
from governance.pipeline.folder import (
    FileFinding,
    FileRecord,
    open_pipeline,
    restore,
    verify_files,
)
from governance.pipeline.hub import fetch_pipeline
from tests.pipeline.tiny import Family, build, copy, edit_json

UNET = "diffusion_pytorch_model.safetensors"


@pytest.fixture
def model(tiny: dict[Family, Path], tmp_path: Path) -> Path:
    return copy(tiny["sd1"], tmp_path / "model")


@pytest.fixture
def sharded(tiny: dict[Family, Path], tmp_path: Path) -> Path:
    return copy(tiny["sd2"], tmp_path / "sharded")


def test_families_are_told_from_their_configs(tiny: dict[Family, Path]) -> None:
    assert {name: open_pipeline(path).family for name, path in tiny.items()} == {
        "sd1": "sd1",
        "sd2": "sd2",
        "sdxl": "sdxl",
        "sd3": "sd3",
        "flux": "flux",
    }


def test_the_digest_is_that_of_every_file_the_pipeline_loads(model: Path) -> None:
    (model / "README.md").write_text("not loaded")
    (model / "unet" / "diffusion_pytorch_model.bin").write_bytes(b"left out")
    folder = open_pipeline(model)
    expected = {
        path.relative_to(model).as_posix(): hashlib.sha256(
            path.read_bytes()
        ).hexdigest()
        for path in model.rglob("*")
        if path.is_file() and path.suffix in {".json", ".safetensors"}
    }
    assert {record.path: record.sha256 for record in folder.files} == expected
    assert folder.digest == digest_of(expected)
    assert all((model / r.path).stat().st_size == r.size for r in folder.files)


def test_progress_counts_every_byte(model: Path) -> None:
    seen: list[tuple[int, int]] = []
    folder = open_pipeline(model, on_progress=lambda a, b: seen.append((a, b)))
    total = sum(record.size for record in folder.files)
    assert seen[-1] == (total, total)


def test_links_are_followed(model: Path, tmp_path: Path) -> None:
    before = open_pipeline(model).digest
    blob = tmp_path / "blob"
    (model / "unet" / UNET).rename(blob)
    (model / "unet" / UNET).symlink_to(blob)
    assert open_pipeline(model).digest == before


def test_a_folder_with_only_a_variant_opens_with_it(tmp_path: Path) -> None:
    folder = open_pipeline(build(tmp_path / "half", variant="fp16"))
    assert folder.variants("unet")[0].variant == "fp16"


def test_every_variant_is_listed_the_default_one_first(model: Path) -> None:
    data = (model / "unet" / UNET).read_bytes()
    for name in ("fp16", "non_ema"):
        (model / "unet" / f"diffusion_pytorch_model.{name}.safetensors").write_bytes(
            data
        )
    folder = open_pipeline(model)
    assert [w.variant for w in folder.variants("unet")] == ["", "fp16", "non_ema"]
    assert len([r for r in folder.files if r.path.startswith("unet/")]) == 4


def test_a_changed_an_added_and_a_missing_file_are_named(sharded: Path) -> None:
    recorded = open_pipeline(sharded).files
    assert verify_files(sharded, recorded) == ()
    shard = sorted((sharded / "unet").glob("*.safetensors"))[0]
    data = bytearray(shard.read_bytes())
    data[-1] ^= 1
    shard.write_bytes(data)
    (sharded / "vae" / "extra.json").write_text("{}")
    assert verify_files(sharded, recorded) == (
        FileFinding(f"unet/{shard.name}", "changed"),
        FileFinding("vae/extra.json", "added"),
    )
    (sharded / "tokenizer" / "tokenizer.json").unlink()
    problems = {f.path: f.problem for f in verify_files(sharded, recorded)}
    assert problems["tokenizer/tokenizer.json"] == "missing"


def test_a_folder_that_no_longer_opens_still_names_what_is_missing(model: Path) -> None:
    recorded = open_pipeline(model).files
    (model / "unet" / UNET).unlink()
    assert FileFinding(f"unet/{UNET}", "missing") in verify_files(model, recorded)


def test_restoring_takes_recorded_digests_and_hashes_nothing(model: Path) -> None:
    known = [FileRecord(r.path, r.size, "0" * 64) for r in open_pipeline(model).files]
    assert {r.sha256 for r in restore(model, known[::-1]).files} == {"0" * 64}
    with pytest.raises(PipelineError, match=r"first difference: model_index\.json"):
        restore(model, [r for r in known if r.path != "model_index.json"])


def test_a_missing_folder_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="nowhere does not exist"):
        open_pipeline(tmp_path / "nowhere")


def without_index(model: Path) -> None:
    (model / "model_index.json").unlink()


def broken_index(model: Path) -> None:
    (model / "model_index.json").write_text("{")


def pickle_only(model: Path) -> None:
    (model / "unet" / UNET).rename(model / "unet" / "diffusion_pytorch_model.bin")


def no_weights(model: Path) -> None:
    (model / "vae" / UNET).unlink()


def no_component(model: Path) -> None:
    (model / "scheduler" / "scheduler_config.json").unlink()
    (model / "scheduler").rmdir()


def flux(model: Path) -> None:
    edit_json(model / "model_index.json", _class_name="FluxPipeline")


def sd3(model: Path) -> None:
    edit_json(model / "model_index.json", _class_name="StableDiffusion3Pipeline")


def kandinsky(model: Path) -> None:
    edit_json(model / "model_index.json", _class_name="KandinskyPipeline")


def foreign_code(model: Path) -> None:
    edit_json(model / "model_index.json", unet=["my_module", "MyUNet"])


def other_encoder(model: Path) -> None:
    edit_json(
        model / "model_index.json", text_encoder=["transformers", "T5EncoderModel"]
    )


def hostile_component(model: Path) -> None:
    edit_json(model / "model_index.json", **{"../etc": ["diffusers", "DDIMScheduler"]})


def dead_link(model: Path) -> None:
    (model / "vae" / "config.json").unlink()
    (model / "vae" / "config.json").symlink_to(model / "gone")


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (without_index, "model_index.json is missing"),
        (broken_index, "model_index.json is not JSON"),
        (pickle_only, r"unet/diffusion_pytorch_model\.bin is a pickle"),
        (no_weights, "component vae has no weights"),
        (no_component, "component scheduler is missing"),
        (flux, "transformer of FluxPipeline is 'nothing'; expected FluxTransformer2D"),
        (sd3, "transformer of StableDiffusion3Pipeline is 'nothing'; expected SD3Tr"),
        (kandinsky, "unsupported architecture 'KandinskyPipeline'"),
        (foreign_code, "component unet comes from 'my_module'"),
        (other_encoder, "text_encoder of StableDiffusionPipeline is 'T5EncoderModel'"),
        (hostile_component, r"names the component '\.\./etc'"),
        (dead_link, r"vae/config\.json is a link to nothing"),
    ],
)
def test_a_folder_that_cannot_be_edited_safely_is_refused_by_name(
    model: Path, spoil: Callable[[Path], None], message: str
) -> None:
    spoil(model)
    with pytest.raises(PipelineError, match=message):
        open_pipeline(model)


@pytest.mark.parametrize(
    "name",
    [
        "PixArtAlphaPipeline",
        "PixArtSigmaPipeline",
        "KandinskyV22Pipeline",
        "AuraFlowPipeline",
        "HunyuanDiTPipeline",
        "StableCascadeDecoderPipeline",
        "StableDiffusionInpaintPipeline",
        "FluxFillPipeline",
        "Chroma\x1b[31mPipeline",
        None,
    ],
)
def test_an_architecture_that_cannot_be_edited_says_so_by_name(
    model: Path, name: str | None
) -> None:
    edit_json(model / "model_index.json", _class_name=name)
    with pytest.raises(PipelineError) as caught:
        open_pipeline(model)
    assert f"unsupported architecture {str(name)!r}" in caught.value.message
    assert "expected a Stable Diffusion 1.x, 2.x, SDXL, 3.x or" in caught.value.message
    assert caught.value.message.isprintable()
    assert caught.value.exit_code is ExitCode.PIPELINE


@pytest.mark.parametrize("family", ["sd3", "flux"])
@pytest.mark.parametrize(
    ("component", "kind", "message"),
    [
        ("transformer", "PixArtTransformer2DModel", "component transformer of"),
        ("text_encoder", "T5EncoderModel", "component text_encoder of"),
        ("tokenizer_2", "LlamaTokenizer", "component tokenizer_2 of"),
        ("text_encoder_2", "UMT5EncoderModel", "component text_encoder_2 of"),
    ],
)
def test_a_transformer_pipeline_of_other_parts_is_refused_by_name(
    tiny: dict[Family, Path],
    tmp_path: Path,
    family: Family,
    component: str,
    kind: str,
    message: str,
) -> None:
    model = copy(tiny[family], tmp_path / "model")
    edit_json(model / "model_index.json", **{component: ["transformers", kind]})
    with pytest.raises(PipelineError, match=message) as caught:
        open_pipeline(model)
    assert repr(kind) in caught.value.message


def test_a_t5_that_the_index_names_must_be_there(
    tiny: dict[Family, Path], tmp_path: Path
) -> None:
    model = copy(tiny["sd3"], tmp_path / "model")
    shutil.rmtree(model / "text_encoder_3")
    with pytest.raises(PipelineError, match="component text_encoder_3 is missing"):
        open_pipeline(model)
    edit_json(model / "model_index.json", text_encoder_3=[None, None])
    assert open_pipeline(model).t5 is None


def test_t5s_vocabulary_is_part_of_the_model_in_either_form(
    tiny: dict[Family, Path], tmp_path: Path
) -> None:
    model = copy(tiny["flux"], tmp_path / "model")
    (model / "tokenizer_2" / "spiece.model").write_bytes(b"pieces")
    (model / "tokenizer_2" / "other.model").write_bytes(b"left out")
    names = {record.path for record in open_pipeline(model).files}
    assert names >= {"tokenizer_2/spiece.model", "tokenizer_2/tokenizer.json"}
    assert "tokenizer_2/other.model" not in names


def test_a_single_file_checkpoint_is_refused_with_the_next_step(
    tmp_path: Path,
) -> None:
    file = tmp_path / "v1-5-pruned.safetensors"
    file.write_bytes(b"")
    for path in (file, tmp_path):
        with pytest.raises(
            PipelineError, match=r"'v1-5-pruned\.safetensors' is a single-file check"
        ) as caught:
            open_pipeline(path)
        assert "from_single_file" in caught.value.hint
        assert "save_pretrained" in caught.value.hint


def test_a_checkpoint_beside_a_pipeline_is_none_of_its_files(model: Path) -> None:
    before = open_pipeline(model).digest
    (model / "v1-5-pruned.safetensors").write_bytes(b"")
    assert open_pipeline(model).digest == before


def test_a_missing_shard_is_named(sharded: Path) -> None:
    shard = sorted((sharded / "unet").glob("*.safetensors"))[1]
    shard.unlink()
    with pytest.raises(PipelineError, match=f"shard unet/{shard.name} is missing"):
        open_pipeline(sharded)


def test_a_missing_shard_index_is_named(sharded: Path) -> None:
    (sharded / "unet" / f"{UNET}.index.json").unlink()
    with pytest.raises(PipelineError, match="one shard of several, but its index is"):
        open_pipeline(sharded)


@pytest.mark.parametrize(
    "name",
    [
        "../../secret.safetensors",
        "/etc/passwd.safetensors",
        "sub/shard.safetensors",
        "..safetensors",
        "weights.bin",
        "a\nb.safetensors",
        7,
    ],
)
def test_a_shard_index_that_points_elsewhere_is_refused(
    sharded: Path, name: object
) -> None:
    index = sharded / "unet" / f"{UNET}.index.json"
    content = json.loads(index.read_text())
    content["weight_map"][sorted(content["weight_map"])[0]] = name
    index.write_text(json.dumps(content))
    with pytest.raises(PipelineError, match="expected the plain name of a safetensors"):
        open_pipeline(sharded)


def test_a_model_the_hub_cannot_give_is_a_clear_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(PipelineError, match="owner/model is not on this machine and"):
        fetch_pipeline("owner/model", cache=tmp_path)


def test_a_name_that_is_neither_folder_nor_model_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="neither a folder nor a model hub name"):
        fetch_pipeline("../../not a/name", cache=tmp_path)
