"""Tier 2 on painted pictures, held against the shipped policy."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest

from governance.checks.drawing import Sampler
from governance.checks.images import (
    ImageFindings,
    Sides,
    draw_plans,
    drawn_on,
    judge_drawn,
)
from governance.checks.judging import Floor
from governance.checks.plan import Row, plan_edit
from governance.checks.questions import Question
from governance.checks.seeds import seeds_for
from governance.documents.suite import Suite
from governance.domain.request import Action, EditRequest, LabelledPrompt
from governance.policy.evidence import Metric, judge_evidence
from governance.policy.model import Policy
from governance.policy.outcome import Outcome
from tests.checks.fakes import (
    FakeDrawer,
    FakeJudge,
    Shown,
    World,
    default_world,
    drawable,
    kinds,
    request,
)

SIDES = Sides(drawable("base"), drawable("live"), drawable("candidate"))
SAMPLER = Sampler(20, 3.0)


def measured(
    suite: Suite, world: World, edit: EditRequest, judge: FakeJudge | None = None
) -> tuple[ImageFindings, FakeDrawer]:
    """Plan, draw and judge one edit as a check does."""
    asked = judge or FakeJudge()
    sources = [concept.source for concept in edit.concepts]
    plans = (plan_edit(suite, asked, "E-0001", edit, sources),)
    drawer = FakeDrawer(asked, world)

    def seeds(prompt: str, count: int) -> tuple[int, ...]:
        return seeds_for("c" * 64, suite.digest, prompt, count)

    drawn = draw_plans(plans, SIDES, seeds, drawer, SAMPLER, None)
    targets = {"E-0001": {a.name: a.ratio for a in edit.attributes}}
    wanted = targets if edit.attributes else {}
    floor = Floor(suite.judge.floor, suite.judge.images)
    return judge_drawn(plans, drawn, asked, floor, wanted), drawer


def outcomes(
    policy: Policy, edit: EditRequest, found: ImageFindings
) -> Mapping[str, Outcome]:
    """Judge what tier 2 found beside a sound tier 0."""
    sound = (Metric("interference", 0.0), Metric("condition", 10.0))
    metrics = (*sound, *found.metrics["E-0001"])
    verdict = judge_evidence(policy, edit.action.value, metrics)
    return {rule.rule.split()[0]: rule.outcome for rule in verdict.rules}


def changed(
    suite: Suite, change: Shown, words: Sequence[str], share: float = 1.0
) -> World:
    """The default world, whose candidate shows something else in some prompts."""
    before = default_world(suite)

    def shown(weights: str, prompt: str, seed: int) -> Shown:
        seen = dict(before(weights, prompt, seed))
        meant = any(word in prompt for word in words)
        if weights == "candidate" and meant and seed % 100 < share * 100:
            seen.update(change)
        return seen

    return shown


def metric(found: ImageFindings, name: str) -> Metric:
    return next(item for item in found.metrics["E-0001"] if item.name == name)


def test_an_edit_that_does_what_it_says_and_nothing_else_passes(
    suite: Suite, policy: Policy
) -> None:
    found, _ = measured(suite, changed(suite, {"colour": "blue"}, ["rose"]), request())
    assert set(outcomes(policy, request(), found).values()) == {Outcome.PASS}
    assert metric(found, "efficacy").value == 1
    before = found.before["E-0001"]["efficacy"]
    assert before["base"] == before["live"]
    assert isinstance(before["base"], dict)
    assert before["base"]["value"] == 0
    assert isinstance(before["p"], float)
    assert before["p"] < 1e-9


def test_the_unedited_model_fails_efficacy_and_generality(
    suite: Suite, policy: Policy
) -> None:
    found, _ = measured(suite, default_world(suite), request())
    judged = outcomes(policy, request(), found)
    assert judged["efficacy"] is Outcome.FAIL
    assert judged["generality"] is Outcome.FAIL
    assert judged["specificity"] is Outcome.PASS


def test_a_careless_edit_fails_specificity_alone(suite: Suite, policy: Policy) -> None:
    world = changed(suite, {"colour": "blue", "object": "rose", "person": "bela"}, [""])
    found, _ = measured(suite, world, request())
    judged = outcomes(policy, request(), found)
    assert judged["efficacy"] is Outcome.PASS
    assert judged["specificity"] is Outcome.FAIL


def test_limits_hold_against_the_end_of_the_interval_not_the_figure(
    suite: Suite, policy: Policy
) -> None:
    world = changed(suite, {"colour": "blue"}, ["rose"], share=0.75)
    found, _ = measured(suite, world, request())
    efficacy = metric(found, "efficacy")
    assert efficacy.value is not None
    assert efficacy.low is not None
    assert efficacy.low < 0.70 < efficacy.value
    assert outcomes(policy, request(), found)["efficacy"] is Outcome.FAIL


@pytest.mark.parametrize("action", [Action.ERASE, Action.MODERATE])
def test_a_removal_counts_pictures_that_no_longer_show_it(
    suite: Suite, policy: Policy, action: Action
) -> None:
    erase = request(action, [("Kora", "art")])
    names = ["kora", "Kora"]
    kept, _ = measured(suite, changed(suite, {"style": "kora"}, names), erase)
    assert metric(kept, "efficacy").value == 0
    gone, _ = measured(suite, changed(suite, {"style": "painting"}, names), erase)
    assert metric(gone, "efficacy").value == 1
    assert set(outcomes(policy, erase, gone).values()) == {Outcome.PASS}


def test_the_same_seeds_are_drawn_on_base_live_and_candidate(suite: Suite) -> None:
    _, drawer = measured(suite, default_world(suite), request())
    by_side = {
        name: [(w.prompt, w.seed) for w in drawer.wishes if w.weights.name == name]
        for name in ("base", "live", "candidate")
    }
    assert by_side["base"] == by_side["live"] == by_side["candidate"]
    assert len(set(by_side["base"])) == len(by_side["base"]) > 150


def test_prompts_that_mention_what_is_edited_are_no_part_of_specificity(
    suite: Suite,
) -> None:
    plan = plan_edit(suite, FakeJudge(), "E-0001", request(), ["a rose", "Kora"])
    held = [row.prompt for row in plan.rows if row.metric == "specificity"]
    assert len(held) > 20
    assert not [prompt for prompt in held if "rose" in prompt or "kora" in prompt]


def test_a_request_adds_to_the_suites_prompts_and_replaces_none(suite: Suite) -> None:
    own = LabelledPrompt("a painting of a cup by vey", "vey")
    edit = request(specificity=[own], efficacy=["a rose in town"])
    rows = plan_edit(suite, FakeJudge(), "E-0001", edit, ["a rose"]).rows
    plain = plan_edit(suite, FakeJudge(), "E-0001", request(), ["a rose"]).rows
    asked = {(row.metric, row.prompt) for row in rows}
    assert {(row.metric, row.prompt) for row in plain} < asked
    assert ("specificity", own.prompt) in asked
    assert ("efficacy", "a rose in town") in asked


def test_a_judge_that_cannot_tell_gives_no_number_and_blocks(
    suite: Suite, policy: Policy
) -> None:
    judge = FakeJudge(kinds(colour=0.6))
    world = changed(suite, {"colour": "blue"}, ["rose"])
    found, _ = measured(suite, world, request(), judge)
    assert {item.name for item in found.metrics["E-0001"]} == {"specificity"}
    assert any("judge cannot tell colour" in reason for reason in found.silent)
    judged = outcomes(policy, request(), found)
    assert judged["efficacy"] is Outcome.MISSING
    assert judged["generality"] is Outcome.MISSING


def test_rows_say_how_many_of_each_prompts_images_showed_what_was_asked(
    suite: Suite,
) -> None:
    found, _ = measured(suite, changed(suite, {"colour": "blue"}, ["rose"]), request())
    rows = [row for row in found.rows if row["metric"] == "efficacy"]
    assert rows == [
        {
            "edit": "E-0001",
            "metric": "efficacy",
            "prompt": "a rose",
            "n": suite.images.efficacy,
            "base": 0,
            "live": 0,
            "candidate": suite.images.efficacy,
        }
    ]
    total = metric(found, "specificity").n
    held = [row["n"] for row in found.rows if row["metric"] == "specificity"]
    assert total == sum(n for n in held if isinstance(n, int))


DEBIAS = request(
    Action.DEBIAS, [("a doctor", None)], attributes=[("female", 0.5), ("male", 0.5)]
)


@pytest.mark.parametrize(
    ("share", "outcome"),
    [
        (0.0, Outcome.FAIL),
        (0.5, Outcome.PASS),
        (0.63, Outcome.FAIL),
        (1.0, Outcome.FAIL),
    ],
)
def test_a_debias_passes_where_its_whole_interval_is_near_the_wanted_ratio(
    suite: Suite, policy: Policy, share: float, outcome: Outcome
) -> None:
    world = changed(suite, {"gender": "female"}, ["doctor"], share)
    found, _ = measured(suite, world, DEBIAS)
    female, male = metric(found, "ratio.female"), metric(found, "ratio.male")
    assert female.n == male.n == suite.images.ratio
    assert female.target == male.target == 0.5
    assert female.value is not None
    assert male.value == pytest.approx(1 - female.value)
    assert outcomes(policy, DEBIAS, found)["ratio.female"] is outcome
    before = found.before["E-0001"]["ratio.female"]["base"]
    assert isinstance(before, dict)
    assert before["value"] == 0


def test_a_debias_judged_by_an_unsure_probe_gives_no_ratio(
    suite: Suite, policy: Policy
) -> None:
    judge = FakeJudge(kinds(gender=0.7))
    found, _ = measured(suite, default_world(suite), DEBIAS, judge)
    names = {item.name for item in found.metrics["E-0001"]}
    assert "ratio.female" not in names
    judged = outcomes(policy, DEBIAS, found)
    assert Outcome.PASS not in {v for k, v in judged.items() if k.startswith("ratio")}
    assert any(v is Outcome.MISSING for k, v in judged.items() if k.startswith("ratio"))


def test_a_ratio_shows_where_it_came_from_with_a_third_of_its_seeds() -> None:
    row = Row("ratio", "a doctor", 10, Question("same"))
    seeds = tuple(range(10))
    assert drawn_on("candidate", row, seeds) == seeds
    assert drawn_on("base", row, seeds) == drawn_on("live", row, seeds) == (0, 1, 2, 3)
    other = replace(row, metric="efficacy")
    assert drawn_on("base", other, seeds) == seeds
