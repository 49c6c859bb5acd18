"""Create a workspace, or open one that is there."""

import secrets
from collections.abc import Sequence
from os.path import lexists
from pathlib import Path
from typing import NoReturn

from governance.domain.events import WorkspaceCreated
from governance.domain.roster import Reviewer, Roster
from governance.errors import (
    GovernanceError,
    NotFoundError,
    UsageError,
    WrongStateError,
)
from governance.identity.keys import read_public_key
from governance.ledger.database import holds_entries, sqlite_url
from governance.ledger.log import Ledger
from governance.ledger.notary import CHECKPOINT, PRIVATE, PUBLIC, Notary
from governance.ledger.store import ObjectStore
from governance.policy.files import find_policy, load_policy
from governance.service.identity import new_principal
from governance.service.layout import Layout
from governance.service.ledger_key import refuse_other_key
from governance.service.model_key import finish_public
from governance.service.ports import Parts
from governance.service.signers_file import finish_signers, write_signers
from governance.service.workspace import Clock, Workspace, utc_now
from governance.settings import Settings
from governance.text import normalise

Person = tuple[str, Path, Sequence[str]]
"""Principal, public key file, roles."""


def create(
    settings: Settings,
    parts: Parts,
    policy: str,
    people: Sequence[Person],
    origin: str | None = None,
    clock: Clock = utc_now,
) -> Workspace:
    """Make a workspace: database, object store, genesis entry.

    Args:
        settings: Where.
        parts: Everything heavy.
        policy: Name of a shipped policy, or a policy file.
        people: First roster.
        origin: Ledger origin; a new unique one where omitted.
        clock: Tells the time.

    Returns:
        The open workspace.

    Raises:
        WrongStateError: There is a workspace already.
        UsageError: Two people share a name or a key.
        RequestError: The policy is wrong.
    """
    if settings.readonly:
        raise UsageError(
            "init: --readonly refuses to make a workspace", "Leave --readonly out."
        )
    found = load_policy(find_policy(policy))
    roster = Roster(tuple(_reviewer(person) for person in people))
    _refuse_shared(roster)
    layout = Layout(settings.workspace)
    _refuse_begun(settings, layout)
    layout.make()
    notary = _notary(layout, origin or f"governance/{secrets.token_hex(8)}")
    ledger = Ledger.open(_url(settings, layout), create=True, notary=notary)
    workspace = Workspace(settings, ledger, parts, clock)
    try:
        store = ObjectStore(layout.objects)
        store.put_bytes(found.suite.canonical)
        store.put_bytes(found.canonical)
        with ledger.write() as transaction:
            _refuse_existing(transaction.head().size, layout)
            event = WorkspaceCreated(
                origin=notary.origin,
                policy={
                    "name": found.name,
                    "version": found.version,
                    "digest": found.digest,
                },
                suites={found.suite.name: found.suite.digest},
                reviewers=[
                    {"principal": r.principal, "key": r.key, "roles": list(r.roles)}
                    for r in roster.reviewers
                ],
                ledger_key=notary.public.text,
            )
            now = workspace.now()
            transaction.append(event.name, "init", event.data(), now=now)
            write_signers(layout, roster)
    except BaseException:
        ledger.close()
        raise
    return workspace


def open_existing(
    settings: Settings, parts: Parts, clock: Clock = utc_now, *, fold: bool = True
) -> Workspace:
    """Open a workspace.

    Args:
        settings: Where, and who acts.
        parts: Everything heavy.
        clock: Tells the time.
        fold: Whether its entries must fold; what names a bad one looks at any ledger.

    Returns:
        The open workspace.

    Raises:
        NotFoundError: There is none.
        IntegrityError: Its entries do not fold, or the ledger's key is another's.
    """
    layout = Layout(settings.workspace)
    if settings.database is None and not layout.ledger.exists():
        _refuse_absent(layout)
    if not fold:
        return Workspace(settings, _looked_at(settings, layout), parts, clock)
    notary = None if settings.readonly else _own_notary(settings, layout)
    ledger = Ledger.open(
        _url(settings, layout), readonly=settings.readonly, notary=notary
    )
    workspace = Workspace(settings, ledger, parts, clock)
    try:
        _refuse_unfinished(workspace.state.size, layout)
        if notary is not None:
            refuse_other_key(ledger, notary)
            notary.finish_public()
            finish_signers(layout, workspace.state.roster)
            finish_public(layout, workspace.state.signing_keys)
    except BaseException:
        ledger.close()
        raise
    return workspace


def _notary(layout: Layout, origin: str) -> Notary:
    """Make the ledger's key, or take that of an ``init`` that did not finish."""
    try:
        return Notary.open(layout.root)
    except NotFoundError:
        return Notary.create(layout.root, origin)


def lacks_key(settings: Settings) -> bool:
    """Say whether a ledger was begun and only its key file is not there."""
    layout = Layout(settings.workspace)
    if settings.readonly or lexists(layout.root / PRIVATE):
        return False
    return holds_entries(_url(settings, layout))


def _own_notary(settings: Settings, layout: Layout) -> Notary:
    """Return who signs an existing ledger's heads.

    Raises:
        NotFoundError: The ledger's key is not there, or no ledger.
    """
    try:
        return Notary.open(layout.root)
    except NotFoundError:
        _refuse_unfinished(int(holds_entries(_url(settings, layout))), layout)
        raise


def _looked_at(settings: Settings, layout: Layout) -> Ledger:
    """Open a ledger of which something may be off or missing, its key included."""
    url, notary = _url(settings, layout), None
    if not settings.readonly and lexists(layout.root / PRIVATE):
        notary = Notary.open(layout.root)
    ledger = Ledger.open(url, readonly=settings.readonly, notary=notary)
    if notary is None:
        return ledger
    try:
        refuse_other_key(ledger, notary)
    except GovernanceError:
        # Verified with the key that entry 1 names, and this one named beside it.
        ledger.close()
        return Ledger.open(url, readonly=settings.readonly)
    return ledger


def _refuse_begun(settings: Settings, layout: Layout) -> None:
    """Refuse a folder that belongs to a ledger, before anything is written to it."""
    if settings.database is not None and holds_entries(settings.database):
        raise WrongStateError(
            "init: the database holds a ledger already",
            "Give another database with --database-url.",
        )
    _refuse_existing(int(holds_entries(_url(settings, layout))), layout)
    keyless = not lexists(layout.root / PRIVATE)
    marks = [CHECKPOINT, PUBLIC] if keyless else [CHECKPOINT]
    found = [name for name in marks if lexists(layout.root / name)]
    if found:
        raise WrongStateError(
            f"init: {layout.root} holds {' and '.join(found)} of another ledger, or of "
            "one that lost its other files",
            "Give another folder with --workspace, name the database that keeps its "
            "ledger with --database-url, or put back what is missing.",
        )


def _refuse_absent(layout: Layout) -> NoReturn:
    """Say what to do where no ledger lies in the folder."""
    if any(lexists(layout.root / name) for name in (CHECKPOINT, PRIVATE, PUBLIC)):
        raise NotFoundError(
            f"the workspace in {layout.root} has no ledger.db: a database server keeps "
            "its ledger, or the file is missing",
            "Name the database with --database-url, or put the file back from where "
            "you keep it.",
        )
    raise NotFoundError(
        f"there is no workspace in {layout.root}",
        "Make one with `governance init`, or name it with --workspace.",
    )


def _refuse_existing(size: int, layout: Layout) -> None:
    if size:
        raise WrongStateError(
            f"init: there is a workspace in {layout.root} already",
            "Give another folder with --workspace.",
        )


def _refuse_unfinished(size: int, layout: Layout) -> None:
    if not size:
        raise NotFoundError(
            f"the workspace in {layout.root} was never finished",
            "Run `governance init` again.",
        )


def _url(settings: Settings, layout: Layout) -> str:
    return settings.database or sqlite_url(layout.ledger)


def _reviewer(person: Person) -> Reviewer:
    principal, path, roles = person
    named = tuple(dict.fromkeys(roles))
    if not named:
        raise UsageError(
            f"--reviewer {principal[:64]!r}: expected at least one role, found none"
        )
    return Reviewer(
        principal=new_principal(principal),
        key=read_public_key(path).text,
        roles=named,
        since=1,
    )


def _refuse_shared(roster: Roster) -> None:
    names = [item.principal for item in roster.reviewers]
    keys = [item.key for item in roster.reviewers]
    if len({normalise(name) for name in names}) < len(names):
        raise UsageError(
            "--reviewer: two principals read the same",
            "Give each person one name that nobody can mix up.",
        )
    if len(set(keys)) < len(keys):
        raise UsageError(
            "--reviewer: two people share one key; one key belongs to one person",
            "Give each person a key of their own.",
        )
