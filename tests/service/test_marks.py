"""A kept fold saves time and never decides anything."""

import json
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import fields, is_dataclass, replace
from enum import Enum
from pathlib import Path
from typing import get_args, get_origin

import pytest

from governance.canonical import sha256_hex
from governance.domain.persistent_list import PersistentList
from governance.domain.rollback import PendingRollback
from governance.domain.signoff import Decision, Signed
from governance.domain.state import EditRecord, ModelRecord, WorkspaceState
from governance.domain.statistics import StatisticsRecord
from governance.errors import IntegrityError
from governance.ledger.entry import Entry
from governance.ledger.notary import Notary
from governance.ledger.note import sign_note
from governance.service import marking, opening
from governance.service.book import Book
from governance.service.change_records import ChangeWish
from governance.service.facade import JobKind
from governance.service.ledger_key import recorded_key
from governance.service.mark_file import CHUNK, MARK_FORMAT, KeptMap, MarkFile
from governance.service.mark_records import (
    EDITS,
    RECORDS,
    RESTORED,
    read_state,
    small_part,
    written,
)
from governance.service.mark_writing import write_body
from governance.service.verification import verify
from governance.service.workspace import Workspace
from tests.service.house import House, build
from tests.service.test_changes import newer


@pytest.fixture
def mark(house: House, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let a mark be written after every entry, and return where."""
    monkeypatch.setattr(marking, "STEP", 1)
    return house.settings.workspace / "mark"


def opened(house: House, *, readonly: bool = False) -> Workspace:
    settings = replace(house.settings, readonly=readonly)
    return opening.open_existing(settings, house.parts, house.clock)


@pytest.fixture
def folded(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The sequence of every entry that is folded from here on."""
    seen: list[int] = []
    after = Book.after

    def counting(book: Book, entries: Iterable[Entry]) -> Book:
        kept = list(entries)
        seen.extend(entry.sequence for entry in kept)
        return after(book, kept)

    monkeypatch.setattr(Book, "after", counting)
    return seen


def story(house: House) -> None:
    """Let something of every kind happen."""
    first = house.live()
    house.job("cleo", JobKind.REVERT, edit=first, reason="settled")
    house.live("lume", source="lume")
    waiting = house.ready("ana", "mondo", source="mondo")
    house.as_("ben").sign(waiting, Decision.REJECT, "no")
    house.as_("ana").withdraw(house.propose("ana", "rose", source="rose"), "mistake")
    house.ready("ana", "lemon", source="lemon")
    house.as_("ana").propose_policy(newer(house, 2))
    house.as_("ben").sign_change("C-0001", ChangeWish(Decision.APPROVE, "yes"))
    house.as_("ana").propose_revocation("cleo", "left")


@pytest.mark.usefixtures("mark")
def test_a_mark_read_back_is_the_state_it_was_made_of(house: House) -> None:
    story(house)
    book = opened(house).book
    workspace = opened(house)
    found = workspace.marks.resume()
    assert found.state.size == book.state.size == workspace.ledger.head().size
    entries = workspace.ledger.entries()
    fresh = Book().after(entries)
    assert found.state == fresh.state
    assert dict(found.snapshots) == dict(fresh.snapshots)
    assert list(found.state.edits) == list(fresh.state.edits)
    assert found.state.changes["C-0001"].signoffs


@pytest.mark.usefixtures("mark")
def test_opening_after_a_mark_folds_only_what_came_since(
    house: House, folded: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    house.live()
    opened(house)
    size = house.size()
    folded.clear()
    opened(house)
    assert folded == []
    monkeypatch.setattr(marking, "STEP", 1000)
    house.as_("ana").withdraw(house.propose("ana", "lume", source="lume"), "mistake")
    folded.clear()
    workspace = opened(house)
    assert folded == [size + 1, size + 2]
    assert workspace.state == Book().after(workspace.ledger.entries()).state


def test_a_mark_is_written_only_when_enough_is_new(house: House) -> None:
    assert marking.STEP == 1000
    house.live()
    opened(house)
    assert not (house.settings.workspace / "mark").exists()


def test_reading_only_uses_a_mark_and_writes_none(
    house: House, mark: Path, folded: list[int]
) -> None:
    opened(house, readonly=True)
    assert not mark.exists()
    opened(house)
    assert mark.stat().st_mode & 0o777 == 0o600
    folded.clear()
    opened(house, readonly=True)
    assert folded == []


def test_marks_of_marks_are_byte_for_byte_the_mark_of_one_fold(
    house: House, mark: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("governance.service.mark_file.CHUNK", 2)
    monkeypatch.setattr("governance.service.mark_writing.CHUNK", 2)
    assert CHUNK > 2
    story(house)
    workspace = opened(house)
    fresh = Book().after(workspace.ledger.entries())
    file = workspace.marks.found()
    assert file is not None
    body = bytearray()
    header = write_body(fresh, body.extend)
    assert mark.read_bytes().startswith(bytes(body) + header)
    assert len(json.loads(header)["maps"]["edits"]["chunks"]) == 3


def test_no_more_of_a_mark_is_held_than_a_bound(
    house: House, mark: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("governance.service.mark_file.CHUNK", 1)
    monkeypatch.setattr("governance.service.mark_writing.CHUNK", 1)
    monkeypatch.setattr("governance.service.mark_file.MOST_CHUNKS", 2)
    story(house)
    opened(house)
    file = MarkFile(mark, recorded_key(opened(house).ledger))
    edits: KeptMap[str, EditRecord] = KeptMap(file, EDITS)
    fresh = Book().after(opened(house).ledger.entries()).state.edits
    assert len(edits) == len(fresh) > 4
    for key in (*fresh, *reversed(list(fresh))):
        assert edits[key] == fresh[key]
        assert len(edits._read) <= 2


def live(state: WorkspaceState) -> str:
    return state.models["mini"].live


@pytest.fixture
def marked(house: House, mark: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """What is live in a workspace that has a mark, once no new one is written."""
    house.live()
    found = live(opened(house).state)
    assert mark.exists()
    monkeypatch.setattr(marking, "STEP", 1000)
    return found


@contextmanager
def suppress_named(mark: Path) -> Iterator[None]:
    """Let a part of the mark be refused when it is read, if the mark is named."""
    try:
        yield
    except IntegrityError as error:
        if str(mark) not in error.message:
            raise


@pytest.mark.usefixtures("marked")
def test_no_byte_of_a_mark_can_be_changed_to_any_effect(
    house: House, mark: Path
) -> None:
    good = mark.read_bytes()
    truth = Book().after(opened(house).ledger.entries())
    for at in range(0, len(good), 97):
        bent = bytearray(good)
        bent[at] ^= 0x40
        mark.write_bytes(bent)
        with suppress_named(mark):
            book = opened(house).book
            assert book.state == truth.state, at
            assert book.snapshots == truth.snapshots, at
        verdict = house.as_("ana").verify()
        assert not verdict.ok, at
        assert str(mark) in verdict.message


def test_a_cut_off_mark_is_left_aside(house: House, mark: Path, marked: str) -> None:
    good = mark.read_bytes()
    for length in (0, 10, 32, 100, len(good) // 2, len(good) - 1):
        mark.write_bytes(good[:length])
        workspace = opened(house)
        assert live(workspace.state) == marked
        assert workspace.marks.refused
        assert not house.as_("ana").verify().ok


@pytest.mark.usefixtures("marked")
def test_a_refused_mark_is_not_replaced_before_verify_has_named_it(
    house: House, mark: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(marking, "STEP", 1)
    mark.write_bytes(b"nonsense")
    opened(house)
    assert mark.read_bytes() == b"nonsense"
    assert "mark" in house.as_("ana").verify().message
    mark.unlink()
    assert house.as_("ana").verify().ok
    assert mark.exists()


@pytest.mark.usefixtures("marked")
def test_a_mark_of_another_workspace_is_left_aside(
    house: House, mark: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "other"
    folder.mkdir()
    other = build(folder, house.parts)
    shutil.copy(mark, other.settings.workspace / "mark")
    workspace = opened(other)
    assert "is not signed by" in workspace.marks.refused
    assert workspace.state.edits == {}
    assert not other.as_("ana").verify().ok


def forged(mark: Path, book: Book, notary: Notary, text: str) -> None:
    """Write a mark that says what it likes, signed with some key."""
    body = bytearray()
    header = write_body(book, body.extend)
    note = sign_note(
        text.format(header=sha256_hex(header)), notary.origin, notary.key
    ).encode()
    trailer = f"{len(header):015d} {len(note):015d}\n".encode()
    mark.write_bytes(bytes(body) + header + note + trailer)


@pytest.mark.usefixtures("marked")
def test_a_wrong_fold_signed_with_the_ledgers_key_is_named_by_verify(
    house: House, mark: Path
) -> None:
    workspace = opened(house)
    head, truth = workspace.ledger.head(), workspace.book
    model = truth.state.models["mini"]
    wrong = replace(
        truth,
        state=replace(truth.state, models={"mini": replace(model, live=model.base)}),
    )
    notary = Notary.open(house.settings.workspace)
    text = f"{MARK_FORMAT}\n{notary.origin}\n{head.size}\n{head.root}\n{{header}}\n"
    forged(mark, wrong, notary, text)
    verdict = house.as_("ana").verify()
    assert not verdict.ok
    assert f"not what the first {head.size} entries fold to" in verdict.message
    forged(mark, truth, notary, text)
    assert house.as_("ana").verify().ok


@pytest.mark.parametrize("size", [3, 99])
def test_a_mark_at_a_head_the_log_never_had_is_left_aside(
    house: House, mark: Path, marked: str, size: int
) -> None:
    notary = Notary.open(house.settings.workspace)
    text = f"{MARK_FORMAT}\n{notary.origin}\n{size}\n{'0' * 64}\n{{header}}\n"
    forged(mark, Book(), notary, text)
    workspace = opened(house)
    assert workspace.marks.refused
    assert live(workspace.state) == marked
    assert not house.as_("ana").verify().ok


def test_a_checkpoint_is_no_mark(house: House, mark: Path, marked: str) -> None:
    workspace = opened(house)
    note = workspace.ledger.checkpoint().encode()
    mark.write_bytes(b"{}" + note + f"{2:015d} {len(note):015d}\n".encode())
    found = opened(house)
    assert "no mark of this ledger" in found.marks.refused
    assert live(found.state) == marked


@pytest.mark.usefixtures("mark")
def test_a_mark_of_another_program_is_left_aside_and_replaced(
    house: House, marked: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(marking, "STEP", 1)
    monkeypatch.setattr(marking, "SHAPE", "0" * 64)
    workspace = opened(house)
    assert not workspace.marks.refused
    assert live(workspace.state) == marked
    monkeypatch.undo()
    assert house.as_("ana").verify().ok


@pytest.mark.usefixtures("mark", "marked")
def test_an_open_mark_is_read_on_after_a_newer_one_took_its_name(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = opened(house)
    before = workspace.book
    monkeypatch.setattr(marking, "STEP", 1)
    house.live("lume", source="lume")
    opened(house)
    assert [edit.id for edit in before.state.edits.values()] == ["E-0001"]


def test_a_mark_that_is_a_link_is_left_aside(
    house: House, mark: Path, marked: str
) -> None:
    aside = mark.rename(mark.with_name("elsewhere"))
    mark.symlink_to(aside)
    workspace = opened(house)
    assert workspace.marks.refused
    assert live(workspace.state) == marked


def test_no_room_for_a_mark_disturbs_nobody(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(marking, "STEP", 1)
    monkeypatch.setattr("governance.service.marking.os.fsync", full)
    workspace = opened(house)
    assert workspace.state.size == 2
    assert not (house.settings.workspace / "mark").exists()
    assert isinstance(workspace.marks, marking.Marks)
    with pytest.raises(FileNotFoundError):
        MarkFile(
            house.settings.workspace / "mark",
            Notary.open(house.settings.workspace).public,
        )


def inner(kind: object) -> Iterator[object]:
    """Yield the types a field's type is made of."""
    yield kind
    for part in get_args(kind):
        yield from inner(part)


def test_every_field_that_json_would_not_bring_back_is_restored() -> None:
    long = {"edits", "candidates"}
    for kind in RECORDS:
        for item in fields(kind):
            parts = list(inner(item.type))
            wanted = any(
                part is tuple
                or get_origin(part) in (tuple, PersistentList)
                or (isinstance(part, type) and is_dataclass(part))
                or (isinstance(part, type) and issubclass(part, Enum))
                for part in parts
            )
            if kind is WorkspaceState and item.name in long:
                continue
            assert wanted == (item.name in RESTORED[kind]), (kind, item.name)


def test_what_no_story_here_tells_comes_back_too() -> None:
    signed = Signed("ana", "ssh-ed25519 A", {"head": {"size": 1}}, "sig", 7, "then")
    wanted = ("revert", "mini", "base", ("E-0001", "E-0002"))
    state = WorkspaceState(
        rollbacks={wanted: PendingRollback(wanted, "live", (signed,))},
        statistics={
            "s": StatisticsRecord("s", {"t": "d"}, {"n": 1}, "shipped", 9, 3, "")
        },
        models={"mini": ModelRecord("mini", "/m", "m", "sd1", (), None, "b", "b", "")},
        size=9,
    )
    found = json.loads(written(small_part(state)))
    assert read_state({**found, "edits": {}, "candidates": {}}) == state


@pytest.mark.parametrize("name", ["mark", "checkpoint", "allowed_signers"])
def test_a_pipe_in_a_files_place_is_not_waited_on(house: House, name: str) -> None:
    house.live()
    path = house.settings.workspace / name
    path.unlink(missing_ok=True)
    os.mkfifo(path)
    workspace = opening.open_existing(
        replace(house.settings, readonly=True), house.parts, fold=False
    )
    with workspace.ledger:
        assert not verify(workspace).ok
    if name == "mark":
        assert house.as_("ana").edits()
