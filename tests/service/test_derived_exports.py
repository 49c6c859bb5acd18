"""Derived exports of a live edit on a real, tiny pipeline: each says what it is."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
import torch
import yaml
from safetensors.torch import load_file, save_file

from governance.canonical import JSON
from governance.engine.joint import Solution
from governance.errors import ExitCode, GovernanceError
from governance.pipeline.folder import PipelineFolder, open_pipeline
from governance.pipeline.statistics import encoder_digests
from governance.service.facade import JobKind, ProgressCallback
from governance.service.parts.solver import solution_of
from governance.service.ports import Place, Planned
from governance.wiring import real_parts, verify_export
from tests.pipeline import tiny
from tests.service.house import House, build
from tests.service.test_real_parts import UNET, base, real, tensors_of, weights_only
from tests.snapshots import stock

__all__ = ["base", "real"]


def export(house: House, target: Path, **arguments: JSON) -> Mapping[str, JSON]:
    return house.job(
        "ana", JobKind.EXPORT, snapshot="live", output=str(target), **arguments
    )


def manifest(target: Path) -> dict[str, JSON]:
    found: dict[str, JSON] = json.loads(
        (target / "governance" / "manifest.json").read_text()
    )
    return found


def merged(house: House) -> dict[str, torch.Tensor]:
    """The live weights of the U-Net, as the snapshot's own export has them."""
    target = house.settings.workspace.parent / "merged"
    export(house, target)
    return load_file(target / UNET)


def test_a_live_edit_leaves_as_an_adapter_that_says_where_it_comes_from(
    real: House, base: Path, tmp_path: Path
) -> None:
    real.live("kora")
    document = export(real, tmp_path / "lora", format="lora", keys="diffusers")
    live = real.as_("ana").model("mini").live
    assert document["digest"] == live
    assert document["derived"] == {
        "format": "lora",
        "keys": "diffusers",
        "dtype": None,
    }
    said = manifest(tmp_path / "lora")
    assert said["kind"] == "lora"
    derived = said["derived"]
    assert isinstance(derived, dict)
    assert derived["from"] == live
    assert derived["recomposed"] == {"exact": True, "worst": 0.0, "tolerance": 1e-4}
    tensors = load_file(tmp_path / "lora" / "pytorch_lora_weights.safetensors")
    old, new = load_file(base / UNET), merged(real)
    for key in tensors_of(real, "live"):
        name = key.partition(":")[2]
        stem = f"unet.{name.removesuffix('.weight')}.lora"
        change = tensors.pop(f"{stem}.up.weight") @ tensors.pop(f"{stem}.down.weight")
        assert torch.allclose(old[name] + change, new[name], atol=1e-6, rtol=0)
    assert not tensors


def test_a_live_edit_leaves_as_a_delta_that_rounds_to_what_was_signed(
    real: House, base: Path, tmp_path: Path
) -> None:
    real.live("kora")
    export(real, tmp_path / "delta", format="delta")
    factors = load_file(tmp_path / "delta" / "delta.safetensors")
    said = json.loads((tmp_path / "delta" / "delta.json").read_text())
    old, new = load_file(base / UNET), merged(real)
    assert said["snapshot"] == real.as_("ana").model("mini").live
    assert {f"{UNET}:{name}" for name in said["weights"]} == set(
        tensors_of(real, "live")
    )
    for name, row in said["weights"].items():
        edited = old[name].double() + factors[row["up"]] @ factors[row["down"]]
        # Two products in float64 may round an element's tie differently.
        assert torch.allclose(edited.float(), new[name], atol=1e-7, rtol=0)
        assert not torch.equal(edited.float(), old[name])


@pytest.mark.parametrize(
    "form",
    [
        {"format": "lora"},
        {"format": "lora", "keys": "diffusers"},
        {"format": "delta"},
        {"dtype": "float16"},
    ],
)
def test_every_form_verifies_offline_and_trusts_no_key_with_derived_bytes(
    real: House, tmp_path: Path, form: dict[str, JSON]
) -> None:
    real.live("kora")
    export(real, tmp_path / "out", **form)
    export(real, tmp_path / "again", **form)
    pinned = real.settings.workspace / "allowed_signers"
    verdict = verify_export(tmp_path / "out", pinned)
    assert verdict.ok, verdict.findings
    assert verdict.trust == "self"
    assert verdict.derived
    for path in (tmp_path / "out").rglob("*.safetensors"):
        twin = tmp_path / "again" / path.relative_to(tmp_path / "out")
        assert path.read_bytes() == twin.read_bytes()


def test_a_cast_pipeline_holds_the_signed_weights_rounded_once(
    real: House, tmp_path: Path
) -> None:
    real.live("kora")
    export(real, tmp_path / "half", dtype="float16")
    new, half = merged(real), load_file(tmp_path / "half" / UNET)
    assert new.keys() == half.keys()
    assert all(torch.equal(new[name].half(), half[name]) for name in new)
    pipeline = tiny.diffusers.DiffusionPipeline.from_pretrained(
        tmp_path / "half", dtype=torch.float16
    )
    assert pipeline.unet.dtype == torch.float16


def test_the_base_has_no_factors(real: House, tmp_path: Path) -> None:
    for form in ("lora", "delta"):
        with pytest.raises(GovernanceError, match="is the base") as caught:
            real.job(
                "ana",
                JobKind.EXPORT,
                snapshot="base",
                output=str(tmp_path / "out"),
                format=form,
            )
        assert caught.value.exit_code is ExitCode.WRONG_STATE
    assert not (tmp_path / "out").exists()


def test_words_that_do_not_go_together_are_refused(real: House, tmp_path: Path) -> None:
    real.live("kora")
    for form in (
        {"format": "lora", "dtype": "float16"},
        {"format": "delta", "dtype": "float32"},
        {"format": "delta", "keys": "kohya"},
        {"format": "pickle"},
        {"dtype": "int8"},
    ):
        with pytest.raises(GovernanceError, match="--") as caught:
            export(real, tmp_path / "out", **form)
        assert caught.value.exit_code is ExitCode.USAGE
    assert not (tmp_path / "out").exists()


def test_a_solve_that_is_not_the_signed_one_is_an_integrity_error(
    real: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real.live("kora")

    def another(
        place: Place,
        folder: PipelineFolder,
        edits: Sequence[Planned],
        progress: ProgressCallback,
    ) -> tuple[Solution, float]:
        solution, seconds = solution_of(place, folder, edits, progress)
        tensors = solution.edited.tensors
        key = min(tensors)
        tensors[key].add_(1e-3)
        return solution, seconds

    monkeypatch.setattr("governance.service.parts.deriving.solution_of", another)
    for form in ("lora", "delta"):
        with pytest.raises(GovernanceError, match="not the one that was signed") as e:
            export(real, tmp_path / "out", format=form)
        assert e.value.exit_code is ExitCode.INTEGRITY
    assert [path.name for path in tmp_path.iterdir() if "out" in path.name] == []


@pytest.fixture
def with_text(tmp_path: Path, base: Path) -> House:
    """A live edit of cross-attention, and one of a text encoder beside it."""

    def with_values(spec: dict[str, JSON]) -> None:
        weights_only(tmp_path, spec)
        spec["allow_imported_targets"] = True
        actions = spec["actions"]
        assert isinstance(actions, dict)
        actions["update"] = {"methods": ["refact"], "limits": {"concepts": {"max": 9}}}

    real = build(tmp_path, real_parts(), change=with_values, model=base)
    real.live("kora")
    wanted = torch.randn(1, 20, generator=torch.Generator().manual_seed(1))
    made_with = encoder_digests(open_pipeline(base))["text_encoder"]
    save_file(
        {"value.1": wanted},
        tmp_path / "values.safetensors",
        {"text_encoder": made_with},
    )
    path = real.request("mayor")
    document = yaml.safe_load(path.read_text())
    document["spec"] |= {
        "action": "update",
        "method": "refact",
        "concepts": [{"prompt": "the mayor", "source": "bela", "destination": "caro"}],
        "parameters": {"layer": 1, "prior": "identity"},
        "values": "values.safetensors",
    }
    path.write_text(yaml.safe_dump(document))
    edit = real.as_("ana").propose([path])[0].id
    real.job("ana", JobKind.APPLY, edits=[edit])
    real.job("ana", JobKind.CHECK, edit=edit)
    assert real.approve("ben", edit).state == "LIVE"
    return real


def test_edits_of_both_networks_leave_together_and_verify(
    with_text: House, tmp_path: Path, base: Path
) -> None:
    house = with_text
    whole = tmp_path / "whole"
    export(house, whole)
    merged_weights = stock.state(stock.load(whole))
    for keys in ("kohya", "diffusers"):
        export(house, tmp_path / keys, format="lora", keys=keys)
        verdict = verify_export(tmp_path / keys)
        assert verdict.ok, verdict.findings
        pipeline = stock.load(base)
        before = stock.state(pipeline)
        pipeline.load_lora_weights(tmp_path / keys)
        assert stock.adapted(pipeline) == len(tensors_of(house, "live")) == 9
        for key in tensors_of(house, "live"):
            component = key.partition("/")[0]
            module = stock.module_of(pipeline, key)
            found = stock.effective(module)
            (name,) = [
                name
                for name, part in pipeline.components[component].named_modules()
                if part is module
            ]
            wanted = merged_weights[component][f"{name}.weight"].double()
            assert torch.allclose(found, wanted, atol=1e-6, rtol=0), key
        pipeline.unload_lora_weights()
        assert stock.untouched(pipeline, before)
    export(house, tmp_path / "delta", format="delta")
    assert verify_export(tmp_path / "delta").ok
