"""What a finished job is summed up by."""

from governance.tui.jobs import outcome


def test_a_revert_that_waits_is_not_told_as_done() -> None:
    waiting = {"edits": ["E-0001"], "state": "LIVE", "missing": ["1 more signature"]}
    assert outcome(waiting) == "signed, still missing: 1 more signature"


def test_a_revert_that_happened_is_told_by_its_state() -> None:
    done = {"edits": ["E-0001"], "state": "REVERTED", "missing": []}
    assert outcome(done) == "state REVERTED"
