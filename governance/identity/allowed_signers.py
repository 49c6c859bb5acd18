"""The ``allowed_signers`` file of git and ``ssh-keygen -Y verify``."""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from governance.errors import IntegrityError, UsageError
from governance.identity.public import KEY_TYPES, PublicKey, parse_public_key
from governance.identity.sshsig import verify

# What cannot be mistaken for a pattern, a list, an option or a comment.
_PRINCIPAL = re.compile(r"[\w.+=@:/~-][\w.+=@:/~%-]{0,127}")
_NAMESPACE = re.compile(r"[A-Za-z0-9._@-]{1,64}", re.ASCII)
_OPTION = re.compile(r'([A-Za-z-]+)(?:="([^"]*)")?(?:,|(?=\s)|$)')
_STAMP = re.compile(r"(\d{8})(\d{4})?(\d\d)?(Z?)", re.ASCII)
_HINT = "See ALLOWED SIGNERS in `man ssh-keygen`."


def check_principal(text: str) -> str:
    """Return ``text`` if it can stand in the file as one exact name.

    Raises:
        UsageError: If ssh-keygen would read it as something else.
    """
    if not _PRINCIPAL.fullmatch(text):
        message = (
            "a principal is 1 to 128 letters, digits and . _ - + = @ : / ~ %, "
            f"found {text[:40]!r}"
        )
        raise UsageError(message, "Use a mail address, such as ada@example.org.")
    return text


@dataclass(frozen=True, slots=True)
class AllowedSigner:
    """One line of the file: who may sign with which key, for what and when.

    Args:
        principal: Exact name.
        key: Public key.
        namespaces: Purposes the key is good for; empty for all.
        valid_after: RFC 3339 UTC, from when on, or ``None``.
        valid_before: RFC 3339 UTC, until when, or ``None``.
    """

    principal: str
    key: PublicKey
    namespaces: tuple[str, ...] = ()
    valid_after: str | None = None
    valid_before: str | None = None

    def line(self) -> str:
        """Return the line as ssh-keygen reads it.

        Raises:
            UsageError: If a field cannot be written.
        """
        options = []
        self.check_window()
        if self.namespaces:
            for namespace in self.namespaces:
                if not _NAMESPACE.fullmatch(namespace):
                    message = f"no namespace: {namespace[:64]!r}"
                    raise UsageError(message)
            options.append(f'namespaces="{",".join(self.namespaces)}"')
        if self.valid_after is not None:
            options.append(f'valid-after="{_to_stamp(self.valid_after)}"')
        if self.valid_before is not None:
            options.append(f'valid-before="{_to_stamp(self.valid_before)}"')
        parts = [check_principal(self.principal), ",".join(options), self.key.text]
        return " ".join(part for part in parts if part)

    def check_window(self) -> None:
        """Refuse a window without a moment in it, as ssh-keygen does.

        Raises:
            UsageError: If it ends before it begins.
        """
        if (
            self.valid_after is not None
            and self.valid_before is not None
            and self.valid_before <= self.valid_after
        ):
            message = (
                f"the key of {self.principal!r} is never valid: after "
                f"{self.valid_after} and before {self.valid_before}"
            )
            raise UsageError(message)

    def covers(self, namespace: str, time: str) -> bool:
        """Say whether the line is good for a purpose at a time.

        Args:
            namespace: The purpose.
            time: RFC 3339 UTC with whole seconds, which sorts as it is written.
        """
        return (
            (not self.namespaces or namespace in self.namespaces)
            and (self.valid_after is None or self.valid_after <= time)
            and (self.valid_before is None or time <= self.valid_before)
        )


def format_allowed_signers(signers: Iterable[AllowedSigner]) -> str:
    """Return the file's text, one line a signer, in the order given."""
    return "".join(f"{signer.line()}\n" for signer in signers)


def parse_allowed_signers(text: str) -> tuple[AllowedSigner, ...]:
    """Read the file.

    Args:
        text: Its text.

    Raises:
        UsageError: If a line is malformed or uses patterns or certificates.
    """
    signers: list[AllowedSigner] = []
    # Lines are what ssh-keygen takes for lines, not what Unicode does.
    for number, line in enumerate(text.split("\n"), start=1):
        try:
            found = _plain(line)
            if found and not found.startswith("#"):
                signers.extend(_parse_line(found))
        except UsageError as error:
            message = f"allowed_signers, line {number}: {error.message}"
            raise UsageError(message, error.hint or _HINT) from error
    return tuple(signers)


def _plain(line: str) -> str:
    """Return a line without spaces around it.

    Raises:
        UsageError: It holds a character that other readers take for a line's end.
    """
    found = line.removesuffix("\r").strip(" \t")
    for char in found:
        if char != "\t" and unicodedata.category(char) in ("Cc", "Zl", "Zp"):
            raise UsageError(f"expected no control characters, found U+{ord(char):04X}")
    return found


def verify_principal(
    signers: Iterable[AllowedSigner],
    principal: str,
    signature: str,
    message: bytes,
    namespace: str,
    time: str,
) -> PublicKey:
    """Check that a principal signed, with a key good for it at that time.

    Args:
        signers: The allowed signers.
        principal: Who should have signed.
        signature: Armored signature.
        message: What should have been signed.
        namespace: What for.
        time: RFC 3339 UTC with whole seconds.

    Returns:
        The key that signed.

    Raises:
        IntegrityError: If the signature does not verify or the key is not theirs.
    """
    key = verify(signature, message, namespace)
    lines = [s for s in signers if s.principal == principal and s.key == key]
    if not lines:
        problem = f"{key.fingerprint} is not a key of {principal!r}"
        raise IntegrityError(problem, "Compare allowed_signers.")
    if not any(line.covers(namespace, time) for line in lines):
        problem = (
            f"{key.fingerprint} of {principal!r} is not good for {namespace} at {time}"
        )
        raise IntegrityError(problem, "Compare allowed_signers.")
    return key


def _parse_line(line: str) -> Iterator[AllowedSigner]:
    """Yield one signer for each principal of a line."""
    principals, _, rest = line.partition(" ")
    rest = rest.strip()
    options: dict[str, str] = {}
    if rest.split(" ", 1)[0] not in KEY_TYPES:
        options, rest = _parse_options(rest)
    key = parse_public_key(rest)
    after, before = options.get("valid-after"), options.get("valid-before")
    for principal in principals.strip('"').split(","):
        signer = AllowedSigner(
            principal=check_principal(principal),
            key=key,
            namespaces=tuple(filter(None, options.get("namespaces", "").split(","))),
            valid_after=None if after is None else _from_stamp(after),
            valid_before=None if before is None else _from_stamp(before),
        )
        signer.check_window()
        yield signer


def _parse_options(text: str) -> tuple[dict[str, str], str]:
    """Return the options at the beginning of a text, and the rest."""
    options: dict[str, str] = {}
    while match := _OPTION.match(text):
        name, value = match[1].lower(), match[2]
        if name not in ("namespaces", "valid-after", "valid-before") or value is None:
            message = f"unsupported option {name!r}"
            raise UsageError(message)
        if name == "namespaces" and not value.strip(","):
            message = "option 'namespaces' permits nothing"
            raise UsageError(message, "Name the purposes, or leave it out.")
        if name in options:
            message = f"option {name!r} is given twice"
            raise UsageError(message)
        options[name] = value
        text = text[match.end() :]
        if not match[0].endswith(","):
            break
    return options, text.strip()


def _to_stamp(time: str) -> str:
    """Return RFC 3339 UTC as ssh-keygen writes times."""
    return datetime.fromisoformat(time).astimezone(UTC).strftime("%Y%m%d%H%M%SZ")


def _from_stamp(text: str) -> str:
    """Return ssh-keygen's time as RFC 3339 UTC.

    Raises:
        UsageError: If it is none, or in a local time we cannot know.
    """
    match = _STAMP.fullmatch(text)
    if match is None or not match[4]:
        message = f"expected YYYYMMDD[HHMM[SS]]Z in UTC, found {text[:32]!r}"
        raise UsageError(message, "Add Z: local times mean something else elsewhere.")
    digits = match[1] + (match[2] or "0000") + (match[3] or "00")
    try:
        moment = datetime.strptime(digits, "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    except ValueError as error:
        message = f"no such time: {text[:32]!r}"
        raise UsageError(message) from error
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
