"""Who acts, and with which key they sign."""

import getpass
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from governance.domain.roster import OUTSIDE, Reviewer, Roster
from governance.errors import (
    GovernanceError,
    NotFoundError,
    PolicyRefusedError,
    SignOffMissingError,
    UsageError,
)
from governance.identity.allowed_signers import check_principal
from governance.identity.keys import PublicKey, parse_public_key, read_public_key
from governance.identity.signers import Signer, find_signer
from governance.service.layout import Layout
from governance.service.views import Signatory
from governance.settings import Settings
from governance.text import normalise, safe


@dataclass(frozen=True, slots=True)
class Identity:
    """A person of the roster and something that signs for them.

    Args:
        reviewer: The roster's entry.
        signer: Signs with exactly that key.
    """

    reviewer: Reviewer
    signer: Signer

    @property
    def principal(self) -> str:
        """Name they act under."""
        return self.reviewer.principal

    @property
    def key(self) -> str:
        """Public key, ``type base64``."""
        return self.reviewer.key

    @property
    def fingerprint(self) -> str:
        """``SHA256:...`` of the key."""
        return self.signer.public_key.fingerprint

    @property
    def signatory(self) -> Signatory:
        """Who this is, for people."""
        return Signatory(self.principal, self.key, self.fingerprint)


def find_identity(
    settings: Settings, layout: Layout, roster: Roster, at: int
) -> Identity:
    """Find who signs: as the settings say, else the only reviewer with a usable key.

    Args:
        settings: Principal and key, where given.
        layout: Where a demo keeps its keys.
        roster: Who may sign.
        at: Ledger sequence the signature is for.

    Returns:
        The person and their signer.

    Raises:
        NotFoundError: The principal is not on the roster; the key, if given, is.
        PolicyRefusedError: The key is not on the roster, or belongs to somebody else.
        SignOffMissingError: Nothing can sign, or several people could.
    """
    if settings.key is not None:
        return _with_key(settings.key, settings.principal, roster, at)
    if settings.principal is not None:
        reviewer = _on_roster(roster, settings.principal, at)
        return _with_any_key(reviewer, layout)
    return _only_usable(layout, roster, at)


def actor_name(settings: Settings, layout: Layout, roster: Roster, at: int) -> str:
    """Name whoever acts without signing; a hint, never authority.

    A person of the roster is named only where their key could sign here: nobody acts
    in another's name by typing it.

    Args:
        settings: Principal and key, where given.
        layout: Where a demo keeps its keys.
        roster: Who may sign.
        at: Ledger sequence of the action.

    Raises:
        NotFoundError: A name was given, and nobody on the roster has it.
    """
    refuse_stranger(settings, roster, at)
    try:
        return find_identity(settings, layout, roster, at).principal
    except GovernanceError:
        return f"{OUTSIDE}{_login()}"


def new_principal(name: str) -> str:
    """Return the name of somebody new on the roster, if it may be one.

    Args:
        name: Their name.

    Raises:
        UsageError: It cannot be written down, or is kept for whoever acts unsigned.
    """
    if normalise(name).startswith(OUTSIDE):
        raise UsageError(
            f"{name[:40]!r}: names that begin with {OUTSIDE!r} are recorded for "
            "whoever acts without a key of the roster",
            "Use a mail address, such as ada@example.org.",
        )
    return check_principal(name)


def refuse_stranger(settings: Settings, roster: Roster, at: int) -> None:
    """Refuse to act under a name that nobody on the roster has.

    Raises:
        NotFoundError: One was given.
    """
    if settings.principal is not None:
        _on_roster(roster, settings.principal, at)


def _login() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return str(os.getuid())


def _on_roster(roster: Roster, principal: str, at: int) -> Reviewer:
    reviewer = roster.find(principal, at)
    if reviewer is None:
        names = ", ".join(
            sorted(item.principal for item in roster.reviewers if item.active_at(at))
        )
        raise NotFoundError(
            f"{principal[:64]!r} is not on the roster, or no longer; expected one of "
            f"{safe(names, 400) or 'nobody'}",
            "Name one of them with --as, or leave it out where nothing is signed.",
        )
    return reviewer


def _with_key(path: Path, principal: str | None, roster: Roster, at: int) -> Identity:
    key = read_public_key(path)
    owner = roster.owner(key.text, at)
    if owner is None:
        raise PolicyRefusedError(
            f"the key {key.fingerprint} belongs to nobody on the roster",
            "`governance reviewer list` shows who may sign, and with which key.",
        )
    if principal is not None and owner.principal != principal:
        _on_roster(roster, principal, at)  # a mistyped name is told the names
        raise PolicyRefusedError(
            f"the key {key.fingerprint} belongs to {owner.principal!r}: expected a key "
            f"of {principal!r}",
            "One key belongs to one person. Give the key of whoever signs.",
        )
    return Identity(owner, find_signer(path, public_key=key))


def _with_any_key(reviewer: Reviewer, layout: Layout) -> Identity:
    found = _usable(reviewer, layout)
    if found is None:
        raise SignOffMissingError(
            f"nothing here can sign for {reviewer.principal!r}",
            "Give their key with --key PATH, or add it with ssh-add.",
        )
    return Identity(reviewer, found)


def _only_usable(layout: Layout, roster: Roster, at: int) -> Identity:
    active = [item for item in roster.reviewers if item.active_at(at)]
    pairs = [(item, _usable(item, layout)) for item in active]
    usable = [Identity(item, signer) for item, signer in pairs if signer is not None]
    if len(usable) == 1:
        return usable[0]
    if usable:
        names = ", ".join(sorted(item.principal for item in usable))
        raise SignOffMissingError(
            f"several people could sign here: {names}",
            "Say who signs with --as PRINCIPAL.",
        )
    raise SignOffMissingError(
        "no key of anybody on the roster is usable here",
        "Give one with --as PRINCIPAL --key PATH, or add it with ssh-add.",
    )


def _usable(reviewer: Reviewer, layout: Layout) -> Signer | None:
    """Return a signer for a reviewer: from the agent, else from a known key file."""
    key = parse_public_key(reviewer.key)
    for path in (None, *_files_with(key, layout)):
        try:
            return find_signer(path, public_key=key)
        except GovernanceError:
            # Not with this one; the caller says so when none of them can.
            continue
    return None


def _files_with(key: PublicKey, layout: Layout) -> Iterator[Path]:
    """Yield private key files whose public half beside them is this key."""
    for folder in (layout.keys, Path.home() / ".ssh"):
        if not folder.is_dir():
            continue
        for public in sorted(folder.glob("*.pub")):
            private = public.with_suffix("")
            try:
                same = read_public_key(public) == key
            except GovernanceError:
                continue
            if same and private.is_file():
                yield private
