"""Sign with a key that an ssh-agent holds (draft-ietf-sshm-ssh-agent)."""

import socket
from dataclasses import dataclass
from pathlib import Path

from governance.errors import IntegrityError, SignOffMissingError
from governance.identity.public import RSA, PublicKey
from governance.identity.sshsig import armor, signed_data
from governance.identity.wire import Reader, pack_string

_REQUEST_IDENTITIES, _IDENTITIES = 11, 12
_SIGN, _SIGNED = 13, 14
_RSA_SHA2_512 = 4
_MAX_ANSWER = 1024 * 1024
_CONNECT_SECONDS = 5.0


def _receive(connection: socket.socket, count: int) -> bytes:
    """Return exactly ``count`` bytes."""
    received = b""
    while len(received) < count:
        chunk = connection.recv(count - len(received))
        if not chunk:
            message = "the ssh-agent hung up"
            raise OSError(message)
        received += chunk
    return received


def _ask(path: Path, request: bytes) -> bytes:
    """Send one request and return the answer.

    Raises:
        OSError: If the agent cannot be reached or talks nonsense.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(_CONNECT_SECONDS)
        connection.connect(str(path))
        # The agent may ask its owner to confirm, which takes as long as it takes.
        connection.settimeout(None)
        connection.sendall(pack_string(request))
        size = int.from_bytes(_receive(connection, 4), "big")
        if not 0 < size <= _MAX_ANSWER:
            message = f"the ssh-agent answered with {size} bytes"
            raise OSError(message)
        return _receive(connection, size)


def agent_keys(path: Path) -> list[bytes]:
    """Return the wire encodings of the public keys an agent holds.

    Args:
        path: The agent's socket.

    Raises:
        OSError: If the agent cannot be reached.
        IntegrityError: If its answer is malformed.
    """
    reader = Reader(_ask(path, bytes([_REQUEST_IDENTITIES])), "ssh-agent's answer")
    if reader.take(1)[0] != _IDENTITIES:
        return []
    keys = []
    for _ in range(reader.number()):
        keys.append(reader.string())
        reader.string()
    reader.end()
    return keys


@dataclass(frozen=True, slots=True)
class AgentSigner:
    """Signs with a key in an ssh-agent.

    Args:
        path: The agent's socket.
        public_key: A key it holds.
    """

    path: Path
    public_key: PublicKey

    @property
    def describe(self) -> str:
        """What signs, for people."""
        return "ssh-agent"

    def sign(self, message: bytes, namespace: str) -> str:
        """Return the armored signature of a message.

        Args:
            message: What to sign.
            namespace: What for.

        Raises:
            SignOffMissingError: If the agent refuses or cannot be reached.
        """
        data = signed_data(message, namespace, "sha512")
        flags = _RSA_SHA2_512 if self.public_key.type == RSA else 0
        request = (
            bytes([_SIGN])
            + pack_string(self.public_key.blob)
            + pack_string(data)
            + flags.to_bytes(4, "big")
        )
        try:
            reader = Reader(_ask(self.path, request), "ssh-agent's answer")
            kind = reader.take(1)[0]
            blob = reader.string() if kind == _SIGNED else b""
        except (OSError, IntegrityError) as error:
            problem = f"the ssh-agent at {self.path} did not sign: {error}"
            raise SignOffMissingError(problem, "Start it or use --key.") from error
        if kind != _SIGNED:
            problem = (
                f"the ssh-agent refused to sign with {self.public_key.fingerprint}"
            )
            raise SignOffMissingError(problem, "Confirm the use of the key.")
        return armor(self.public_key, namespace, "sha512", blob)
