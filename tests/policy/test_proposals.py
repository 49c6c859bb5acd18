from dataclasses import replace

import pytest

from governance.domain.request import (
    Action,
    Attribute,
    Concept,
    EditRequest,
    FileReference,
    LabelledPrompt,
    Method,
    RequestedChecks,
)
from governance.policy.evaluate import (
    judge_proposal,
    preserve_to_drop,
    refused,
    required_approvals,
)
from governance.policy.model import Policy
from governance.policy.outcome import Outcome
from tests.policy.conftest import LoadPolicy, request_of
from tests.text.test_matching import DISGUISES

FEMALE = Attribute("female", "a female {}", 0.5)
MALE = Attribute("male", "a male {}", 0.5)


def failing(
    policy: Policy, request: EditRequest, live: dict[str, EditRequest] | None = None
) -> dict[str, str]:
    findings = judge_proposal(policy, request, live or {})
    bad = [f for f in findings if f.outcome is not Outcome.PASS]
    assert refused(policy, findings) == bool(bad)
    return {f.rule: f"{f.outcome}: {f.message}" for f in bad}


def test_a_request_within_the_rules_passes_every_rule(trial: LoadPolicy) -> None:
    findings = judge_proposal(trial(), request_of("Kora"), {})

    assert {finding.outcome for finding in findings} == {Outcome.PASS}
    assert [finding.rule for finding in findings] == [
        "methods",
        "limits.concepts",
        "limits.lambda",
        "protected.minors",
        "protected.faith",
        "imported_targets",
        "conflicts",
    ]


def test_an_action_the_policy_does_not_name_is_forbidden(trial: LoadPolicy) -> None:
    request = request_of("Kora", action=Action.UPDATE)

    assert failing(trial(), request) == {
        "actions": "FAIL: action update is not allowed; allowed: debias, erase"
    }


def test_a_method_the_action_may_not_use_is_forbidden(trial: LoadPolicy) -> None:
    request = request_of("Kora", method=Method.TIME)

    assert failing(trial(), request) == {
        "methods": "FAIL: method time is not allowed for erase; allowed: uce"
    }


@pytest.mark.parametrize(
    ("given", "finding"),
    [
        (2, "FAIL: expected 0.1 to 1, found 2"),
        (0.05, "FAIL: expected 0.1 to 1, found 0.05"),
        ("auto", "FAIL: expected 0.1 to 1, found 'auto'"),
        (True, "FAIL: expected 0.1 to 1, found 'True'"),
    ],
)
def test_a_parameter_outside_its_limits_fails(
    trial: LoadPolicy, given: object, finding: str
) -> None:
    request = request_of("Kora", parameters={"lambda": given})

    assert failing(trial(), request) == {"limits.lambda": finding}


def test_a_limited_parameter_must_be_written(trial: LoadPolicy) -> None:
    request = replace(request_of("Kora"), parameters={})

    assert failing(trial(), request) == {
        "limits.lambda": "MISSING: lambda is not written in the request; "
        "expected 0.1 to 1"
    }


def test_too_many_concepts_fail(trial: LoadPolicy) -> None:
    assert failing(trial(), request_of("Kora", "Pax", "Vey")) == {
        "limits.concepts": "FAIL: expected at most 2, found 3"
    }


HIDING_PLACES: dict[str, EditRequest] = {
    "source": request_of("a child"),
    "destination": request_of("Kora", destination="a child"),
    "preserve": request_of("Kora", preserve=("Lume", "a child")),
    "prompt": replace(
        request_of("Kora"), concepts=(Concept("Kora", "art", prompt="the child"),)
    ),
    "attribute prompt": request_of(
        "a doctor",
        action=Action.DEBIAS,
        attributes=(FEMALE, Attribute("x", "a child {}", 0.5)),
    ),
    "attribute name": request_of(
        "a doctor",
        action=Action.DEBIAS,
        attributes=(FEMALE, Attribute("child", "a {}", 0.5)),
    ),
    "attribute joined with its concept": request_of(
        "girl", action=Action.DEBIAS, attributes=(Attribute("x", "little {}", 1.0),)
    ),
    "templates": request_of("Kora", parameters={"templates": ["{}", "a child by {}"]}),
    "contrast": request_of("Kora", parameters={"contrast": [["deep", "a child"]]}),
}


@pytest.mark.parametrize("request_", HIDING_PLACES.values(), ids=HIDING_PLACES.keys())
def test_a_protected_word_is_found_in(trial: LoadPolicy, request_: EditRequest) -> None:
    found = failing(trial(), request_)

    assert set(found) == {"protected.minors"}
    assert found["protected.minors"].endswith("is protected: Never.")


@pytest.mark.parametrize("disguise", DISGUISES.values(), ids=DISGUISES.keys())
def test_no_spelling_talks_a_protected_concept_round(
    trial: LoadPolicy, disguise: str
) -> None:
    policy = trial(("child, little girl", "Kora"))

    assert set(failing(policy, request_of(disguise))) == {"protected.minors"}


SEAMS: dict[str, tuple[str, str]] = {
    "a phrase over the seam": ("a little {}", "girl"),
    "a word over the seam": ("a chi{}", "ld"),
    "a word that begins in the phrase": ("{}ild in a garden", "ch"),
    "a phrase in the middle of the word": ("a ch{}d", "il"),
    "a phrase without letters": ("a chi{}ld", "--"),
    "two holes side by side": ("a {}{}", "ild ch"),
    "a plural over the seam": ("two little {}", "girls"),
    "capital letters": ("A LITTLE {}", "GIRL"),
    "full-width letters": ("a little {}", "\uff47\uff49\uff52\uff4c"),
    "a homoglyph": ("a ch\u0456{}", "ld"),
    "a zero-width character": ("a chi\u200b{}", "ld"),
}


@pytest.mark.parametrize(("template", "phrase"), SEAMS.values(), ids=SEAMS.keys())
def test_a_template_does_not_put_a_protected_phrase_together(
    trial: LoadPolicy, template: str, phrase: str
) -> None:
    policy = trial()
    for made in (
        request_of(phrase, parameters={"templates": ["{}", template]}),
        request_of(
            "Kora", destination=phrase, parameters={"templates": ["{}", template]}
        ),
    ):
        assert set(failing(policy, made)) >= {"protected.minors"}


BROUGHT: dict[str, tuple[Method, dict[str, object], str, str]] = {
    "time": (Method.TIME, {}, "photo of Kora", "Kora"),
    "time, written": (Method.TIME, {"templates": True}, "an image of Kora", "Kora"),
    "art": (Method.UCE, {"templates": "art"}, "style of Kora", "Kora"),
    "art, 2023": (Method.UCE_2023, {"templates": "art"}, "painting by Kora", "Kora"),
    "object": (Method.UCE, {"templates": "object"}, "portrait of girl", "girls"),
    "refact": (Method.REFACT, {}, "picture of Kora", "Kora"),
    "emcid": (Method.EMCID, {}, "a photo of kora", "\u212aora"),
}


@pytest.mark.parametrize("case", BROUGHT.values(), ids=BROUGHT.keys())
def test_what_a_methods_own_templates_put_together_is_found(
    trial: LoadPolicy, case: tuple[Method, dict[str, object], str, str]
) -> None:
    method, parameters, protected, phrase = case
    policy = trial(("child, little girl", protected), ("uce", str(method)))
    asked = [
        request_of(phrase, method=method, parameters=parameters),
        request_of("Pax", destination=phrase, method=method, parameters=parameters),
    ]
    for request in asked:
        found = failing(policy, request)
        assert set(found) == {"protected.minors"}
        assert "spec.parameters.templates" in found["protected.minors"]
    innocent = request_of("Lume", method=method, parameters=parameters)
    assert failing(policy, innocent) == {}


def test_what_a_concept_becomes_where_nothing_is_written_is_found(
    trial: LoadPolicy,
) -> None:
    policy = trial(("child, little girl", "art"))
    asked = request_of("Kora", destination=None, parameters={"templates": "art"})

    assert set(failing(policy, asked)) == {"protected.minors"}
    assert failing(policy, replace(asked, parameters={"lambda": 0.5})) == {}


@pytest.mark.parametrize("destination", ["", "art", "!"])
def test_what_a_method_says_by_itself_was_asked_for_by_nobody(
    trial: LoadPolicy, destination: str
) -> None:
    """Else a policy that protects "photo" would refuse every edit by TIME."""
    policy = trial(("child, little girl", "photo, picture, woman"), ("uce", "time"))

    asked = request_of("Kora", method=Method.TIME, destination=destination)
    assert failing(policy, asked) == {}


def test_an_innocent_template_puts_nothing_together(trial: LoadPolicy) -> None:
    templates = ["a photo of {}", "{} by the sea", "childish {}", "{}"]
    found = request_of("girlfriends", parameters={"templates": templates})

    assert failing(trial(), found) == {}


def in_place(place: str, text: str) -> EditRequest:
    """Hide a text in one field of a request."""
    attributes = (FEMALE, Attribute("x", f"{text} {{}}", 0.5))
    named = (FEMALE, Attribute(text, "a {}", 0.5))
    bent: dict[str, object] = {"templates": ["{}", f"{text} by {{}}"]}
    match place:
        case "prompt":
            asked = (Concept("Pax", "art", prompt=text),)
            return replace(request_of("Pax"), concepts=asked)
        case "attribute prompt":
            return request_of("a", action=Action.DEBIAS, attributes=attributes)
        case "attribute name":
            return request_of("a", action=Action.DEBIAS, attributes=named)
        case "templates":
            return request_of("Pax", parameters=bent)
        case "contrast":
            return request_of("Pax", parameters={"contrast": ["deep", text]})
        case "destination":
            return request_of("Pax", destination=text)
        case "preserve":
            return request_of("Pax", preserve=("Lume", text))
        case _:
            return request_of(text)


PLACES = (
    *("source", "destination", "preserve", "prompt", "attribute prompt"),
    *("attribute name", "templates", "contrast"),
)


@pytest.mark.parametrize("place", PLACES)
def test_no_spelling_is_safe_in_any_field(trial: LoadPolicy, place: str) -> None:
    policy = trial(("child, little girl", "Kora"))

    assert "protected.minors" not in failing(policy, in_place(place, "Vey"))
    for disguise in DISGUISES.values():
        found = failing(policy, in_place(place, disguise))
        assert "protected.minors" in found, disguise


def test_check_prompts_may_name_what_is_protected(trial: LoadPolicy) -> None:
    checks = RequestedChecks(specificity=(LabelledPrompt("a child"),))

    assert failing(trial(), replace(request_of("Kora"), checks=checks)) == {}


def test_a_finding_shows_hostile_text_harmlessly(trial: LoadPolicy) -> None:
    found = failing(trial(), request_of("a child\x1b[2J\u202e"))

    assert found["protected.minors"].isprintable()


def test_a_rule_may_hold_for_some_actions_only(trial: LoadPolicy) -> None:
    policy = trial(("reason: Never.", "actions: [debias]"))

    assert failing(policy, request_of("a child")) == {}


def test_more_approvals_are_asked_for_and_the_strictest_rule_wins(
    trial: LoadPolicy,
) -> None:
    policy = trial()

    assert required_approvals(policy, [request_of("Kora")]) == 1
    assert required_approvals(policy, [request_of("Kora"), request_of("a nun")]) == 3
    findings = judge_proposal(policy, request_of("a nun"), {})
    [finding] = [f for f in findings if f.rule == "protected.faith"]
    assert finding.outcome is Outcome.PASS
    assert finding.message == (
        "'nun' in spec.concepts.0.source ('a nun') is protected: needs 3 approvals"
    )


FILE = FileReference("a", "0" * 64, 1)
IMPORTS = {
    "values": replace(request_of("Kora"), values=FILE),
    "images": replace(request_of("Kora"), concepts=(Concept("Kora", images=(FILE,)),)),
    "alpha": request_of(
        "a doctor",
        action=Action.DEBIAS,
        attributes=(replace(FEMALE, alpha=(0.8,)), replace(MALE, alpha=(0.1,))),
    ),
}


@pytest.mark.parametrize(("what", "request_"), IMPORTS.items(), ids=IMPORTS.keys())
def test_imported_targets_need_the_policys_consent(
    trial: LoadPolicy, what: str, request_: EditRequest
) -> None:
    allowing = trial(
        ("  suite: quick", "  suite: quick\n  allow_imported_targets: true")
    )

    assert failing(trial(), request_) == {
        "imported_targets": f"FAIL: the request imports {what}; "
        "the policy allows no imported targets"
    }
    assert failing(allowing, request_) == {}


def test_a_live_edits_source_may_not_go_elsewhere(trial: LoadPolicy) -> None:
    live = {"E-0001": request_of("K\u041eRA", destination="art")}

    assert failing(trial(), request_of("kora", destination="Lume"), live) == {
        "conflicts.source": "FAIL: 'kora' is already edited to another destination "
        "by live edit E-0001"
    }
    assert failing(trial(), request_of("kora"), live) == {
        "conflicts.source": "FAIL: 'kora' is already edited in the same way "
        "by live edit E-0001"
    }
    assert failing(trial(), request_of("Pax"), live) == {}


def test_a_preserved_live_source_follows_the_policy(trial: LoadPolicy) -> None:
    live = {"E-0001": request_of("Kora")}
    request = request_of("Pax", preserve=("Lume", "kora"))
    dropping = trial(("  suite: quick", "  suite: quick\n  conflicts: drop_preserve"))

    assert failing(trial(), request, live) == {
        "conflicts.preserve": "FAIL: preserved 'kora' is changed by live edit E-0001; "
        "remove it from the preserve set"
    }
    assert preserve_to_drop(trial(), request, live) == ()
    assert failing(dropping, request, live) == {}
    assert preserve_to_drop(dropping, request, live) == ("kora",)


def test_a_live_edit_that_preserves_the_new_source_is_told(trial: LoadPolicy) -> None:
    live = {"E-0001": request_of("Kora", preserve=("Pax",))}

    findings = judge_proposal(trial(), request_of("pax"), live)

    assert findings[-1].rule == "conflicts.preserved_by_live"
    assert (
        findings[-1].message == "live edit E-0001 preserves 'pax' and pulls against it"
    )


def test_audit_records_what_it_finds_and_refuses_nothing(trial: LoadPolicy) -> None:
    policy = trial(("spec:\n", "spec:\n  enforcement: audit\n"))

    findings = judge_proposal(policy, request_of("a child"), {})

    assert any(finding.outcome is Outcome.FAIL for finding in findings)
    assert not refused(policy, findings)


def test_the_default_policy_lets_the_miniatures_edits_through(default: Policy) -> None:
    for request in (
        request_of("a rose", action=Action.UPDATE, destination="a blue rose"),
        request_of("Kora", preserve=("Lume", "a nurse", "a female doctor")),
        request_of("a sword", action=Action.MODERATE),
        request_of("a doctor", action=Action.DEBIAS, attributes=(FEMALE, MALE)),
    ):
        assert failing(default, request) == {}
