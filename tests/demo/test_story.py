"""What the demo promises before any image is drawn."""

from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from governance.demo.people import make_people
from governance.demo.report import DemoEdit, DemoReport, Measured
from governance.demo.story import CARELESS, GOOD, REVERTED, run_demo
from governance.errors import WrongStateError
from governance.miniature import pipeline_path
from governance.pipeline.folder import open_pipeline
from governance.pipeline.vocabulary import open_vocabulary
from governance.policy.evaluate import judge_proposal, refused
from governance.policy.files import find_policy, load_policy
from governance.service.facade import ProgressCallback
from governance.settings import Settings
from tests.demo.bench import request_named

SHARE = {"value": 1.0, "low": 0.9, "high": 1.0, "n": 48}


class Silent:
    """A stage on which nothing may happen."""

    def say(self, text: str) -> None:
        raise AssertionError(text)

    def working(self, label: str) -> AbstractContextManager[ProgressCallback]:
        raise AssertionError(label)


def test_a_workspace_that_holds_anything_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("keep")
    with pytest.raises(WrongStateError, match="is not empty"):
        run_demo(Settings(workspace=tmp_path), Silent())
    assert [item.name for item in tmp_path.iterdir()] == ["mine.txt"]


@pytest.mark.parametrize("name", [*GOOD, CARELESS])
def test_policy_and_vocabulary_accept_every_request(name: str) -> None:
    policy = load_policy(find_policy("default"))
    request = request_named(name)
    assert not refused(policy, judge_proposal(policy, request, {}))
    vocabulary = open_vocabulary(open_pipeline(pipeline_path()))
    texts = [concept.source for concept in request.concepts]
    checks = request.checks
    said = [*texts, *request.preserve, *checks.efficacy, *checks.generality]
    assert vocabulary.unknown_words(said) == ()


def test_no_request_preserves_what_an_earlier_one_edits() -> None:
    policy = load_policy(find_policy("default"))
    for count, name in enumerate(GOOD):
        live = {earlier: request_named(earlier) for earlier in GOOD[:count]}
        assert not refused(policy, judge_proposal(policy, request_named(name), live))


def test_the_four_edits_are_one_of_each_action() -> None:
    actions = {request_named(name).action.value for name in GOOD}
    assert actions == {"update", "erase", "moderate", "debias"}
    assert REVERTED in GOOD


def test_generality_is_measured_outside_the_edits_own_prompts() -> None:
    for name in ("update-rose", "erase-artist", "moderate-sword"):
        request = request_named(name)
        templates = request.parameters["templates"]
        assert isinstance(templates, list)
        trained = {
            str(template).replace("{}", concept.source)
            for template in ("{}", *templates)
            for concept in request.concepts
        }
        assert trained.isdisjoint(request.checks.generality), name


def test_the_demo_keys_are_private_and_two_people_have_two(tmp_path: Path) -> None:
    ana, ben = make_people(tmp_path / "keys")
    assert ana.key.read_bytes() != ben.key.read_bytes()
    for person in (ana, ben):
        assert person.key.stat().st_mode & 0o777 == 0o600
        assert person.public_key.is_file()


def test_the_closing_table_shows_before_after_and_interval(tmp_path: Path) -> None:
    edit = DemoEdit(
        *("E-0001", "Roses are blue now", "update", "uce-2023", "LIVE", "PASS"),
        efficacy=Measured({**SHARE, "value": 0.0}, SHARE),
        generality=Measured(None, SHARE),
        specificity=Measured(SHARE, None),
    )
    report = DemoReport(tmp_path, "miniature", (edit,), "d" * 64, tmp_path, {"a": 1.0})
    text = "\n".join(report.lines())
    assert "0.00 -> 1.00 [0.90, 1.00]" in text
    assert "- -> 1.00 [0.90, 1.00]" in text
    document = report.document()
    assert isinstance(document, dict)
    assert set(document) == {
        *("workspace", "model", "edits", "snapshot", "export", "seconds"),
    }
    edits = document["edits"]
    assert isinstance(edits, list)
    first = edits[0]
    assert isinstance(first, dict)
    assert "ratios" not in first
    assert set(first) >= {
        *("id", "action", "method", "state", "evidence"),
        *("efficacy", "generality", "specificity"),
    }
