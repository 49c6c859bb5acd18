"""Acting unsigned: under one's own name, as an outsider, never under a made-up name."""

from collections.abc import Callable
from pathlib import Path

import pytest

from governance.cli.run import run
from governance.errors import NotFoundError
from governance.service.facade import Job, JobKind
from tests.cli.conftest import Line
from tests.service.fakes import FakeSolver
from tests.service.house import House, quiet

Typed = Callable[..., tuple[int, str, str]]


@pytest.fixture
def typed(
    house: House,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> Typed:
    """Type a command line on a machine that holds nobody's key."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))

    def type_it(*words: object) -> tuple[int, str, str]:
        workspace = ("--workspace", str(house.settings.workspace))
        code = run([*workspace, *(str(word) for word in words)])
        said = capsys.readouterr()
        return code, said.out, said.err

    return type_it


def acts(house: House, edit: str) -> dict[str, tuple[object, ...]]:
    found = house.as_("ana").edit(edit)
    return {
        "withdraw": ("edit", "withdraw", edit, "--reason", "a mistake"),
        "apply": ("edit", "apply", edit),
        "check": ("edit", "check", edit),
        "model": ("model", "add", "other", house.root / "model"),
        "gc": ("snapshot", "gc"),
        "sign": (
            *("edit", "sign", edit, "--decision", "reject", "--comment", "no"),
            *("--candidate", found.candidate, "--evidence", found.evidence_digest),
        ),
        "revert": ("edit", "revert", edit, "--reason", "harm"),
    }


@pytest.mark.parametrize(
    "act", ["withdraw", "apply", "check", "model", "gc", "sign", "revert"]
)
def test_a_name_that_nobody_has_is_refused_with_the_names_there_are(
    house: House, typed: Typed, act: str
) -> None:
    edit = house.live() if act == "revert" else house.ready("ana")
    size = house.size()
    code, _, told = typed("--as", "bne", *acts(house, edit)[act])
    assert code == 3
    assert "'bne' is not on the roster, or no longer" in told
    assert "expected one of ana, ben, cleo" in told
    assert house.size() == size


def test_a_mistyped_name_beside_a_key_of_the_roster_is_told_the_names(
    house: House, typed: Typed
) -> None:
    edit = house.ready("ana")
    sign = acts(house, edit)["sign"]
    code, _, told = typed("--as", "bne", "--key", house.keys["ben"], *sign)
    assert code == 3
    assert "expected one of ana, ben, cleo" in told


def test_a_key_that_nobody_has_is_refused_whatever_the_name(
    house: House, typed: Typed
) -> None:
    edit = house.ready("ana")
    sign = acts(house, edit)["sign"]
    for name in ("bne", "ben"):
        code, _, told = typed("--as", name, "--key", house.keys["mallory"], *sign)
        assert code == 5
        assert "belongs to nobody on the roster" in told


def test_long_work_is_refused_before_it_begins(
    house: House, solver: FakeSolver
) -> None:
    edit = house.propose("ana")
    job = Job(JobKind.APPLY, {"edits": [edit]})
    application = house.as_("bne", key="ana")
    with pytest.raises(NotFoundError, match="expected one of ana, ben, cleo"):
        application.compute(job, quiet)
    assert solver.resolutions == 0


@pytest.mark.parametrize("name", [(), ("--as", "ben")])
def test_whoever_cannot_sign_is_recorded_as_an_outsider_and_told_so(
    house: House, typed: Typed, name: tuple[str, ...]
) -> None:
    edit = house.propose("ana")
    code, _, told = typed(*name, *acts(house, edit)["withdraw"])
    actor = house.as_("ana").log()[-1].actor
    assert (code, actor.startswith("local:")) == (0, True)
    assert f"it will be recorded as {actor}" in told
    assert ("ben" in told) == bool(name)


def test_whoever_can_sign_is_told_nothing(house: House, line: Line) -> None:
    edit = house.propose("ana")
    done = line("edit", "withdraw", edit, "--reason", "a mistake", who="ben")
    assert (done.code, done.err) == (0, "")
    assert house.as_("ana").log()[-1].actor == "ben"


def test_whoever_only_reads_may_be_anybody(typed: Typed) -> None:
    assert typed("--as", "bne", "edit", "list")[0] == 0
