"""Keys are read as OpenSSH writes them, and weak or exposed ones are refused."""

import stat
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import dsa, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from governance.errors import NotFoundError, UsageError
from governance.identity.keys import (
    generate_key,
    parse_public_key,
    read_key_file,
    read_public_key,
)
from governance.identity.sshsig import SigningKey
from tests.identity.conftest import KINDS, make_key, run, write_key

LINE = (
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f"
)


def public_line(key: SigningKey) -> str:
    raw = key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
    return raw.decode()


@pytest.mark.parametrize("kind", KINDS)
def test_a_public_key_is_told_by_its_bytes_not_its_comment(
    private_keys: dict[str, SigningKey], kind: str
) -> None:
    line = public_line(private_keys[kind])
    key = parse_public_key(f"{line} ada's laptop\n")
    assert key == parse_public_key(line)
    assert key.comment == "ada's laptop"
    assert key.text == line


@pytest.mark.parametrize("kind", KINDS)
def test_the_fingerprint_is_the_one_ssh_keygen_prints(
    private_keys: dict[str, SigningKey], kind: str, ssh_keygen: str, tmp_path: Path
) -> None:
    line = public_line(private_keys[kind])
    file = tmp_path / "key.pub"
    file.write_text(line + "\n")
    shown = run(ssh_keygen, "-l", "-f", file).stdout.decode()
    assert parse_public_key(line).fingerprint in shown.split()


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "no public key"),
        ("ssh-ed25519", "no public key"),
        (f"{LINE}\n{LINE}", "no public key"),
        (LINE + " " + "x" * 20_000, "no public key"),
        ("ssh-dss AAAAB3NzaC1kc3M=", "unsupported key type 'ssh-dss'"),
        (f'command="sh" {LINE}', "unsupported key type: expected"),
        ("ssh-ed25519 ????", "is no base64"),
        ("ssh-ed25519 AAAA", "malformed ssh-ed25519 key"),
        (LINE.replace("ssh-ed25519 ", "ssh-rsa "), "malformed ssh-rsa key"),
        (LINE[:-2], "is no base64"),
        (LINE[:-4], "malformed ssh-ed25519 key"),
        (LINE + "AAAA", "malformed ssh-ed25519 key"),
        (LINE.replace("ssh-ed", "sk-ssh-ed") + "@", "unsupported key type"),
    ],
)
def test_what_is_no_public_key_is_refused(text: str, problem: str) -> None:
    with pytest.raises(UsageError, match=problem):
        parse_public_key(text)


def test_one_key_has_one_spelling() -> None:
    # Where base64 is padded its last digit has bits that say nothing; a second
    # spelling of one key would be a second identity.
    key = parse_public_key(public_line(make_key("ecdsa-256")))
    assert key.text.endswith("=")
    digits = key.text.rstrip("=")
    padding = key.text[len(digits) :]
    bent = digits[:-1] + chr(ord(digits[-1]) + 1) + padding
    with pytest.raises(UsageError, match="one canonical form"):
        parse_public_key(bent)


def test_a_short_rsa_key_is_refused() -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=1024)  # noqa: S505
    with pytest.raises(UsageError, match="expected 2048 bits or more, found 1024"):
        parse_public_key(public_line(key))


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o660])
def test_a_private_key_that_others_can_read_is_refused(
    private_keys: dict[str, SigningKey], tmp_path: Path, mode: int
) -> None:
    path = write_key(private_keys["ed25519"], tmp_path / "key")
    path.chmod(mode)
    with pytest.raises(UsageError, match=f"found {mode:04o}") as refused:
        read_key_file(path)
    assert refused.value.hint == f"Run: chmod 600 {path}"


@pytest.mark.parametrize("kind", KINDS)
def test_either_file_of_a_pair_gives_the_public_key(
    private_keys: dict[str, SigningKey], tmp_path: Path, kind: str
) -> None:
    key = private_keys[kind]
    path = write_key(key, tmp_path / "key")
    public = tmp_path / "key.pub"
    public.write_text(public_line(key) + " ada\n")
    expected = parse_public_key(public_line(key))
    assert read_public_key(path) == read_public_key(public) == expected


def test_a_locked_key_shows_its_public_half(tmp_path: Path) -> None:
    key = make_key("ed25519")
    path = tmp_path / "key"
    lock = BestAvailableEncryption(b"secret")
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, lock))
    path.chmod(0o600)
    file = read_key_file(path)
    assert file.encrypted
    assert file.public.text == public_line(key)
    assert type(file.load(lambda: "secret")) is type(key)
    for passphrase in (None, lambda: "wrong"):
        with pytest.raises(UsageError, match="wrong passphrase or format"):
            file.load(passphrase)


@pytest.mark.parametrize("kind", ["ecdsa-256", "rsa"])
def test_a_key_in_the_older_pem_form_is_read(
    private_keys: dict[str, SigningKey], tmp_path: Path, kind: str
) -> None:
    key, path = private_keys[kind], tmp_path / "key"
    form = PrivateFormat.TraditionalOpenSSL
    path.write_bytes(key.private_bytes(Encoding.PEM, form, NoEncryption()))
    path.chmod(0o600)
    file = read_key_file(path)
    assert not file.encrypted
    assert file.public.text == public_line(key)
    assert type(file.load()) is type(key)


def test_a_locked_pem_key_needs_its_public_file(tmp_path: Path) -> None:
    key, path = make_key("ecdsa-256"), tmp_path / "key"
    lock = BestAvailableEncryption(b"secret")
    form = PrivateFormat.PKCS8
    path.write_bytes(key.private_bytes(Encoding.PEM, form, lock))
    path.chmod(0o600)
    with pytest.raises(NotFoundError, match=r"there is no key .*key\.pub"):
        read_key_file(path)
    (tmp_path / "key.pub").write_text(public_line(key))
    assert read_key_file(path).encrypted


def test_files_that_hold_no_key_are_named(tmp_path: Path) -> None:
    path = tmp_path / "key"
    with pytest.raises(NotFoundError, match="there is no key"):
        read_public_key(path)
    for content in (b"", b"hello", b"\xff\xfe", b"x" * 100_000):
        path.write_bytes(content)
        with pytest.raises(UsageError, match="key"):
            read_public_key(path)
    with pytest.raises(UsageError, match="cannot be read"):
        read_public_key(tmp_path)
    damaged = "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n"
    path.write_text(damaged + "-----END OPENSSH PRIVATE KEY-----\n")
    path.chmod(0o600)
    with pytest.raises(UsageError, match="is damaged"):
        read_public_key(path)


@pytest.mark.filterwarnings("ignore:SSH DSA key support is deprecated")
def test_a_dsa_key_is_refused(tmp_path: Path) -> None:
    key, path = dsa.generate_private_key(1024), tmp_path / "key"  # noqa: S505
    form = PrivateFormat.TraditionalOpenSSL
    path.write_bytes(key.private_bytes(Encoding.PEM, form, NoEncryption()))
    path.chmod(0o600)
    with pytest.raises(UsageError):
        read_public_key(path)


def test_a_throw_away_key_is_its_owners_alone_and_overwrites_nothing(
    tmp_path: Path,
) -> None:
    path = tmp_path / "demo"
    key = generate_key(path, "demo reviewer")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert read_public_key(path) == read_public_key(tmp_path / "demo.pub") == key
    assert (tmp_path / "demo.pub").read_text() == f"{key.text} demo reviewer\n"
    before = path.read_bytes()
    with pytest.raises(UsageError, match="File exists"):
        generate_key(path, "again")
    assert path.read_bytes() == before
    with pytest.raises(UsageError, match="cannot be printed"):
        generate_key(tmp_path / "other", "two\nlines")
    assert not (tmp_path / "other").exists()


def test_ssh_keygen_accepts_a_throw_away_key(tmp_path: Path, ssh_keygen: str) -> None:
    path = tmp_path / "demo"
    key = generate_key(path, "demo")
    assert run(ssh_keygen, "-y", "-f", path).stdout.decode().strip() == key.text
