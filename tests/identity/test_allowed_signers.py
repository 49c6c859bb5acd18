"""The file says what ssh-keygen reads in it, and we read what it says."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.errors import IntegrityError, UsageError
from governance.identity.allowed_signers import (
    AllowedSigner,
    check_principal,
    format_allowed_signers,
    parse_allowed_signers,
    verify_principal,
)
from governance.identity.keys import PublicKey, generate_key, parse_public_key
from governance.identity.signers import find_signer
from tests.identity.conftest import MESSAGE, NAMESPACE, run

KEY = parse_public_key(
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f"
)
SPRING, SUMMER, AUTUMN = (
    "2026-03-01T12:00:00Z",
    "2026-07-01T12:00:00Z",
    "2026-10-01T12:00:00Z",
)


@given(
    st.from_regex(r"[A-Za-z0-9._@-]{1,30}", fullmatch=True),
    st.lists(st.sampled_from(["git", NAMESPACE, "x"]), max_size=3, unique=True),
    st.sampled_from([None, SPRING]),
    st.sampled_from([None, AUTUMN]),
)
def test_what_is_written_is_read_back(
    principal: str, namespaces: list[str], after: str | None, before: str | None
) -> None:
    signer = AllowedSigner(principal, KEY, tuple(namespaces), after, before)
    assert parse_allowed_signers(format_allowed_signers([signer])) == (signer,)


def test_a_line_by_hand() -> None:
    signer = AllowedSigner("ada@example.org", KEY, (NAMESPACE, "git"), SPRING, AUTUMN)
    assert signer.line() == (
        'ada@example.org namespaces="signoff@governance,git",'
        'valid-after="20260301120000Z",valid-before="20261001120000Z" ' + KEY.text
    )


def test_comments_empty_lines_and_shared_keys_are_read() -> None:
    text = f"# people\n\nada@x.org,bo@x.org {KEY.text} a laptop\n"
    assert [signer.principal for signer in parse_allowed_signers(text)] == [
        "ada@x.org",
        "bo@x.org",
    ]


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("ada@x.org", "no public key"),
        (f"* {KEY.text}", "a principal is"),
        (f"*@x.org {KEY.text}", "a principal is"),
        (f"!eve@x.org {KEY.text}", "a principal is"),
        (f"ada@x.org cert-authority {KEY.text}", "unsupported option"),
        (f'ada@x.org namespaces="a",namespaces="b" {KEY.text}', "given twice"),
        (f'ada@x.org namespaces="" {KEY.text}', "permits nothing"),
        (f'ada@x.org namespaces="," {KEY.text}', "permits nothing"),
        (f'ada@x.org valid-after="20260301" {KEY.text}', "YYYYMMDD"),
        (f'ada@x.org valid-after="20260230Z" {KEY.text}', "no such time"),
        (f'ada@x.org valid-before="soon" {KEY.text}', "YYYYMMDD"),
        (f'ada@x.org expires="20260301Z" {KEY.text}', "unsupported option"),
        ("ada@x.org ssh-ed25519 AAAA", "malformed"),
        (
            f'ada@x.org valid-after="20270101Z",valid-before="20260101Z" {KEY.text}',
            "is never valid",
        ),
    ],
)
def test_a_line_that_would_mean_something_else_is_refused(
    line: str, problem: str
) -> None:
    with pytest.raises(UsageError, match=f"line 2: .*{problem}"):
        parse_allowed_signers(f"# first\n{line}\n")


@pytest.mark.parametrize(
    "name",
    ["", "a b", "a,b", "*", "a?", "!a", "#a", '"a"', "a\nb", "a\x1b[31m", "x" * 129],
)
def test_a_name_ssh_keygen_would_misread_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match="a principal is"):
        check_principal(name)


def test_a_namespace_that_would_break_the_line_is_refused() -> None:
    with pytest.raises(UsageError, match="no namespace"):
        AllowedSigner("ada", KEY, ('a"b',)).line()


@pytest.fixture
def signed(tmp_path: Path) -> tuple[PublicKey, str]:
    """Ada's key and her signature."""
    key = generate_key(tmp_path / "ada", "")
    signer = find_signer(tmp_path / "ada", environment={})
    return key, signer.sign(MESSAGE, NAMESPACE)


def test_a_person_signs_with_their_own_key(signed: tuple[PublicKey, str]) -> None:
    key, signature = signed
    people = (AllowedSigner("bo", KEY), AllowedSigner("ada", key, (NAMESPACE,)))
    assert verify_principal(people, "ada", signature, MESSAGE, NAMESPACE, SUMMER) == key
    with pytest.raises(IntegrityError, match="is not a key of 'bo'"):
        verify_principal(people, "bo", signature, MESSAGE, NAMESPACE, SUMMER)
    with pytest.raises(IntegrityError, match="is not a key of 'eve'"):
        verify_principal(people, "eve", signature, MESSAGE, NAMESPACE, SUMMER)
    with pytest.raises(IntegrityError, match="the signed text is another"):
        verify_principal(people, "ada", signature, b"other", NAMESPACE, SUMMER)


@pytest.mark.parametrize(
    ("namespaces", "after", "before", "good"),
    [
        ((), None, None, True),
        ((NAMESPACE,), SPRING, AUTUMN, True),
        (("git",), None, None, False),
        ((), AUTUMN, None, False),
        ((), None, SPRING, False),
        ((), SUMMER, None, True),
        ((), None, SUMMER, True),
    ],
)
def test_windows_and_purposes_count_here_as_with_ssh_keygen(
    signed: tuple[PublicKey, str],
    namespaces: tuple[str, ...],
    after: str | None,
    before: str | None,
    ssh_keygen: str,
    tmp_path: Path,
    *,
    good: bool,
) -> None:
    key, signature = signed
    line = AllowedSigner("ada", key, namespaces, after, before)
    try:
        verify_principal([line], "ada", signature, MESSAGE, NAMESPACE, SUMMER)
        ours = True
    except IntegrityError:
        ours = False
    allowed, file = tmp_path / "allowed_signers", tmp_path / "message.sig"
    allowed.write_text(format_allowed_signers([line]))
    file.write_text(signature)
    command = [ssh_keygen, "-Y", "verify", "-I", "ada", "-n", NAMESPACE]
    options = ["-f", str(allowed), "-s", str(file), "-Overify-time=20260701120000Z"]
    theirs = run(*command, *options, message=MESSAGE).returncode == 0
    assert ours is theirs is good


@pytest.mark.parametrize("end", ["\u2028", "\u2029", "\x85", "\x0b", "\x0c", "\x1c"])
def test_what_ssh_keygen_takes_for_one_line_adds_no_second_signer(end: str) -> None:
    hidden = f"eve@x.org {KEY.text}"
    for text in (
        f"# a comment{end}{hidden}\n",
        f"ada@x.org {KEY.text} a{end}{hidden}\n",
    ):
        with pytest.raises(UsageError, match="line 1: expected no control characters"):
            parse_allowed_signers(text)


def test_lines_may_end_as_on_windows() -> None:
    text = f"# people\r\n\tada@x.org {KEY.text} a laptop\r\n"
    assert [signer.principal for signer in parse_allowed_signers(text)] == ["ada@x.org"]
