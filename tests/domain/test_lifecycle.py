import itertools

import pytest

from governance.domain.lifecycle import TRANSITIONS, EditState, Step, allowed

FINAL = {EditState.WITHDRAWN, EditState.REJECTED}


@pytest.mark.parametrize(("state", "step"), list(itertools.product(EditState, Step)))
def test_the_table_says_everything_there_is(state: EditState, step: Step) -> None:
    expected = {
        "PROPOSED": {"apply", "withdraw", "reject"},
        "APPLIED": {"apply", "check", "approve", "reject", "activate", "withdraw"},
        "LIVE": {"revert", "activate"},
        "REVERTED": {"activate"},
        "WITHDRAWN": set(),
        "REJECTED": set(),
    }
    assert allowed(state, step) is (step.value in expected[state.value])


def test_nothing_leaves_a_final_state() -> None:
    assert not [start for start, _ in TRANSITIONS if start in FINAL]


def test_only_an_applied_or_once_live_edit_can_go_live() -> None:
    sources = {
        start for (start, _), end in TRANSITIONS.items() if end is EditState.LIVE
    }
    assert sources == {EditState.APPLIED, EditState.REVERTED, EditState.LIVE}
