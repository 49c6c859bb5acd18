"""Signed notes and checkpoints are the ones other programs read."""

import base64
import shutil
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from governance.domain.signoff import Head
from governance.errors import IntegrityError, UsageError
from governance.ledger.checkpoint import (
    checkpoint_text,
    open_checkpoint,
    parse_checkpoint,
)
from governance.ledger.merkle import EMPTY_ROOT
from governance.ledger.note import NoteKey, open_note, parse_note_key, sign_note

# The example of the signed-note specification.
PUBLISHED_KEY = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
PUBLISHED_NOTE = (
    "This is an example message.\n"
    "\n"
    "\N{EM DASH} example.com/foo "
    "Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZ"
    "XsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n"
)
ORIGIN = "example.org/models"
PRIVATE = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
KEY = NoteKey(ORIGIN, PRIVATE.public_key())
ROOT = bytes(range(32)).hex()


def test_the_specifications_example_verifies() -> None:
    key = parse_note_key(PUBLISHED_KEY)
    assert key.text == PUBLISHED_KEY
    assert open_note(PUBLISHED_NOTE, key) == "This is an example message.\n"


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("example message", "forged message", "does not verify"),
        ("eyaQM=", "eyaQI=", "does not verify"),
        ("\N{EM DASH}", "-", "malformed signature line"),
        ("foo Uw2", "foo  Uw2", "malformed signature line"),
        ("foo Uw2QOkn8", "foo ????????", "malformed signature line"),
        ("foo Uw2Q", "foo Uw2R", "is not signed by"),
        ("com/foo U", "com/bar U", "is not signed by"),
        ("QM=\n", "QM=", "no signed note"),
        ("\n\n", "\n", "no signed note"),
    ],
)
def test_a_bent_note_is_refused(old: str, new: str, problem: str) -> None:
    assert old in PUBLISHED_NOTE
    with pytest.raises(IntegrityError, match=problem):
        open_note(PUBLISHED_NOTE.replace(old, new), parse_note_key(PUBLISHED_KEY))


@given(st.integers(0, 10_000), st.characters(codec="utf-8"))
@settings(max_examples=150)
def test_no_changed_character_gets_through(position: int, other: str) -> None:
    note = sign_note(checkpoint_text(ORIGIN, Head(7, ROOT)), ORIGIN, PRIVATE)
    at = position % len(note)
    bent = note[:at] + other + note[at + 1 :]
    try:
        text = open_note(bent, KEY)
    except IntegrityError:
        return
    assert text == note.rpartition("\n\n")[0] + "\n", "the signed text is the same"


def test_signatures_of_others_are_passed_over() -> None:
    note = sign_note("hello\n", ORIGIN, PRIVATE)
    witness = sign_note("hello\n", "witness", Ed25519PrivateKey.generate())
    both = note + witness.rpartition("\n\n")[2]
    assert open_note(both, KEY) == "hello\n"
    first = witness + note.rpartition("\n\n")[2]
    assert open_note(first, KEY) == "hello\n"


def test_a_key_of_the_same_name_is_not_the_key() -> None:
    note = sign_note("hello\n", ORIGIN, Ed25519PrivateKey.generate())
    with pytest.raises(IntegrityError, match="is not signed by"):
        open_note(note, KEY)


@pytest.mark.parametrize("text", ["", "hello", "a\n\nb\n", "\n", "\na\n"])
def test_a_text_that_could_be_misread_is_not_signed(text: str) -> None:
    with pytest.raises(UsageError, match="whole, non-empty lines"):
        sign_note(text, ORIGIN, PRIVATE)


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\nb", "\x1b[31m", "x" * 300])
def test_a_name_that_could_be_misread_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match="no name for a ledger"):
        sign_note("hello\n", name, PRIVATE)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "example.com/foo",
        PUBLISHED_KEY.replace("530d903a", "530d903b"),
        PUBLISHED_KEY[:-4],
        PUBLISHED_KEY.replace("+Aeky", "+Beky"),
    ],
)
def test_a_damaged_public_key_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="ledger"):
        parse_note_key(text)


def test_a_checkpoint_is_three_lines_and_a_signature() -> None:
    text = checkpoint_text(ORIGIN, Head(7, ROOT))
    root = base64.b64encode(bytes(range(32))).decode()
    assert text == f"example.org/models\n7\n{root}\n"
    note = sign_note(text, ORIGIN, PRIVATE)
    assert note.startswith(text + "\n\N{EM DASH} example.org/models ")
    assert open_checkpoint(note, KEY) == Head(7, ROOT)


@given(st.integers(0, 10**12), st.binary(min_size=32, max_size=32))
def test_a_head_is_read_back(size: int, root: bytes) -> None:
    head = Head(size, root.hex())
    assert parse_checkpoint(checkpoint_text(ORIGIN, head), ORIGIN) == head


def test_lines_behind_the_third_are_left_to_others() -> None:
    text = checkpoint_text(ORIGIN, Head(0, EMPTY_ROOT.hex())) + "extension\n"
    assert parse_checkpoint(text, ORIGIN).size == 0


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "no checkpoint"),
        (f"{ORIGIN}\n7\n", "no checkpoint"),
        (f"{ORIGIN}\n07\nAAAA\n", "no checkpoint"),
        (f"{ORIGIN}\n-1\nAAAA\n", "no checkpoint"),
        (f"{ORIGIN}\n\uff17\nAAAA\n", "no checkpoint"),
        (f"{ORIGIN}\n7\nAAAA\n", "no SHA-256 hash"),
        (f"{ORIGIN}\n7\n????\n", "no SHA-256 hash"),
        ("other\n7\nAAAA\n", "of another ledger: expected 'example.org/models'"),
    ],
)
def test_what_is_no_checkpoint_is_refused(text: str, problem: str) -> None:
    with pytest.raises(IntegrityError, match=problem):
        parse_checkpoint(text, ORIGIN)


def test_openssl_agrees_about_the_signature(tmp_path: Path) -> None:
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("openssl is not installed")
    from governance.ledger.notary import Notary

    notary = Notary.create(tmp_path, ORIGIN)
    note = notary.sign(Head(7, ROOT))
    text, _, tail = note.rpartition("\n\n")
    raw = base64.b64decode(tail.split()[-1])
    (tmp_path / "text").write_text(text + "\n")
    (tmp_path / "signature").write_bytes(raw[4:])
    command = [openssl, "pkeyutl", "-verify", "-pubin", "-rawin"]
    files = ["-inkey", "ledger.pub", "-in", "text", "-sigfile", "signature"]
    good = subprocess.run(  # noqa: S603 - the stock tool
        command + files, cwd=tmp_path, capture_output=True, check=False
    )
    assert good.returncode == 0, good.stderr
    (tmp_path / "text").write_text(text.replace("7", "8", 1) + "\n")
    bad = subprocess.run(  # noqa: S603 - the stock tool
        command + files, cwd=tmp_path, capture_output=True, check=False
    )
    assert bad.returncode != 0
