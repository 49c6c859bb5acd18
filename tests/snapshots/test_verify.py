"""An export against what can happen to it."""

from pathlib import Path

from governance.snapshots.verify import verify_export

UNET = "unet/diffusion_pytorch_model.safetensors"


def test_an_untouched_export_holds_but_proves_no_author(pristine: Path) -> None:
    verdict = verify_export(pristine)
    assert verdict.findings == ()
    assert verdict.ok
    assert verdict.trust == "self"
