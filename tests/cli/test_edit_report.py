"""``edit show --report``: one edit as a page, at any time of its life."""

from pathlib import Path

import pytest

from governance.service.facade import JobKind
from tests.cli.conftest import Line
from tests.service.house import House
from tests.snapshots.page import Page


def page_of(line: Line, edit: str, place: Path) -> Page:
    said = line("edit", "show", edit, "--report", place)
    assert said.code == 0, said.err
    assert said.out.splitlines()[-1] == f"report     {place}"
    page = Page(place.read_text())
    assert page.odd == []
    assert len(page.named("h2")) == 8
    return page


def test_a_proposal_is_a_page_that_says_nothing_was_measured(
    line: Line, house: House, tmp_path: Path
) -> None:
    edit = house.propose("ana")
    page = page_of(line, edit, tmp_path / "page.html")
    for wanted in (edit, "PROPOSED", "not applied yet", "Nothing was measured yet."):
        assert wanted in page.text
    assert "Nobody signed." in page.text


def test_a_checked_edit_shows_figures_thresholds_and_what_is_missing(
    line: Line, house: House, tmp_path: Path
) -> None:
    edit = house.ready("ana")
    page = page_of(line, edit, tmp_path / "page.html")
    detail = house.as_("ana").edit(edit)
    assert detail.evidence_digest is not None
    for wanted in (
        detail.evidence_digest,
        str(detail.candidate),
        "0.9500.900 to 0.990, n = 48",
        "PASS",
        f"{edit} efficacy: not calibrated",
        *detail.missing,
    ):
        assert wanted in page.text, wanted
    assert detail.missing


def test_a_live_edit_shows_who_signed(line: Line, house: House, tmp_path: Path) -> None:
    edit = house.live()
    page = page_of(line, edit, tmp_path / "page.html")
    (signoff,) = house.as_("ana").edit(edit).signoffs
    assert "LIVE" in page.text
    assert f"1. {signoff.principal}" in page.text
    assert signoff.signature.splitlines()[1] in page.text


def test_the_page_of_an_edit_names_nothing_that_only_an_export_has(
    line: Line, house: House, tmp_path: Path
) -> None:
    page = page_of(line, house.live(), tmp_path / "page.html")
    assert "governance/edits.json" not in page.text
    assert "snapshot verify" not in page.text
    assert "the signature is in the ledger entry of the proposal" in page.text
    assert "check it in the workspace with governance ledger verify" in page.text


def test_a_withdrawn_edit_says_why(line: Line, house: House, tmp_path: Path) -> None:
    edit = house.propose("ana")
    house.as_("ana").withdraw(edit, "<b>changed my mind</b>")
    page = page_of(line, edit, tmp_path / "page.html")
    assert "<b>changed my mind</b>" in page.text
    assert page.named("b") == []


def test_evidence_that_went_stale_is_called_that(
    line: Line, house: House, tmp_path: Path
) -> None:
    first, second = house.ready("ana"), house.ready("ana", "lume")
    house.approve("ben", second)
    assert house.as_("ana").edit(first).evidence == "STALE"
    page = page_of(line, first, tmp_path / "page.html")
    assert "This evidence is stale" in page.text


def test_json_says_where_the_page_is(line: Line, house: House, tmp_path: Path) -> None:
    edit = house.propose("ana")
    place = tmp_path / "page.html"
    said = line("edit", "show", edit, "--report", place, "--json")
    assert said.json["report"] == str(place)
    assert said.json["id"] == edit
    assert place.read_bytes().startswith(b"<!doctype html>")


def test_an_older_page_is_replaced_whole(
    line: Line, house: House, tmp_path: Path
) -> None:
    edit = house.propose("ana")
    place = tmp_path / "page.html"
    place.write_text("<!doctype html>" + "old" * 100_000)
    page_of(line, edit, place)
    assert [path.name for path in tmp_path.glob("*page*")] == ["page.html"]


def test_a_page_that_cannot_be_written_is_refused(
    line: Line, house: House, tmp_path: Path
) -> None:
    edit = house.propose("ana")
    for place, reason in (
        (tmp_path, "is a folder; expected the name of a file"),
        (tmp_path / "nowhere" / "page.html", "cannot be written: No such file"),
    ):
        said = line("edit", "show", edit, "--report", place)
        assert said.code == 2
        assert reason in said.err


@pytest.mark.parametrize(
    "name", ["ledger.db", "ledger.key", "checkpoint", "allowed_signers", "new.html"]
)
def test_no_page_and_no_backup_is_written_into_the_workspace(
    line: Line, house: House, tmp_path: Path, name: str
) -> None:
    edit = house.propose("ana")
    (workspace,) = {path.parent for path in tmp_path.rglob("ledger.db")}
    place = workspace / name
    before = place.read_bytes() if place.exists() else None
    (tmp_path / "link").symlink_to(workspace)
    for words in (
        ("edit", "show", edit, "--report", place),
        ("edit", "show", edit, "--report", tmp_path / "link" / name),
        ("edit", "show", edit, "--report", place, "--readonly"),
        ("ledger", "backup", place),
        ("ledger", "backup", place, "--readonly"),
    ):
        said = line(*words)
        assert (said.code, "lies inside" in said.err) == (2, True), said.err
    assert (place.read_bytes() if place.exists() else None) == before


def test_a_file_that_is_no_page_is_not_replaced(
    line: Line, house: House, tmp_path: Path
) -> None:
    edit = house.propose("ana")
    place = tmp_path / "notes"
    place.write_text("mine")
    said = line("edit", "show", edit, "--report", place)
    assert (said.code, place.read_text()) == (2, "mine")


def test_an_unknown_edit_leaves_no_page(line: Line, tmp_path: Path) -> None:
    said = line("edit", "show", "E-0099", "--report", tmp_path / "page.html")
    assert said.code == 3
    assert not (tmp_path / "page.html").exists()


def test_the_page_writes_nothing_into_the_ledger(
    line: Line, house: House, tmp_path: Path
) -> None:
    edit = house.ready("ana")
    house.job("ana", JobKind.PREVIEW, edit=edit, prompt="kora", seeds=1, output=None)
    before = house.size()
    page_of(line, edit, tmp_path / "page.html")
    assert house.size() == before


def test_a_reverted_edit_shows_who_took_it_out_and_why(
    line: Line, house: House, tmp_path: Path
) -> None:
    edit = house.live()
    before = page_of(line, edit, tmp_path / "before.html")
    assert "Signatures on taking it back" not in before.text
    house.job("cleo", JobKind.REVERT, edit=edit, reason="asked for <b>by</b> him")
    page = page_of(line, edit, tmp_path / "page.html")
    (hand,) = house.as_("ana").edit(edit).taking_back
    assert "took it out. Reason: asked for <b>by</b> him" in page.text
    assert f"cleo, entry {hand.sequence}" in page.text
    assert hand.signoff.signature.splitlines()[1] in page.text
