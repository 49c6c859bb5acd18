"""Stage one in a workspace: run once, kept concept by concept, solved from the store."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from torch import Tensor

from governance.canonical import JSON
from governance.engine.edit import Attribute, Concept, EditSpec
from governance.engine.stage_one.refact import refact_values
from governance.errors import EngineError, InterruptedByUserError
from governance.pipeline.folder import PipelineFolder, open_pipeline
from governance.pipeline.statistics import encoder_digests
from governance.pipeline.values import check_values
from governance.service.facade import JobKind
from governance.service.parts import stage_one as module
from governance.service.parts.kept_concepts import KeptConcepts
from governance.service.parts.stage_one import Workshop, leanings, stage_one
from governance.wiring import real_parts
from tests.pipeline import tiny
from tests.service.house import House, build

CONCEPTS = (
    Concept("bela", "caro", prompt="the mayor"),
    Concept("rose", "blue dog"),
)
REFACT = EditSpec(
    "a" * 64,
    "update",
    "refact",
    CONCEPTS,
    parameters={
        "layer": 0,
        "templates": ["{}", "a photo of {}"],
        "contrast": ["kora", "a small town"],
        "max_steps": 4,
        "prior": "identity",
    },
)
NAME = "value.0"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> PipelineFolder:
    return open_pipeline(tiny.build(tmp_path_factory.mktemp("base") / "tiny"))


class Runs:
    """Counts which concepts are optimised, and may fail."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, room: int = 99) -> None:
        self.run: list[list[str]] = []
        self.room = room
        self._own = refact_values
        monkeypatch.setattr(module, "refact_values", self)

    def __call__(
        self, tail: Any, concepts: Sequence[Concept], parameters: Any, on_step: Any
    ) -> Tensor:
        if len(concepts) > self.room:
            raise torch.OutOfMemoryError("CUDA out of memory")
        self.run.append([concept.phrase for concept in concepts])
        found: Tensor = self._own(tail, concepts, parameters, on_step)
        return found


class Heard:
    def __init__(self, stop_after: int | None = None) -> None:
        self.steps: list[tuple[str, int, int]] = []
        self.stop_after = stop_after

    def __call__(self, step: str, done: int, total: int) -> None:
        self.steps.append((step, done, total))
        if step == "stage one, concepts" and done == self.stop_after:
            raise InterruptedByUserError("stopped")


def shop(folder: PipelineFolder, cache: Path | None, batch: int = 1) -> Workshop:
    return Workshop(folder, "cpu", cache, lambda _: b"", batch=batch)


def test_after_a_kill_only_what_is_missing_is_computed(
    folder: PipelineFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = stage_one(REFACT, shop(folder, None), Heard())
    runs = Runs(monkeypatch)
    with pytest.raises(InterruptedByUserError):
        stage_one(REFACT, shop(folder, tmp_path), Heard(stop_after=1))
    assert runs.run == [["the mayor"]]
    again = stage_one(REFACT, shop(folder, tmp_path), Heard())
    assert runs.run == [["the mayor"], ["rose"]]
    assert torch.equal(again[NAME], whole[NAME])
    stage_one(REFACT, shop(folder, tmp_path), Heard())
    assert len(runs.run) == 2


def test_another_seed_parameter_or_model_is_another_result(
    folder: PipelineFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = Runs(monkeypatch)
    one = replace(REFACT, concepts=CONCEPTS[:1])
    elsewhere = tiny.build(tmp_path / "other", seed=1)
    for change in ({}, {"seed": 1}, {"max_steps": 5}, {"clamp": 3.0}):
        spec = replace(one, parameters={**one.parameters, **change})
        stage_one(spec, shop(folder, tmp_path / "kept"), Heard())
    stage_one(one, shop(open_pipeline(elsewhere), tmp_path / "kept"), Heard())
    assert len(runs.run) == 5
    # What an edit is called, and who its neighbours are, does not matter.
    stage_one(replace(one, digest="b" * 64), shop(folder, tmp_path / "kept"), Heard())
    assert len(runs.run) == 5


def test_a_damaged_copy_is_computed_again(
    folder: PipelineFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = stage_one(REFACT, shop(folder, tmp_path), Heard())
    (kept, *_) = sorted(tmp_path.iterdir())
    kept.write_bytes(kept.read_bytes()[:40])
    runs = Runs(monkeypatch)
    again = stage_one(REFACT, shop(folder, tmp_path), Heard())
    assert len(runs.run) == 1
    assert torch.equal(again[NAME], whole[NAME])


def test_alone_or_in_company_a_concept_has_the_same_bits(
    folder: PipelineFolder, tmp_path: Path
) -> None:
    at = Workshop(folder, "cpu", tmp_path, lambda _: b"")
    alone = stage_one(replace(REFACT, concepts=CONCEPTS[1:]), at, Heard())
    warm = stage_one(REFACT, at, Heard())
    cold = stage_one(REFACT, replace(at, cache=None), Heard())
    assert torch.equal(warm[NAME], cold[NAME])
    assert torch.equal(alone[NAME][0], cold[NAME][1])


def test_a_batch_that_was_half_kept_is_run_again_with_the_same_company(
    folder: PipelineFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = stage_one(REFACT, shop(folder, tmp_path, batch=2), Heard())
    (first, _) = sorted(tmp_path.iterdir())
    first.unlink()  # as if the process was killed between two files
    runs = Runs(monkeypatch)
    again = stage_one(REFACT, shop(folder, tmp_path, batch=2), Heard())
    assert runs.run == [["the mayor", "rose"]]
    assert torch.equal(again[NAME], whole[NAME])
    stage_one(replace(REFACT, concepts=CONCEPTS[1:]), shop(folder, tmp_path), Heard())
    assert runs.run[1:] == [["rose"]]


def test_kept_numbers_that_were_changed_or_are_not_finite_are_computed_again(
    folder: PipelineFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = replace(REFACT, concepts=CONCEPTS[:1])
    whole = stage_one(one, shop(folder, tmp_path), Heard())
    (file,) = tmp_path.iterdir()
    data = file.read_bytes()
    runs = Runs(monkeypatch)
    file.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    assert torch.equal(
        stage_one(one, shop(folder, tmp_path), Heard())[NAME], whole[NAME]
    )
    KeptConcepts(tmp_path).put(file.stem, {"wanted": whole[NAME][0] * float("nan")})
    assert torch.equal(
        stage_one(one, shop(folder, tmp_path), Heard())[NAME], whole[NAME]
    )
    assert len(runs.run) == 2


def test_too_little_memory_is_said_and_changes_nothing_else(
    folder: PipelineFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = stage_one(REFACT, shop(folder, None, batch=2), Heard())
    runs, heard = Runs(monkeypatch, room=1), Heard()
    found = stage_one(REFACT, shop(folder, None, batch=2), heard)
    assert runs.run == [["the mayor"], ["rose"]]
    assert any("out of memory: 1 concepts at once" in step for step, *_ in heard.steps)
    assert torch.allclose(found[NAME], whole[NAME], rtol=0, atol=1e-4)


def test_a_device_too_small_for_one_concept_keeps_nothing(
    folder: PipelineFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Runs(monkeypatch, room=0)
    with pytest.raises(EngineError, match="too little memory"):
        stage_one(REFACT, shop(folder, tmp_path), Heard())
    assert list(tmp_path.iterdir()) == []


def test_sdxl_gets_a_state_for_each_of_its_encoders(tmp_path: Path) -> None:
    spec = replace(
        REFACT,
        method="emcid",
        parameters={"layers": [0], "templates": ["{}"], "steps": 2},
    )
    made = open_pipeline(tiny.build(tmp_path / "sdxl", "sdxl"))
    found = stage_one(spec, shop(made, tmp_path / "kept"), Heard())
    assert {name: tuple(value.shape) for name, value in found.items()} == {
        "z": (2, 20),
        "z.text_encoder_2": (2, 24),
    }
    again = stage_one(spec, shop(made, tmp_path / "kept"), Heard())
    assert all(torch.equal(again[name], value) for name, value in found.items())


def test_factors_mix_what_each_attribute_wants(folder: PipelineFolder) -> None:
    spec = EditSpec(
        "a" * 64,
        "debias",
        "emcid",
        (Concept("doctor"),),
        (Attribute("female", "a female {}", 0.5), Attribute("male", "a male {}", 0.5)),
        parameters={"layers": [0, 1], "templates": ["{}"], "steps": 2},
    )
    found = leanings(spec, shop(folder, None), Heard())
    base, (female, male) = found.base["z"][0], found.wanted["z"][0]
    assert not torch.equal(female, male)
    assert torch.equal(found.values(((0.0, 0.0),))["z"][0], base)
    mixed = found.values(((0.25, 0.75),))["z"][0]
    assert torch.allclose(mixed, base + 0.25 * (female - base) + 0.75 * (male - base))


@pytest.fixture
def house(tmp_path: Path, folder: PipelineFolder) -> House:
    return build(tmp_path, real_parts(), model=folder.root)


def request(house: House, **changes: JSON) -> str:
    path = house.request("mayor", action="update", parameters=dict(REFACT.parameters))
    document = yaml.safe_load(path.read_text())
    concept = {"prompt": "the mayor", "source": "bela", "destination": "caro"}
    document["spec"] |= {"method": "refact", "concepts": [concept], **changes}
    path.write_text(yaml.safe_dump(document))
    return house.as_("ana").propose([path])[0].id


def test_an_applied_edit_names_its_values_and_is_never_optimised_again(
    house: House, folder: PipelineFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = Runs(monkeypatch)
    edit = request(house)
    result = house.job("ana", JobKind.APPLY, edits=[edit])
    assert runs.run == [["the mayor"]]
    first = house.as_("ana").edit(edit).candidate
    assert first == result["candidate"]
    (entry,) = [e for e in house.as_("ana").log() if e.event == "EditsApplied"]
    found = _found(entry.payload, edit)
    assert found["seed"] == 0
    digest = str(found["values"])
    path = house.settings.workspace / "objects" / digest[:2] / digest[2:]
    wanted = {NAME: ("text_encoder", (1, 20))}
    # What is stored could be given to another edit as it is.
    assert check_values(path, wanted, encoder_digests(folder)) == ()
    house.job("ana", JobKind.APPLY, edits=[edit])
    assert len(runs.run) == 1
    assert house.as_("ana").edit(edit).candidate == first


def _found(payload: Any, edit: str) -> dict[str, JSON]:
    found: dict[str, JSON] = payload["data"]["resolved"][edit]["found"]
    return found
