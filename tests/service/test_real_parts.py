"""The same stories on a real, tiny diffusers pipeline: solved, stored, exported."""

import json
import subprocess
from functools import partial
from pathlib import Path

import pytest
import torch
import yaml
from safetensors.torch import load_file

from governance.canonical import JSON
from governance.domain.lifecycle import EditState
from governance.errors import ExitCode, GovernanceError, NotFoundError
from governance.miniature import pipeline_path
from governance.policy.files import find_policy
from governance.service.facade import Job, JobKind
from governance.wiring import open_workspace, real_parts, verify_export
from tests.pipeline import tiny
from tests.service.house import House, build, quiet

UNET = "unet/diffusion_pytorch_model.safetensors"
CAPTIONS = ["a rose", "a dog", "a cat", "the doctor", "a painting by mondo"]


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.build(tmp_path_factory.mktemp("base") / "tiny")


def weights_only(root: Path, spec: dict[str, JSON]) -> None:
    """Change a policy to ask for tier 0 alone; its suite is written into a folder."""
    shipped = find_policy("default")
    suite = yaml.safe_load((shipped.parent / "suites" / "quick.yaml").read_text())
    suite["spec"]["tiers"] = ["weights"]
    suite["spec"]["weights"]["captions"] = CAPTIONS
    suite["spec"]["holdout"] = []
    (root / "tier0.yaml").write_text(yaml.safe_dump(suite))
    spec["suite"] = "tier0.yaml"
    spec["thresholds"] = [
        {"metric": "residual", "op": "<=", "value": 0.9},
        {"metric": "condition", "op": "<=", "value": 1.0e12},
    ]


@pytest.fixture
def real(tmp_path: Path, base: Path) -> House:
    """A workspace whose policy asks for tier 0 alone: no judge knows this model."""
    return build(
        tmp_path, real_parts(), change=partial(weights_only, tmp_path), model=base
    )


def tensors_of(house: House, name: str) -> dict[str, str]:
    return dict(house.as_("ana").snapshot(name).tensors)


def test_the_word_miniature_is_the_embedded_pipeline() -> None:
    found = real_parts().models.inspect("miniature", None, quiet)
    assert (found.path, found.family, found.source) == (pipeline_path(), "sd1", None)


def test_a_folder_of_the_name_miniature_comes_first(
    base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "miniature").symlink_to(base)
    monkeypatch.chdir(tmp_path)
    found = real_parts().models.inspect("miniature", None, quiet)
    assert found.path != pipeline_path()


def test_a_folder_that_is_not_there_is_refused_and_the_miniature_named(
    tmp_path: Path,
) -> None:
    with pytest.raises(NotFoundError, match="does not exist") as caught:
        real_parts().models.inspect(str(tmp_path / "miniatur"), None, quiet)
    assert "the word miniature" in caught.value.hint


def test_an_edit_lives_and_is_reverted_to_the_byte(real: House) -> None:
    first = real.live("kora", preserve=["lume"])
    only_first = tensors_of(real, "live")
    assert only_first
    assert all(name.startswith(f"{UNET}:") for name in only_first)
    second = real.live("rose", destination="dog")
    assert tensors_of(real, "live") != only_first
    real.job("ben", JobKind.REVERT, edit=second, reason="settled")
    application = real.as_("ana")
    assert tensors_of(real, "live") == only_first
    assert application.snapshot("live").edits == (first,)
    assert application.verify().ok, application.verify()


def test_the_order_of_going_live_leaves_no_trace(real: House) -> None:
    real.live("kora")
    real.live("rose", destination="dog")
    both = real.as_("ana").model("mini").live
    real.as_("ben").activate("base", "the other way round")
    again = [real.request("rose", destination="dog"), real.request("kora")]
    for path in again:
        edit = real.as_("ana").propose([path])[0].id
        real.job("ana", JobKind.APPLY, edits=[edit])
        real.job("ana", JobKind.CHECK, edit=edit)
        assert real.approve("ben", edit).state == "LIVE"
    assert real.as_("ana").model("mini").live == both


def test_the_certificate_is_met_and_the_base_untouched(real: House, base: Path) -> None:
    before = {path: path.read_bytes() for path in base.rglob("*") if path.is_file()}
    edit = real.propose("ana", "kora", parameters={"lambda": 0.001})
    document = real.job("ana", JobKind.APPLY, edits=[edit])
    (row,) = real.as_("ana").edit(edit).certificate
    assert (row.edit, row.source) == (edit, "kora")
    assert row.residual < 0.05
    assert set(document) >= {"edits", "candidate", "seconds", "conflicts"}
    after = {path: path.read_bytes() for path in base.rglob("*") if path.is_file()}
    assert after == before


def test_a_parameter_the_method_does_not_have_is_named(real: House) -> None:
    with pytest.raises(
        GovernanceError, match=r"kora.yaml:14: spec.parameters.strength"
    ):
        real.propose("ana", parameters={"strength": 3})
    with pytest.raises(GovernanceError, match="no word for 'zzyzx'"):
        real.propose("ana", "odd", source="zzyzx")
    marked = r"kora.yaml:\d+: spec.preserve.1: .* no word for '<\|endoftext\|>'"
    with pytest.raises(GovernanceError, match=marked):
        real.propose("ana", preserve=["a rose", "a <|endoftext|> rose"])


def test_a_measured_difference_lists_exactly_the_edited_tensors(real: House) -> None:
    real.live("kora")
    application = real.as_("ana")
    found = application.diff("base", "live")
    assert {site.name for site in found.tensors} == set(tensors_of(real, "live"))
    assert all(site.norm > 0 for site in found.tensors)


def test_what_is_live_is_exported_and_stock_diffusers_loads_it(
    real: House, tmp_path: Path, base: Path
) -> None:
    edit = real.live("kora")
    target = tmp_path / "exported"
    document = real.job(
        "ana",
        JobKind.EXPORT,
        snapshot="live",
        output=str(target),
        format="diffusers",
        model=None,
    )
    assert document["digest"] == real.as_("ana").model("mini").live
    verdict = verify_export(target, real.settings.workspace / "allowed_signers")
    assert (verdict.ok, verdict.trust) == (True, "pinned"), verdict.findings
    edits = json.loads((target / "governance" / "edits.json").read_text())
    assert edit in json.dumps(edits)
    old, new = load_file(base / UNET), load_file(target / UNET)
    changed = {name for name in old if not torch.equal(old[name], new[name])}
    named = {name.partition(":")[2] for name in tensors_of(real, "live")}
    assert changed == named


def test_a_flipped_byte_in_an_export_is_named(real: House, tmp_path: Path) -> None:
    real.live("kora")
    target = tmp_path / "exported"
    arguments: dict[str, JSON] = {"snapshot": "live", "output": str(target)}
    real.job("ana", JobKind.EXPORT, **arguments)
    content = bytearray((target / UNET).read_bytes())
    content[-1] ^= 1
    (target / UNET).chmod(0o600)
    (target / UNET).write_bytes(content)
    verdict = verify_export(target)
    assert [f.path for f in verdict.findings if f.problem == "changed"] == [UNET]


def test_a_child_process_computes_what_the_parent_records(real: House) -> None:
    edit = real.propose("ana")
    from dataclasses import replace

    settings = replace(real.settings, principal="ana", key=real.keys["ana"])
    application = open_workspace(settings)
    job = Job(JobKind.APPLY, {"edits": [edit]})
    done = subprocess.run(  # noqa: S603 - our own argv
        list(application.worker_command(job)),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    events = [json.loads(line) for line in done.stdout.splitlines()]
    application.finish(job, events[-1]["value"])
    here = application.compute(job, quiet)
    assert application.edit(edit).candidate == here["candidate"]
    assert application.edit(edit).state is EditState.APPLIED


def test_a_model_no_judge_knows_is_refused_by_image_checks(
    real: House, tmp_path: Path
) -> None:
    edit = real.propose("ana")
    real.job("ana", JobKind.APPLY, edits=[edit])
    suite = yaml.safe_load((tmp_path / "tier0.yaml").read_text())
    suite["spec"]["tiers"] = ["images"]
    (tmp_path / "images.yaml").write_text(yaml.safe_dump(suite))
    with pytest.raises(GovernanceError, match="no judge") as caught:
        real.job("ana", JobKind.CHECK, edit=edit, suite=str(tmp_path / "images.yaml"))
    assert caught.value.exit_code is ExitCode.PIPELINE
