"""Programs nobody here wrote accept an export."""

import os
import subprocess
import sys
from pathlib import Path
from shutil import which

import pytest

from governance.snapshots.inputs import ExportInputs
from tests.snapshots.people import BOB

_DRAW = """
import sys, torch
from diffusers import StableDiffusionPipeline
try:
    import governance
except ImportError:
    pass
else:
    sys.exit("governance can be imported here: the test proves nothing")
images = []
for folder in sys.argv[1:]:
    pipeline = StableDiffusionPipeline.from_pretrained(
        folder, local_files_only=True, use_safetensors=True
    )
    pipeline.set_progress_bar_config(disable=True)
    latents = torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(3))
    images.append(pipeline(
        "a painting by kora", num_inference_steps=3, height=16, width=16,
        latents=latents, output_type="np",
    ).images)
print(abs(images[0] - images[1]).max(), abs(images[0] - images[2]).max())
"""


def test_stock_diffusers_loads_it_and_draws_something_else(
    base: Path, pristine: Path, tmp_path: Path
) -> None:
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
    environment.pop("PYTHONPATH", None)
    # Where the package is installed in place, its finder must not be run either.
    block = tmp_path / "governance.py"
    block.write_text("raise ImportError('not importable in this test')\n")
    done = subprocess.run(  # noqa: S603 - our own script
        [sys.executable, "-c", _DRAW, str(base), str(pristine), str(base)],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=280,
    )
    assert done.returncode == 0, done.stderr
    changed, same = map(float, done.stdout.split())
    assert same == 0
    assert changed > 0.001


def test_sha256sum_accepts_the_manifest(pristine: Path) -> None:
    recipe = (
        "jq -r '.files[] | \"\\(.sha256)  \\(.path)\"' governance/manifest.json "
        "| sha256sum -c --strict --quiet"
    )
    assert recipe in (pristine / "README.md").read_text()
    _needs("jq", "sha256sum")
    done = _shell(recipe, pristine)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_ssh_keygen_accepts_each_sign_off(pristine: Path, inputs: ExportInputs) -> None:
    _needs("ssh-keygen")
    card = (pristine / "README.md").read_text()
    lines = [line for line in card.splitlines() if line.startswith("ssh-keygen")]
    assert len(lines) == len(inputs.signoffs) == 1
    done = _shell(lines[0], pristine)
    assert done.returncode == 0, done.stderr
    assert f"for {BOB.name}".encode() in done.stdout


def test_ssh_keygen_accepts_a_sign_off_of_a_key_that_was_revoked_later(
    export: Path,
) -> None:
    _needs("ssh-keygen")
    (export / "governance/allowed_signers").write_text(
        f'{BOB.name} valid-before="20260302000000Z" {BOB.key.text}\n'
    )
    card = (export / "README.md").read_text()
    assert "replace governance/allowed_signers by a file you got another way" in card
    (line,) = (line for line in card.splitlines() if line.startswith("ssh-keygen"))
    done = _shell(line, export)
    assert done.returncode == 0, done.stderr


def test_ssh_keygen_refuses_a_forged_statement(export: Path) -> None:
    _needs("ssh-keygen")
    statement = export / "governance/signoffs/1.json"
    statement.write_bytes(statement.read_bytes().replace(b"hold", b"lie!"))
    card = (export / "README.md").read_text()
    (line,) = (line for line in card.splitlines() if line.startswith("ssh-keygen"))
    done = _shell(line, export)
    assert done.returncode != 0


def _shell(line: str, folder: Path) -> "subprocess.CompletedProcess[bytes]":
    return subprocess.run(  # noqa: S603 - a line of a card made by this test
        ["/bin/sh", "-c", line], cwd=folder, capture_output=True, check=False
    )


def _needs(*programs: str) -> None:
    for program in programs:
        if which(program) is None:
            pytest.skip(f"{program} is not installed")
