"""Signing without a terminal: what must be named, and what is not there yet."""

from governance.domain.lifecycle import EditState
from governance.service.facade import JobKind
from tests.cli.conftest import Line
from tests.service.house import House

APPROVE = ("--decision", "approve", "--comment", "looked at both")
REJECT = ("--decision", "reject", "--comment", "no")


def test_an_approval_before_there_is_a_candidate_says_so_first(
    house: House, line: Line
) -> None:
    edit = house.propose("ana")
    said = line("edit", "sign", edit, *APPROVE, who="ben")
    assert said.code == 4
    assert "there is nothing to approve yet" in said.err
    assert f"governance edit apply {edit}" in said.err
    assert "without a terminal" not in said.err


def test_an_approval_before_there_is_evidence_says_so_first(
    house: House, line: Line
) -> None:
    edit = house.propose("ana")
    house.job("ana", JobKind.APPLY, edits=[edit])
    said = line("edit", "sign", edit, *APPROVE, who="ben")
    assert said.code == 4
    assert "there is nothing to approve yet" in said.err
    assert f"governance edit check {edit}" in said.err


def test_without_a_terminal_both_digests_are_asked_for(
    house: House, line: Line
) -> None:
    edit = house.ready("ana")
    found = house.as_("ana").edit(edit)
    for given in ((), ("--candidate", found.candidate)):
        said = line("edit", "sign", edit, *APPROVE, *given, who="ben")
        assert said.code == 2
        assert "both --candidate and --evidence are required" in said.err
    both = ("--candidate", found.candidate, "--evidence", found.evidence_digest)
    assert line("edit", "sign", edit, *APPROVE, *both, who="ben").code == 0
    assert house.as_("ana").edit(edit).state is EditState.LIVE


def test_a_candidate_without_evidence_can_be_rejected_without_a_terminal(
    house: House, line: Line
) -> None:
    edit = house.propose("ana")
    house.job("ana", JobKind.APPLY, edits=[edit])
    assert line("edit", "sign", edit, *REJECT, who="ben").code == 2
    candidate = house.as_("ana").edit(edit).candidate
    said = line("edit", "sign", edit, *REJECT, "--candidate", candidate, who="ben")
    assert said.code == 0
    assert house.as_("ana").edit(edit).state is EditState.REJECTED


def test_the_beginning_of_a_digest_is_answered_by_asking_for_all_of_it(
    house: House, line: Line
) -> None:
    edit = house.ready("ana")
    found = house.as_("ana").edit(edit)
    short = (
        "--candidate",
        (found.candidate or "")[:12],
        "--evidence",
        found.evidence_digest,
    )
    said = line("edit", "sign", edit, *APPROVE, *short, who="ben")
    assert said.code == 4
    assert "Give all 64 characters" in said.err
    other = ("--candidate", "0" * 64, "--evidence", found.evidence_digest)
    said = line("edit", "sign", edit, *APPROVE, *other, who="ben")
    assert "Look at the edit as it is now" in said.err
    assert house.as_("ana").edit(edit).signoffs == ()


def test_what_is_decided_is_said_before_any_digest_is_asked_for(
    house: House, line: Line
) -> None:
    live = house.live()
    for decision in (APPROVE, REJECT):
        said = line("edit", "sign", live, *decision, who="ben")
        assert said.code == 4
        assert "it is LIVE" in said.err
        assert "governance edit revert" in said.err
    line("edit", "revert", live, "--reason", "harm", who="cleo")
    checked = line("edit", "check", live, who="ben")
    assert "REVERTED, expected APPLIED" in checked.err
    assert "edit apply" not in checked.err
    over = line("edit", "sign", live, *REJECT, who="ben")
    assert "it is REVERTED" in over.err
    assert "governance edit revert" not in over.err
    assert "propose the request anew" in over.err


def test_a_revert_of_what_is_not_live_yet_names_the_way_to_end_it(
    house: House, line: Line
) -> None:
    edit = house.ready("ana")
    said = line("edit", "revert", edit, "--reason", "harm", who="ben")
    assert said.code == 4
    assert f"governance edit withdraw {edit}" in said.err
    line("edit", "withdraw", edit, "--reason", "no")
    said = line("edit", "revert", edit, "--reason", "harm", who="ben")
    assert "edit withdraw" not in said.err
