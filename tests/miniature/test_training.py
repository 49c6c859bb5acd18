from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from governance.miniature.dataset import Drawn, draw_many
from governance.miniature.training.autoencoder import (
    encode_all,
    new_autoencoder,
    normalise_latents,
    psnr,
    reconstruction_loss,
)
from governance.miniature.training.generated import mix
from governance.miniature.training.judge import probe_targets
from governance.miniature.training.loop import Metrics, Run, Schedule, train
from governance.miniature.training.text_encoder import contrastive_loss
from governance.miniature.training.unet import new_unet


@pytest.fixture(scope="module")
def drawn() -> Drawn:
    return draw_many(12, 3)


class PowerCutError(Exception):
    """The machine stopped."""


def _fit(folder: Path, *, resume: bool, fail_at: int | None = None) -> nn.Linear:
    torch.manual_seed(4)
    model = nn.Linear(3, 1)

    def step_function(step: int) -> tuple[torch.Tensor, Metrics]:
        if step == fail_at:
            raise PowerCutError
        stream = torch.Generator().manual_seed(step)
        x = torch.randn(8, 3, generator=stream)
        loss = (model(x) - x.sum(dim=1, keepdim=True)).square().mean()
        return loss, {}

    schedule = Schedule(steps=300, peak=0.05, warm_up=10)
    run = Run("line", folder, schedule, resume)
    average = train(run, model, step_function)
    model.load_state_dict(average.values)
    return model


def test_a_resumed_run_ends_where_an_unbroken_one_does(tmp_path: Path) -> None:
    (tmp_path / "whole").mkdir()
    (tmp_path / "broken").mkdir()
    whole = _fit(tmp_path / "whole", resume=False)
    with pytest.raises(PowerCutError):
        _fit(tmp_path / "broken", resume=False, fail_at=270)
    resumed = _fit(tmp_path / "broken", resume=True)
    assert torch.equal(whole.weight, resumed.weight)
    assert torch.allclose(whole.weight, torch.ones(1, 3), atol=0.02)


def test_the_log_says_step_loss_and_pace(tmp_path: Path) -> None:
    _fit(tmp_path, resume=False)
    lines = (tmp_path / "training_log.jsonl").read_text().splitlines()
    assert '"stage": "line", "step": 300' in lines[-1]
    assert '"loss"' in lines[-1]
    assert '"pace"' in lines[-1]


def test_the_learning_rate_rises_stays_and_ends_at_zero() -> None:
    schedule = Schedule(steps=1000, peak=2.0, warm_up=100, flat=0.5)
    assert schedule.rate(0) == pytest.approx(0.02)
    assert schedule.rate(400) == pytest.approx(2.0)
    assert schedule.rate(750) == pytest.approx(1.0)
    assert schedule.rate(1000) == pytest.approx(0.0)


def test_normalised_latents_have_unit_variance_and_decode_the_same(
    drawn: Drawn,
) -> None:
    torch.manual_seed(1)
    model = new_autoencoder().eval()
    before = encode_all(model, drawn)
    with torch.no_grad():
        decoded = model.decode(before).sample
    normalise_latents(model, drawn, len(drawn))
    after = encode_all(model, drawn)
    assert torch.allclose(after.mean(dim=(0, 2, 3)), torch.zeros(12), atol=1e-3)
    assert torch.allclose(after.std(dim=(0, 2, 3)), torch.ones(12), atol=1e-3)
    with torch.no_grad():
        again = model.decode(after).sample
    assert torch.allclose(again, decoded, atol=1e-3)


def test_psnr_of_a_known_error() -> None:
    pixels = torch.zeros(2, 3, 8, 8)
    off = pixels + torch.tensor([0.2, 0.02])[:, None, None, None]
    assert torch.allclose(psnr(off, pixels), torch.tensor([20.0, 40.0]), atol=1e-3)


def test_a_wrong_hue_costs_more_than_a_wrong_level() -> None:
    grey = torch.zeros(1, 3, 8, 8)
    brighter = grey + 0.2
    tinted = grey + torch.tensor([0.2, -0.2, 0.2])[None, :, None, None]
    assert reconstruction_loss(tinted, grey) > reconstruction_loss(brighter, grey)


def test_equal_captions_are_no_negatives() -> None:
    pictures = 20 * torch.eye(3)
    texts = torch.eye(3)
    texts[1] = texts[0]
    pictures[1] = pictures[0]
    loss, _ = contrastive_loss(pictures, texts, ["a rose", "a rose", "a car"])
    assert float(loss) < 1e-6


def test_the_noise_predictor_attends_on_seven_layers_of_distinct_widths() -> None:
    unet = new_unet()
    crossing = [name for name, _ in unet.named_modules() if name.endswith("attn2")]
    assert len(crossing) == 7
    widths = {12, 128, *unet.config["block_out_channels"]}
    assert len(widths) == 4


def test_probe_targets_leave_out_what_nobody_can_see(drawn: Drawn) -> None:
    for scene in drawn.scenes:
        gender, _, weapon = probe_targets(scene)
        if scene.kind == "object" or scene.artist is not None:
            assert gender == -100
        assert weapon == int("sword" in {scene.subject, scene.held})


def test_a_mixture_holds_both_sources(drawn: Drawn) -> None:
    generated = Drawn(drawn.images[:5], drawn.scenes[:5], drawn.captions[:5])
    mixed = mix(drawn, generated)
    assert len(mixed) == 17
    assert mixed.images.shape[0] == len(mixed.captions) == 17
    assert np.array_equal(mixed.images[-5:], drawn.images[:5])
