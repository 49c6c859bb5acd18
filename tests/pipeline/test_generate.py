"""Images depend on their prompt, their seed and the weights, and on nothing else."""

from pathlib import Path

import numpy as np
import pytest
import torch

from governance.errors import InterruptedByUserError, PipelineError, UsageError
from governance.pipeline.device import algebra_device, resolve_device
from governance.pipeline.folder import open_pipeline
from governance.pipeline.generate import Generator, Sampling
from governance.pipeline.tensors import tensor_bytes
from governance.pipeline.weights import PipelineWeights
from tests.pipeline.tiny import Family, build, diffusers

FAST = Sampling(steps=2, guidance=2.0)
PROMPTS = [("a photo of kora", seed) for seed in range(5)] + [("rose", 0)]


@pytest.mark.parametrize("family", ["sd1", "sdxl"])
def test_an_image_does_not_depend_on_its_batch(
    tiny: dict[Family, Path], family: Family
) -> None:
    generator = Generator(open_pipeline(tiny[family]), batch=4)
    images = generator.draw(PROMPTS, FAST)
    assert images.shape == (6, 16, 16, 3)
    assert images.dtype == np.uint8
    for number in (0, 3, 5):
        assert np.array_equal(
            generator.draw([PROMPTS[number]], FAST)[0], images[number]
        )
    assert np.array_equal(generator.draw(PROMPTS[::-1], FAST)[::-1], images)
    assert len({image.tobytes() for image in images}) == 6


@pytest.mark.parametrize("family", ["sd3", "flux"])
def test_transformers_draw_as_their_own_pipelines_do(
    tiny: dict[Family, Path], family: Family
) -> None:
    how = Sampling(steps=2, guidance=2.0, size=16)
    folder = open_pipeline(tiny[family])
    generator = Generator(folder, batch=2)
    images = generator.draw(PROMPTS[3:], how)
    own = diffusers.DiffusionPipeline.from_pretrained(tiny[family])
    drawn = own(
        prompt=[prompt for prompt, _ in PROMPTS[3:5]],
        generator=[torch.Generator().manual_seed(seed) for _, seed in PROMPTS[3:5]],
        num_inference_steps=2,
        guidance_scale=2.0,
        height=16,
        width=16,
        output_type="np",
    ).images
    assert np.abs(images[:2] / 255 - drawn).max() <= 0.5 / 255 + 1e-6
    assert np.array_equal(generator.draw(PROMPTS[5:], how)[0], images[2])
    weights = PipelineWeights(folder)
    site = weights.sites[0]
    generator.replace({site.key: weights.read(site) * -3})
    assert not np.array_equal(generator.draw(PROMPTS[3:], how), images)
    generator.replace({})
    assert np.array_equal(generator.draw(PROMPTS[3:], how), images)


def test_an_sd3_pipeline_without_t5_draws(tmp_path: Path) -> None:
    folder = open_pipeline(build(tmp_path / "model", "sd3", with_t5=False))
    images = Generator(folder, batch=1).draw(PROMPTS[:1], FAST)
    assert images.shape == (1, 16, 16, 3)


def test_overrides_change_images_and_leave_without_a_trace(
    tiny: dict[Family, Path],
) -> None:
    folder = open_pipeline(tiny["sd1"])
    weights = PipelineWeights(folder)
    edited = {site.key: weights.read(site) * -3 for site in weights.sites}
    text = next(s.key for s in weights.text_sites)
    generator = Generator(folder, batch=2)
    base = generator.draw(PROMPTS[:2], FAST)
    generator.replace(edited)
    changed = generator.draw(PROMPTS[:2], FAST)
    as_bytes = {key: tensor_bytes(tensor) for key, tensor in edited.items()}
    again = Generator(folder, as_bytes, batch=2)
    assert not np.array_equal(base, changed)
    assert np.array_equal(again.draw(PROMPTS[:2], FAST), changed)
    generator.replace({text: weights.read_key(text) * 3})
    assert not np.array_equal(generator.draw(PROMPTS[:2], FAST), base)
    generator.replace({})
    assert np.array_equal(generator.draw(PROMPTS[:2], FAST), base)


def test_overrides_that_do_not_fit_are_refused_by_name(
    tiny: dict[Family, Path],
) -> None:
    generator = Generator(open_pipeline(tiny["sd1"]), batch=1)
    file = "unet/diffusion_pytorch_model.safetensors"
    before = generator.draw(PROMPTS[:1], FAST)
    with pytest.raises(PipelineError, match="holds no tensor 'nothing'"):
        generator.replace({f"{file}:nothing": b""})
    with pytest.raises(PipelineError, match=r"'conv_in\.weight' has 1 bytes; expected"):
        generator.replace({f"{file}:conv_in.weight": b"x"})
    assert np.array_equal(generator.draw(PROMPTS[:1], FAST), before)


def test_progress_counts_every_step_and_a_cancel_stops_between_steps(
    tiny: dict[Family, Path],
) -> None:
    generator = Generator(open_pipeline(tiny["sd1"]), batch=4)
    seen: list[tuple[int, int]] = []
    generator.draw(PROMPTS, FAST, on_step=lambda done, all_: seen.append((done, all_)))
    assert seen == [(1, 4), (2, 4), (3, 4), (4, 4)]
    seen.clear()
    with pytest.raises(InterruptedByUserError, match="drawing images was stopped"):
        generator.draw(
            PROMPTS,
            FAST,
            on_step=lambda done, all_: seen.append((done, all_)),
            cancelled=lambda: len(seen) == 3,
        )
    assert len(seen) == 3


def test_no_prompt_gives_no_image_and_a_size_is_kept(tiny: dict[Family, Path]) -> None:
    generator = Generator(open_pipeline(tiny["sd1"]), batch=1)
    assert generator.draw([], FAST).shape == (0, 16, 16, 3)
    sized = Sampling(steps=1, guidance=1.0, size=32)
    assert generator.draw(PROMPTS[:1], sized).shape == (1, 32, 32, 3)


def test_a_device_that_is_not_there_is_refused_by_name() -> None:
    assert resolve_device("cpu") == "cpu"
    assert resolve_device("auto") in {"cpu", "cuda"}
    assert algebra_device("mps") == "cpu"
    for name in ("cuda:99", "tpu", "cuda:x", "\x1b[31m"):
        with pytest.raises(UsageError, match="is not on this machine; expected auto"):
            resolve_device(name)
