"""Two people whose machines round differently still sign for one rollback."""

from pathlib import Path

import pytest

from governance.errors import NotFoundError, WrongStateError
from governance.service.facade import Job, JobKind
from governance.service.ports import Parts
from tests.service.fakes import FakeSolver
from tests.service.house import House, quiet
from tests.service.test_joint_rollback import both, live, revert
from tests.service.test_talked_round import refused


@pytest.fixture
def pair(tmp_path: Path, parts: Parts) -> House:
    return both(tmp_path, parts)


def first_signed(house: House, solver: FakeSolver) -> tuple[str, str]:
    """Return an edit whose revert ben signed, and the digest that leads to."""
    edit = house.live()
    house.live("mondo")
    revert(house, "ben", edit)
    (waiting,) = house.as_("ana").edit(edit).rollbacks
    solver.rounding = " a GPU"
    return edit, waiting.snapshot


def test_other_bytes_are_refused_with_both_digests_and_what_to_do(
    pair: House, solver: FakeSolver
) -> None:
    edit, theirs = first_signed(pair, solver)
    size = pair.size()
    with pytest.raises(WrongStateError) as caught:
        revert(pair, "cleo", edit)
    said = caught.value
    assert f"signed by ben, to {theirs}" in said.message
    ours = said.message.partition("leads to snapshot ")[2][:64]
    assert len(ours) == 64
    assert ours != theirs
    assert "2 tensors differ, by a norm of 1 at most" in said.message
    assert f"--snapshot {theirs}" in said.hint
    assert "--withdraw" in said.hint
    assert pair.size() == size


@pytest.mark.parametrize("length", [64, 12])
def test_the_second_signs_what_the_first_signed(
    pair: House, solver: FakeSolver, length: int
) -> None:
    edit, theirs = first_signed(pair, solver)
    done = pair.job(
        "cleo", JobKind.REVERT, edit=edit, reason="I agree", snapshot=theirs[:length]
    )
    assert (done["state"], done["live"]) == ("REVERTED", theirs)
    assert live(pair) == theirs
    assert pair.as_("ana").verify().ok


def test_only_what_waits_can_be_named(pair: House, solver: FakeSolver) -> None:
    edit, _ = first_signed(pair, solver)
    for named in ("0" * 64, live(pair), ""):
        refused(
            pair,
            lambda named=named: pair.job(  # type: ignore[misc]
                "cleo", JobKind.REVERT, edit=edit, reason="so", snapshot=named
            ),
            NotFoundError,
            "expected a snapshot that waits",
        )


def test_theirs_is_withdrawn_to_begin_with_ones_own(
    pair: House, solver: FakeSolver
) -> None:
    edit, theirs = first_signed(pair, solver)
    pair.as_("cleo").withdraw_revert(edit, "other bytes", snapshot=theirs[:12])
    assert revert(pair, "cleo", edit)["missing"] == ["1 more signature"]
    (waiting,) = pair.as_("ana").edit(edit).rollbacks
    assert waiting.snapshot != theirs
    assert revert(pair, "ben", edit)["state"] == "REVERTED"
    assert pair.as_("ana").verify().ok


def test_of_two_that_were_solved_at_once_the_second_is_refused(
    pair: House, solver: FakeSolver
) -> None:
    edit = pair.live()
    pair.live("mondo")
    application = pair.as_("cleo")
    job = Job(JobKind.REVERT, {"edit": edit, "reason": "harm"})
    solver.rounding = " a GPU"
    result = application.compute(job, quiet)
    solver.rounding = ""
    revert(pair, "ben", edit)
    refused(
        pair,
        lambda: application.finish(job, result),
        WrongStateError,
        "the one that waits, signed by ben",
    )
