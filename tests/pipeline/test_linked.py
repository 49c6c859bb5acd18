"""A model folder gives what it holds, and nothing of the reader's own files."""

import json
import os
import shutil
from pathlib import Path

import pytest

from governance.errors import PipelineError
from governance.pipeline.folder import open_pipeline
from governance.pipeline.weights import PipelineWeights
from tests.pipeline.tiny import Family, copy

UNET = "diffusion_pytorch_model.safetensors"


@pytest.fixture
def model(tiny: dict[Family, Path], tmp_path: Path) -> Path:
    return copy(tiny["sd1"], tmp_path / "model")


@pytest.fixture
def sharded(tiny: dict[Family, Path], tmp_path: Path) -> Path:
    return copy(tiny["sd2"], tmp_path / "sharded")


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    place = tmp_path / "home" / "secret"
    place.parent.mkdir()
    place.write_text('{"token": "my own"}')
    return place


@pytest.mark.parametrize(
    "name",
    ["tokenizer/added.json", "tokenizer/notes.txt", "vae/config.json", "unet/x.json"],
)
def test_a_text_that_links_out_of_the_folder_is_refused(
    model: Path, secret: Path, name: str
) -> None:
    (model / name).unlink(missing_ok=True)
    (model / name).symlink_to(os.path.relpath(secret, (model / name).parent))
    with pytest.raises(
        PipelineError, match=f"{name} is a link out of the model"
    ) as found:
        open_pipeline(model)
    assert "my own" not in str(found.value)


def test_a_folder_that_links_out_is_refused(model: Path, tmp_path: Path) -> None:
    shutil.move(model / "tokenizer", tmp_path / "elsewhere")
    (model / "tokenizer").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(PipelineError, match="is a link out of the model folder"):
        open_pipeline(model)


def test_a_secret_by_the_name_of_weights_is_refused(model: Path, secret: Path) -> None:
    (model / "vae" / UNET).unlink()
    (model / "vae" / UNET).symlink_to(secret)
    with pytest.raises(PipelineError, match="not a well-formed safetensors file"):
        open_pipeline(model)


def test_a_secret_by_the_name_of_a_shard_is_refused(
    sharded: Path, secret: Path
) -> None:
    shard = sorted((sharded / "unet").glob("*.safetensors"))[0]
    shard.unlink()
    shard.symlink_to(secret)
    with pytest.raises(PipelineError, match="not a well-formed safetensors file"):
        open_pipeline(sharded)


def test_links_within_the_folder_are_followed(model: Path) -> None:
    before = open_pipeline(model).digest
    (model / "tokenizer" / "tokenizer.json").rename(model / "kept.json")
    (model / "tokenizer" / "tokenizer.json").symlink_to("../kept.json")
    assert open_pipeline(model).digest == before


def test_a_hub_cache_is_followed_into_its_blobs_alone(
    model: Path, tmp_path: Path
) -> None:
    before = open_pipeline(model).digest
    repository = tmp_path / "models--owner--name"
    root = repository / "snapshots" / "0123abc"
    (repository / "blobs").mkdir(parents=True)
    for number, path in enumerate(sorted(p for p in model.rglob("*") if p.is_file())):
        blob = repository / "blobs" / str(number)
        shutil.copy(path, blob)
        place = root / path.relative_to(model)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.symlink_to(os.path.relpath(blob, place.parent))
    assert open_pipeline(root).digest == before
    # Another model's blobs are not this one's.
    other = tmp_path / "models--other--name" / "blobs"
    other.mkdir(parents=True)
    shutil.copy(model / "vae" / "config.json", other / "0")
    (root / "vae" / "config.json").unlink()
    (root / "vae" / "config.json").symlink_to(other / "0")
    with pytest.raises(PipelineError, match="link out of the model folder"):
        open_pipeline(root)


def test_the_folder_itself_may_be_reached_by_a_link(
    model: Path, tmp_path: Path
) -> None:
    before = open_pipeline(model).digest
    (tmp_path / "door").symlink_to(model)
    assert open_pipeline(tmp_path / "door").digest == before


def test_nobody_waits_for_a_pipe(model: Path) -> None:
    (model / "vae" / UNET).unlink()
    os.mkfifo(model / "vae" / UNET)
    with pytest.raises(PipelineError, match="component vae has no weights"):
        open_pipeline(model)


def test_an_index_that_is_a_pipe_is_none(sharded: Path) -> None:
    index = sharded / "unet" / f"{UNET}.index.json"
    index.unlink()
    os.mkfifo(index)
    with pytest.raises(PipelineError, match="one shard of several, but its index is"):
        open_pipeline(sharded)


@pytest.mark.parametrize(
    ("component", "name"),
    [("unet", "model.safetensors"), ("text_encoder", "pytorch_model.safetensors")],
)
def test_weights_by_two_names_are_refused(
    model: Path, component: str, name: str
) -> None:
    """Stock libraries load the one; a decoy must not be edited in its place."""
    shutil.copy(
        next((model / component).glob("*.safetensors")), model / component / name
    )
    with pytest.raises(PipelineError, match=f"{component} holds its default weights"):
        open_pipeline(model)


def test_whole_weights_beside_their_shards_are_refused(sharded: Path) -> None:
    shard = sorted((sharded / "unet").glob("*.safetensors"))[0]
    shutil.copy(shard, sharded / "unet" / UNET)
    with pytest.raises(PipelineError, match="unet holds its default weights twice"):
        open_pipeline(sharded)


def test_two_indexes_of_one_variant_are_refused(sharded: Path) -> None:
    index = sharded / "unet" / f"{UNET}.index.json"
    shutil.copy(index, sharded / "unet" / f"{UNET}.index.fp16.json")
    shutil.copy(
        index, sharded / "unet" / "diffusion_pytorch_model.fp16.safetensors.index.json"
    )
    with pytest.raises(PipelineError, match="unet holds its fp16 weights twice"):
        open_pipeline(sharded)


def test_a_tensor_in_two_shards_is_a_site_in_both(sharded: Path) -> None:
    """Whichever of the two a library keeps, it must be the edited one."""
    index = sharded / "unet" / f"{UNET}.index.json"
    content = json.loads(index.read_text())
    names = content["weight_map"]
    tensor = next(name for name in sorted(names) if name.endswith("attn2.to_k.weight"))
    twin = "diffusion_pytorch_model-twin.safetensors"
    shutil.copy(sharded / "unet" / names[tensor], sharded / "unet" / twin)
    names["something.else"] = twin
    index.write_text(json.dumps(content))
    found = PipelineWeights(open_pipeline(sharded)).sites
    holding = {site.key for site in found if site.key.endswith(f":{tensor}")}
    assert holding == {f"unet/{names[tensor]}:{tensor}", f"unet/{twin}:{tensor}"}
