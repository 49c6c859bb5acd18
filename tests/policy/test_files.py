import json
import shutil
from pathlib import Path

import pytest

from governance.canonical import sha256_hex
from governance.domain.request import Action
from governance.errors import NotFoundError, RequestError
from governance.policy import files
from governance.policy.files import (
    find_policy,
    find_suite,
    load_policy,
    policy_from_document,
    shipped_policies,
)
from tests.policy.conftest import LoadPolicy, WritePolicy


def test_shipped_policies_are_found_by_name() -> None:
    names = {"audit-only", "default", "single-user", "strict"}
    assert set(shipped_policies()) == names
    assert find_policy("default").name == "default.yaml"


def test_a_policy_is_found_by_path(write_policy: WritePolicy) -> None:
    path = write_policy()

    assert find_policy(str(path)) == path


def test_a_policy_that_does_not_exist_names_the_shipped_ones() -> None:
    with pytest.raises(NotFoundError) as caught:
        find_policy("lax\x1b[2J")

    assert caught.value.message == (
        "policy 'lax\\x1b[2J': expected a file or one of audit-only, default, "
        "single-user, strict, found neither"
    )


def test_a_suite_is_found_by_name_and_a_missing_one_is_named() -> None:
    assert find_suite("quick").name == "quick.yaml"
    with pytest.raises(NotFoundError, match="suite 'slow': expected a file"):
        find_suite("slow")


def test_the_default_policy_asks_for_another_person() -> None:
    policy = load_policy(find_policy("default"))

    assert policy.spec.required_approvals == 1
    assert policy.spec.distinct_from_proposer
    assert policy.spec.enforcement == "enforce"
    assert set(policy.spec.actions) == set(Action)


def test_the_single_user_policy_lets_one_person_finish() -> None:
    policy = load_policy(find_policy("single-user"))

    assert policy.spec.required_approvals == 1
    assert not policy.spec.distinct_from_proposer
    assert all(rule.rule == "refuse" for rule in policy.spec.protected_concepts)


def test_the_digest_covers_the_suite(write_policy: WritePolicy, tmp_path: Path) -> None:
    suite = tmp_path / "mine.yaml"
    suite.write_text(find_suite("quick").read_text())
    path = write_policy(("suite: quick", "suite: mine.yaml"))
    first = load_policy(path)
    suite.write_text(suite.read_text().replace("steps: 20", "steps: 1"))
    second = load_policy(path)

    assert first.digest == sha256_hex(first.canonical)
    assert first.document["spec"]["suite"] == first.suite.digest  # type: ignore[index,call-overload]
    assert second.digest != first.digest


def test_a_policy_comes_back_whole_from_the_store(trial: LoadPolicy) -> None:
    policy = trial()
    store = {policy.suite.digest: policy.suite.canonical}

    again = policy_from_document(json.loads(policy.canonical), store.__getitem__)

    assert again.digest == policy.digest
    assert again.suite == policy.suite
    assert again.spec.thresholds == policy.spec.thresholds


@pytest.mark.parametrize(
    ("old", "new", "line", "problem"),
    [
        (
            "  required_approvals: 1\n",
            "  required_approvals: 2\n  required_approvals: 1\n",
            6,
            "duplicate key `required_approvals`, first on line 5",
        ),
        ("approvals: 1\n", "approvals: 0\n", 5, "spec.required_approvals: input"),
        ("approvals: 1\n", "approvals: yes\n", 5, "found plain `yes`"),
        ("approvals: 1\n", 'approvals: "1"\n', 5, "valid integer, found '1'"),
        ("proposer: true", "proposer: on", 6, "found plain `on`"),
        ("proposer: true", "proposer: 1", 6, "valid boolean, found `1`"),
        ("proposer: true", "proposr: true", 6, "spec.distinct_from_proposr: unknown"),
        ("spec:\n", "spec:\n  dismiss_stale: false\n", 5, "spec.dismiss_stale"),
        ("reviewer: 1,", "reviewer: 2,", 5, "expected required_approvals >= 2"),
        ("methods: [uce]}", "methods: []}", 10, "spec.actions.debias.methods"),
        ("methods: [uce]}", "methods: [magic]}", 10, "found `magic`"),
        ("max: 2", "max: -1, min: 0", 9, "expected min <= max, found 0 > -1"),
        ("{max: 2}", "{}", 9, "expected min, max or both"),
        ("bound: ci_lower, min_n: 40", "bound: ci_lower", 12, "expected min_n >= 1"),
        ("bound: ci_lower", "bound: lower", 12, "'ci_upper', found `lower`"),
        ("value: 0.8", "value: .nan", 13, "found plain `.nan`"),
        ("value: 0.8", "value: much", 13, "valid number, found `much`"),
        ("metric: efficacy", 'metric: "*"', 13, "spec.thresholds.1.metric"),
        ("words: [child, little girl]", 'words: ["--"]', 16, "letters or digits"),
        ("words: [child, little girl]", "words: []", 16, "at least 1 item"),
        (", required_approvals: 3", "", 17, "expected required_approvals exactly with"),
        ("suite: quick", "suite: ../../etc/passwd", 18, "leads outside"),
        ("version: 3", "version: 3.0", 3, "valid integer"),
    ],
)
def test_a_bad_policy_is_refused_with_its_line(
    write_policy: WritePolicy, old: str, new: str, line: int, problem: str
) -> None:
    path = write_policy((old, new))

    with pytest.raises(RequestError) as caught:
        load_policy(path)

    assert caught.value.message.startswith(f"trial.yaml:{line}: ")
    assert problem in caught.value.message
    assert caught.value.hint


def test_an_allowed_action_without_a_threshold_is_refused(
    write_policy: WritePolicy,
) -> None:
    path = write_policy(
        ("min_n: 40}", "min_n: 40, actions: [erase]}"),
        ("min_n: 10, actions: [debias]", "min_n: 10, actions: [erase]"),
    )

    with pytest.raises(RequestError, match="expected a threshold for action debias"):
        load_policy(path)


def test_a_policy_whose_suite_is_gone_says_so(write_policy: WritePolicy) -> None:
    with pytest.raises(
        NotFoundError, match=r"names .gone\.yaml.: expected a suite file"
    ):
        load_policy(write_policy(("suite: quick", "suite: gone.yaml")))


def test_an_installed_package_carries_its_policies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inside = tmp_path / "_policies"
    shutil.copytree(find_policy("default").parent, inside)
    monkeypatch.setattr(files, "_FOLDERS", (inside, tmp_path / "absent"))

    assert find_policy("default") == inside / "default.yaml"
    assert load_policy(find_policy("default")).suite.name == "quick"
