"""Key covariances in a workspace: computed, imported, chosen, and kept honest."""

import random
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from governance.canonical import JSON
from governance.cli.detail import print_detail
from governance.errors import (
    EngineError,
    GovernanceError,
    NotFoundError,
    RequestError,
    UsageError,
    WrongStateError,
)
from governance.miniature import pipeline_path, statistics_path
from governance.pipeline.folder import open_pipeline
from governance.pipeline.statistics import encoder_digests, key_widths, measure_keys
from governance.service.application import Application
from governance.service.facade import Job, JobKind, Progress
from governance.service.records import StatisticsView
from governance.wiring import real_parts
from tests.pipeline import tiny
from tests.service.house import House, build, quiet


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.build(tmp_path_factory.mktemp("base") / "tiny")


def refact_too(spec: dict[str, JSON]) -> None:
    actions = spec["actions"]
    assert isinstance(actions, dict)
    actions["update"]["methods"].append("refact")


@pytest.fixture
def real(tmp_path: Path, base: Path) -> House:
    def imports(spec: dict[str, JSON]) -> None:
        spec["allow_imported_targets"] = True
        refact_too(spec)

    return build(tmp_path, real_parts(), change=imports, model=base)


def captions(folder: Path, lines: int = 200) -> Path:
    """Many orders of many words: fewer would not span the layers' inputs."""
    words, rng = tiny.WORDS, random.Random(0)  # noqa: S311 - no secret
    path = folder / "captions.txt"
    path.write_text(
        "".join(" ".join(rng.sample(words, 1 + n % 9)) + "\n" for n in range(lines))
    )
    return path


def computed(house: House, tokens: int = 500) -> StatisticsView:
    application = house.as_("ana")
    return application.compute_statistics(captions(house.root), quiet, tokens=tokens)


def test_computed_statistics_are_recorded_listed_and_verified(real: House) -> None:
    found = computed(real)
    application = real.as_("ana")
    (listed,) = application.statistics()
    assert listed == found
    assert (found.models, found.origin) == (("mini",), "computed")
    assert set(found.about) == {
        *("captions", "caption_count", "skipped", "tokens", "rows"),
    }
    assert application.verify().ok
    assert application.log()[-1].event == "StatisticsRecorded"


def test_a_statistics_object_that_changed_is_found(real: House) -> None:
    found = computed(real)
    path = real.settings.workspace / "objects" / found.digest[:2] / found.digest[2:]
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.chmod(0o600)
    path.write_bytes(bytes(content))
    verdict = real.as_("ana").verify()
    assert not verdict.ok
    assert found.digest in verdict.message


def test_too_few_tokens_say_how_many_there_were(real: House) -> None:
    application = real.as_("ana")
    size = real.size()
    with pytest.raises(
        UsageError, match=r"hold 1,450 tokens in 191 captions; 9 longer"
    ) as seen:
        application.compute_statistics(captions(real.root), quiet)
    assert "expected at least 100,000" in seen.value.message
    with pytest.raises(UsageError, match="--tokens: expected 1 or more, found 0"):
        application.compute_statistics(captions(real.root), quiet, tokens=0)
    assert real.size() == size
    assert application.statistics() == ()


def test_an_interrupted_computation_leaves_nothing(real: House) -> None:
    def stop(_: Progress) -> None:
        raise KeyboardInterrupt

    objects = set((real.settings.workspace / "objects").rglob("*"))
    size = real.size()
    with pytest.raises(KeyboardInterrupt):
        real.as_("ana").compute_statistics(captions(real.root), stop, tokens=1)
    assert set((real.settings.workspace / "objects").rglob("*")) == objects
    assert real.size() == size


def test_the_same_statistics_twice_are_refused(real: House) -> None:
    computed(real)
    with pytest.raises(WrongStateError, match="recorded already, as computed"):
        computed(real)


def exported(house: House, found: StatisticsView, path: Path) -> Path:
    objects = house.settings.workspace / "objects"
    path.write_bytes((objects / found.digest[:2] / found.digest[2:]).read_bytes())
    return path


def test_statistics_travel_to_another_workspace_of_the_same_encoder(
    real: House, tmp_path: Path, base: Path
) -> None:
    path = exported(real, computed(real), tmp_path / "s.safetensors")
    (tmp_path / "other").mkdir()
    other = build(tmp_path / "other", real_parts(), model=base)
    found = other.as_("ben").import_statistics(path)
    assert found.origin == "imported"
    assert found.digest == computed_digest(real)
    assert other.as_("ben").verify().ok


def computed_digest(house: House) -> str:
    return house.as_("ana").statistics()[0].digest


def test_a_workspace_refuses_statistics_that_name_no_encoder_or_another(
    real: House, tmp_path: Path, base: Path
) -> None:
    own = encoder_digests(open_pipeline(base))["text_encoder"]
    width = key_widths(open_pipeline(base))["text_encoder", 0]
    path = tmp_path / "s.safetensors"
    size = real.size()
    save_file({"covariance.0": torch.eye(width)}, path)
    with pytest.raises(UsageError, match=f"expected metadata `text_encoder`: {own}"):
        real.as_("ana").import_statistics(path)
    other = "0123456789abcdef" * 4
    save_file({"covariance.0": torch.eye(width)}, path, {"text_encoder": other})
    with pytest.raises(UsageError, match=f"expected {own}, found {other}"):
        real.as_("ana").import_statistics(path)
    assert real.size() == size
    every = {f"covariance.{layer}": torch.eye(width) for layer in range(3)}
    save_file(every, path, {"text_encoder": own})
    assert real.as_("ana").import_statistics(path).about == {}


def test_statistics_that_lack_a_layer_are_not_imported(
    real: House, tmp_path: Path, base: Path
) -> None:
    own = encoder_digests(open_pipeline(base))
    width = key_widths(open_pipeline(base))["text_encoder", 0]
    path, size = tmp_path / "s.safetensors", real.size()
    some = {f"covariance.{layer}": torch.eye(width) for layer in (0, 2)}
    save_file(some, path, own)
    with pytest.raises(UsageError, match=r"s\.safetensors hold no .* layer 1 of text"):
        real.as_("ana").import_statistics(path)
    assert real.size() == size


def test_too_few_captions_for_full_rank_are_not_recorded(
    real: House, tmp_path: Path, base: Path
) -> None:
    application, size = real.as_("ana"), real.size()
    (real.root / "few.txt").write_text("a rose\n" * 300)
    with pytest.raises(EngineError, match=r"layer 0 .* of 1,200 tokens, has rank 4 of"):
        application.compute_statistics(real.root / "few.txt", quiet, tokens=1)
    found = measure_keys(open_pipeline(base), ["a rose", "the mayor"] * 20)
    path = tmp_path / "few.safetensors"
    tensors = {f"covariance.{n}": c for (_, n), c in found.covariances.items()}
    save_file(tensors, path, encoder_digests(open_pipeline(base)))
    with pytest.raises(EngineError, match="layer 0 of text_encoder has rank 7 of"):
        application.import_statistics(path)
    assert (real.size(), application.statistics()) == (size, ())


def test_recorded_statistics_become_the_newest_again(
    real: House, tmp_path: Path
) -> None:
    first = computed(real)
    path = exported(real, first, tmp_path / "s.safetensors")
    application = real.as_("ana")
    with pytest.raises(WrongStateError, match="newest"):
        application.import_statistics(path)
    other = captions(real.root, lines=260)
    second = application.compute_statistics(other, quiet, tokens=1)
    assert application.statistics()[0].digest == second.digest
    again = application.import_statistics(path)
    assert (again.digest, again.origin) == (first.digest, "imported")
    assert [s.digest for s in application.statistics()] == [first.digest, second.digest]
    assert application.verify().ok


def test_poor_statistics_stop_an_apply_before_its_stage_one(
    real: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As a workspace could hold from before they were refused.
    monkeypatch.setattr(
        "governance.service.parts.statistics.check_measured", lambda *_: None
    )
    (real.root / "few.txt").write_text("a rose\n" * 300)
    real.as_("ana").compute_statistics(real.root / "few.txt", quiet, tokens=1)
    edit = proposed(real, values=None)
    seen: list[Progress] = []
    with pytest.raises(EngineError, match="layer 1 of text_encoder has rank 4 of"):
        real.as_("ana").compute(Job(JobKind.APPLY, {"edits": [edit]}), seen.append)
    assert not [one for one in seen if "stage one" in one.step]


def refact(**spec: JSON) -> dict[str, JSON]:
    """A ReFACT edit of "the mayor", with stage-one results given."""
    return {
        "action": "update",
        "method": "refact",
        "concepts": [{"prompt": "the mayor", "source": "bela", "destination": "caro"}],
        "parameters": {"layer": 1},
        "values": "values.safetensors",
        **spec,
    }


def values(
    folder: Path,
    base: Path,
    tensors: dict[str, torch.Tensor] | None = None,
    *,
    metadata: bool = True,
) -> None:
    own = encoder_digests(open_pipeline(base)) if metadata else None
    torch.manual_seed(3)
    made = tensors or {"value.1": torch.randn(1, 20)}
    save_file(made, folder / "values.safetensors", own)


def proposed(house: House, **spec: JSON) -> str:
    import yaml

    document = {
        "apiVersion": "governance/v1",
        "kind": "ConceptEdit",
        "metadata": {"title": "The mayor is caro", "model": "mini", "rationale": "So"},
        "spec": refact(**spec),
    }
    path = house.root / "mayor.yaml"
    path.write_text(yaml.safe_dump(document))
    return house.as_("ana").propose([path])[0].id


def test_a_text_edit_without_statistics_names_the_command(
    real: House, base: Path
) -> None:
    values(real.root, base)
    edit = proposed(real)
    with pytest.raises(NotFoundError, match="needs the key covariances") as seen:
        real.job("ana", JobKind.APPLY, edits=[edit])
    assert "governance statistics compute --captions FILE" in seen.value.hint


def test_given_values_are_solved_against_the_newest_statistics(
    real: House, base: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    values(real.root, base)
    found = computed(real)
    edit = proposed(real)
    document = real.job("ana", JobKind.APPLY, edits=[edit])
    rows = document["certificate"]
    assert isinstance(rows, list)
    assert [row["residual"] < 1e-5 for row in rows] == [True]
    detail = real.as_("ana").edit(edit)
    tensors = {site.name for site in detail.sites}
    assert any("layers.1.mlp.fc2.weight" in name for name in tensors)
    assert detail.resolved == {"statistics": found.digest}
    print_detail(detail)
    assert f"statistics  {found.digest}\n" in capsys.readouterr().out


def test_a_value_no_layer_could_mean_is_refused_by_the_edits_id(
    real: House, base: Path
) -> None:
    far = torch.randn(1, 20, generator=torch.Generator().manual_seed(1)) * 1e30
    values(real.root, base, {"value.1": far})
    computed(real)
    edit, size = proposed(real), real.size()
    with pytest.raises(EngineError, match=f"{edit}: the stage-one value of 'the may"):
        real.job("ana", JobKind.APPLY, edits=[edit])
    assert real.size() == size


def test_a_second_edit_shares_the_statistics_of_the_first_even_when_newer_exist(
    real: House, base: Path
) -> None:
    import governance.service.statistics as chosen
    from governance.domain.snapshot import ResolvedEdit
    from governance.service.ports import Planned
    from governance.service.stored import request_of

    values(real.root, base)
    first = computed(real)
    edit = proposed(real)
    application = real.as_("ana")
    more = captions(real.root, lines=260)
    newer = application.compute_statistics(more, quiet, tokens=1)
    workspace = application._workspace
    state = workspace.state
    request = request_of(workspace.store, state.edits[edit])
    live = Planned("E-0009", request, ResolvedEdit("r", {"statistics": first.digest}))
    model = state.models["mini"]
    assert chosen.statistics_for(workspace, model, request, [live]) == first.digest
    assert chosen.statistics_for(workspace, model, request, []) == newer.digest


@pytest.mark.parametrize(
    ("tensors", "message"),
    [
        (
            {"value.1": torch.zeros(2, 20)},
            r"F32 \[2, 20\]; expected F64 or F32 \[1, 20\]",
        ),
        ({"value.1": torch.zeros(1, 23)}, r"F32 \[1, 23\]"),
        ({"value.0": torch.zeros(1, 20)}, r"tensors named 'value.1', found 'value.0'"),
        ({"z": torch.zeros(1, 20)}, "tensors named 'value.1', found 'z'"),
        ({"value.1": torch.full((1, 20), torch.nan)}, "NaN or infinity"),
        ({"value.1": torch.zeros(1, 20).half()}, r"F16 \[1, 20\]"),
    ],
)
def test_values_of_a_wrong_shape_name_or_number_are_refused_at_propose(
    real: House, base: Path, tensors: dict[str, torch.Tensor], message: str
) -> None:
    values(real.root, base, tensors)
    size = real.size()
    with pytest.raises(RequestError, match=message) as seen:
        proposed(real)
    assert (seen.value.field, seen.value.file) == ("spec.values", "mayor.yaml")
    assert real.size() == size


def test_values_of_another_encoder_or_of_none_are_refused_at_propose(
    real: House, base: Path
) -> None:
    values(real.root, base, metadata=False)
    with pytest.raises(RequestError, match="do not say which text_encoder"):
        proposed(real)
    other = {"text_encoder": "0" * 64}
    save_file({"value.1": torch.zeros(1, 20)}, real.root / "values.safetensors", other)
    with pytest.raises(RequestError, match="are of another text_encoder"):
        proposed(real)
    (real.root / "values.safetensors").write_bytes(b"\x80\x04pickle")
    with pytest.raises(RequestError, match="not a well-formed safetensors file"):
        proposed(real)


def test_imported_values_need_the_policys_consent_and_are_shown(
    real: House, tmp_path: Path, base: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "strict").mkdir()
    strict = build(tmp_path / "strict", real_parts(), change=refact_too, model=base)
    values(strict.root, base)
    with pytest.raises(GovernanceError, match="the request imports values") as seen:
        proposed(strict)
    assert seen.value.exit_code == 5
    values(real.root, base)
    edit = proposed(real)
    detail = real.as_("ben").edit(edit)
    said = [f.message for f in detail.findings if f.rule == "imported_targets"]
    assert said == ["imported: values; allowed"]
    print_detail(detail)
    assert "PASS  imported: values; allowed" in capsys.readouterr().out
    assert len(str(detail.request["spec"]["values"])) == 64  # type: ignore[index, call-overload]


def test_the_miniature_brings_its_own_statistics(tmp_path: Path) -> None:
    house = build(tmp_path, real_parts(), model=pipeline_path())
    application: Application = house.as_("ana")
    (found,) = application.statistics("mini")
    assert (found.origin, found.models) == ("shipped", ("mini",))
    tokens = found.about["tokens"]
    assert isinstance(tokens, int)
    assert tokens >= 100_000
    application.add_model("again", str(pipeline_path()))
    assert [item.models for item in application.statistics()] == [("again", "mini")]
    assert application.verify().ok
    with safe_open(statistics_path(), "pt") as file:
        assert set(file.keys()) == {f"covariance.{layer}" for layer in range(4)}
