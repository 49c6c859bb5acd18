"""Find something that can sign with a reviewer's key."""

import os
import shutil
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from governance.errors import IntegrityError, SignOffMissingError
from governance.identity.agent import AgentSigner, agent_keys
from governance.identity.keys import KeyFile, read_key_file, read_public_key
from governance.identity.public import PublicKey
from governance.identity.sshsig import sign_with_key, verify

Passphrase = Callable[[], str]


class Signer(Protocol):
    """Something that signs with one key."""

    @property
    def public_key(self) -> PublicKey:
        """The key it signs with."""

    @property
    def describe(self) -> str:
        """What signs, for people."""

    def sign(self, message: bytes, namespace: str) -> str:
        """Return the armored signature of a message."""


@dataclass(frozen=True, slots=True)
class KeygenSigner:
    """Signs through ``ssh-keygen``, which asks for passphrase or touch itself.

    Args:
        program: Path of ssh-keygen.
        path: Key file.
        public_key: Its public key.
    """

    program: str
    path: Path
    public_key: PublicKey

    @property
    def describe(self) -> str:
        """What signs, for people."""
        return "ssh-keygen"

    def sign(self, message: bytes, namespace: str) -> str:
        """Return the armored signature of a message.

        Args:
            message: What to sign.
            namespace: What for.

        Raises:
            SignOffMissingError: If ssh-keygen could not sign.
        """
        command = [self.program, "-Y", "sign", "-n", namespace]
        command += ["-f", str(self.path.absolute())]
        done = subprocess.run(  # noqa: S603 - a list, no shell; the path is absolute
            command, input=message, capture_output=True, check=False
        )
        if done.returncode != 0:
            # It ends its lines as terminals do, and may say more than one.
            said = " ".join(done.stderr.decode("utf-8", "replace").split())[-200:]
            problem = f"ssh-keygen did not sign with {self.path}: {said}"
            hint = "Nothing was signed. Try again, or add the key with ssh-add."
            raise SignOffMissingError(problem, hint)
        text = done.stdout.decode("ascii", "replace")
        _check_own(text, message, namespace, self.public_key)
        return text


@dataclass(frozen=True, slots=True)
class FileSigner:
    """Signs with a private key file, without any other program.

    Args:
        file: The key file.
        passphrase: Asked at each signature when the file is encrypted.
    """

    file: KeyFile
    passphrase: Passphrase | None = None

    @property
    def public_key(self) -> PublicKey:
        """The key it signs with."""
        return self.file.public

    @property
    def describe(self) -> str:
        """What signs, for people."""
        return f"key file {self.file.path}"

    def sign(self, message: bytes, namespace: str) -> str:
        """Return the armored signature of a message.

        Args:
            message: What to sign.
            namespace: What for.

        Raises:
            UsageError: If the key cannot be opened.
        """
        text = sign_with_key(self.file.load(self.passphrase), message, namespace)
        _check_own(text, message, namespace, self.public_key)
        return text


def _check_own(text: str, message: bytes, namespace: str, key: PublicKey) -> None:
    """Refuse to hand out a signature that nobody could verify.

    Raises:
        SignOffMissingError: If it does not verify under the key it was asked of.
    """
    try:
        verify(text, message, namespace, key)
    except IntegrityError as error:
        problem = f"what was signed does not verify: {error.message}"
        raise SignOffMissingError(problem, "Check the key file.") from error


def _from_agent(key: PublicKey, environment: Mapping[str, str]) -> Signer | str:
    """Return a signer for a key an agent holds, or why there is none."""
    path = environment.get("SSH_AUTH_SOCK", "")
    if not path:
        return "no ssh-agent is running"
    try:
        held = agent_keys(Path(path))
    except (OSError, IntegrityError) as error:
        return f"the ssh-agent cannot be used ({error})"
    if key.blob not in held:
        return f"the ssh-agent does not hold {key.fingerprint}"
    return AgentSigner(Path(path), key)


def _from_file(
    path: Path, environment: Mapping[str, str], passphrase: Passphrase | None
) -> Signer | str:
    """Return a signer for a private key file, or why there is none."""
    file = read_key_file(path)
    if not file.encrypted and not file.on_device:
        return FileSigner(file)
    if file.encrypted and not file.on_device and passphrase is not None:
        return FileSigner(file, passphrase)
    program = shutil.which("ssh-keygen", path=environment.get("PATH"))
    if program is not None:
        return KeygenSigner(program, path, file.public)
    return f"{path} needs a passphrase or a touch, and ssh-keygen is not installed"


def find_signer(
    path: Path | None,
    *,
    public_key: PublicKey | None = None,
    environment: Mapping[str, str] | None = None,
    passphrase: Passphrase | None = None,
) -> Signer:
    """Return what can sign with a key: ssh-agent, key file or ssh-keygen.

    A key file that needs a passphrase goes to ssh-keygen, which asks on the terminal,
    unless the caller can ask itself.

    Args:
        path: A private key file, or a ``.pub`` file whose secret an agent holds.
        public_key: The key that must sign, where it is known otherwise.
        environment: Where ``SSH_AUTH_SOCK`` and ``PATH`` are looked up; the process's.
        passphrase: Asks the user, where the caller can.

    Raises:
        SignOffMissingError: If nothing can sign with that key.
        NotFoundError: If there is no file at ``path``.
        UsageError: If the file is no key or can be read by others.
    """
    surroundings = os.environ if environment is None else environment
    key = public_key if path is None else read_public_key(path)
    if key is None:
        message = "no key to sign with was named"
        raise SignOffMissingError(message, "Name one with --key PATH.")
    if public_key is not None and key != public_key:
        message = (
            f"{path} is another key: expected {public_key.fingerprint}, "
            f"found {key.fingerprint}"
        )
        raise SignOffMissingError(message, "Sign with the key in the roster.")
    found = _from_agent(key, surroundings)
    if not isinstance(found, str):
        return found
    reasons = [found]
    if path is not None:
        by_file = _by_file(path, surroundings, passphrase)
        if not isinstance(by_file, str):
            return by_file
        reasons.append(by_file)
    message = f"nothing can sign with {key.fingerprint}: {'; '.join(reasons)}"
    raise SignOffMissingError(message, "Add the key with ssh-add, or use --key PATH.")


def _by_file(
    path: Path, environment: Mapping[str, str], passphrase: Passphrase | None
) -> Signer | str:
    """Return a signer for a key file or the private file beside a ``.pub``."""
    private = path.with_suffix("") if path.suffix == ".pub" else path
    if private != path and not private.exists():
        return f"{private} does not exist"
    return _from_file(private, environment, passphrase)
