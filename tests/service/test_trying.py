"""Cases try a policy with the judgements a workspace makes."""

from pathlib import Path

import pytest

from governance.errors import NotFoundError, RequestError
from governance.policy.cases import load_cases
from governance.policy.files import find_policy, shipped_cases
from governance.service.records import CaseView
from governance.service.trying import run_cases

CASE = """\
apiVersion: governance/v1
kind: PolicyCase
metadata: {title: plain}
spec:
  policy: default
  request:
    action: erase
    method: uce
    concepts: [{source: "Kora", destination: art}]
  proposer: {principal: ana}
  roster: [{principal: ana}, {principal: ben}]
  evidence:
    figures:
      - {metric: efficacy, value: 0.96, low: 0.86, high: 0.99, n: 48}
      - {metric: generality, value: 0.9, low: 0.81, high: 0.95, n: 72}
      - {metric: specificity, value: 0.95, low: 0.9, high: 0.98, n: 140}
      - {metric: interference, value: 0.0}
      - {metric: condition, value: 10.0}
  signoffs: [{principal: ben}]
  expect:
    live: true
    rules: {protected.minors: PASS, approvals: PASS}
"""


def tried(folder: Path, *changes: tuple[str, str]) -> CaseView:
    """Try the plain case with some words replaced."""
    text = CASE
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new)
    path = folder / "case.yaml"
    path.write_text(text, encoding="utf-8")
    return run_cases([path]).cases[0]


def test_every_shipped_case_holds() -> None:
    trial = run_cases(shipped_cases())
    assert [case.title for case in trial.cases if not case.ok] == []
    assert len(trial.cases) >= 50
    assert {case.policy for case in trial.cases} == {
        *("default", "strict", "audit-only", "single-user")
    }


def test_a_case_that_holds_names_what_was_found(tmp_path: Path) -> None:
    case = tried(tmp_path)
    assert case.ok
    assert [(row.rule, row.expected, row.found) for row in case.rules] == [
        ("protected.minors", "PASS", "PASS"),
        ("approvals", "PASS", "PASS"),
        ("live", "yes", "yes"),
    ]


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        (('"Kora"', '"a child"'), "protected.minors"),
        (("signoffs: [{principal: ben}]", "signoffs: [{principal: ana}]"), "approvals"),
        (("n: 48", "n: 8"), "live"),
        (("live: true", "live: false"), "live"),
        (
            ("{protected.minors", "{limits.lambda: PASS, protected.minors"),
            "limits.lambda",
        ),
    ],
)
def test_a_case_that_does_not_hold_names_the_rule(
    tmp_path: Path, change: tuple[str, str], rule: str
) -> None:
    case = tried(tmp_path, change)
    assert not case.ok
    assert rule in [row.rule for row in case.rules if not row.ok]


def test_a_request_no_policy_sees_is_told_as_such(tmp_path: Path) -> None:
    case = tried(tmp_path, ("destination: art", "destination: kora"))
    (row, _, _) = case.rules
    assert (row.rule, row.found) == ("protected.minors", None)
    assert row.message.startswith("no request: case.yaml:9: spec.concepts.0")


def test_a_case_may_name_a_policy_beside_it(tmp_path: Path) -> None:
    text = find_policy("default").read_text(encoding="utf-8")
    text = text.replace("suites/quick.yaml", "quick").replace("[child,", "[kora,")
    (tmp_path / "own.yaml").write_text(text, encoding="utf-8")
    case = tried(tmp_path, ("policy: default", "policy: own.yaml"))
    (row,) = [row for row in case.rules if row.rule == "protected.minors"]
    assert (row.found, row.ok) == ("FAIL", False)


def test_a_policy_that_is_not_there_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError):
        tried(tmp_path, ("policy: default", "policy: nowhere.yaml"))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("live: true", "live: perhaps"), r"case.yaml:21: spec.expect.live"),
        (("approvals: PASS", "approvals: GOOD"), r"case.yaml:22: spec.expect.rules"),
        (("proposer:", "proposers:"), r"case.yaml:10: spec.proposers: unknown field"),
        (("signoffs: [{principal", "signoffs: [{about: [mood], principal"), "about"),
        (("  request:", "  requests:"), r"case.yaml:7: spec.requests: unknown field"),
        (("kind: PolicyCase", "kind: Policy"), r"case.yaml:2: kind"),
    ],
)
def test_a_malformed_case_is_refused_at_its_line(
    tmp_path: Path, change: tuple[str, str], said: str
) -> None:
    with pytest.raises(RequestError, match=said):
        tried(tmp_path, change)


def test_live_edits_of_a_case_are_read_at_their_lines(tmp_path: Path) -> None:
    live = "live:\n    - {action: erase, method: uce, concepts: [{source: lume}]}\n  proposer:"
    path = tmp_path / "case.yaml"
    path.write_text(CASE.replace("proposer:", live), encoding="utf-8")
    (case,) = load_cases(path)
    assert [item.concepts[0].source for item in case.read_live().values()] == ["lume"]


def test_a_folder_stands_for_its_case_files(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="no cases in"):
        run_cases([tmp_path])
    for name in ("one.yaml", "two.yaml", "not-a-case.txt"):
        (tmp_path / name).write_text(CASE, encoding="utf-8")
    found = [case.file.name for case in run_cases([tmp_path]).cases]
    assert found == ["one.yaml", "two.yaml"]
