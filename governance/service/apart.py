"""What an audit checks of entries without the state: form, requests and evidence.

All of it follows from an entry's payload, those before it and the objects they cite,
so that another process can do it, given the very bytes that were hashed.
"""

import json
from collections import OrderedDict
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple, Protocol

from governance.canonical import canonical_bytes
from governance.domain.change_events import ChangeActivated, ChangeProposed
from governance.domain.event import Document
from governance.domain.events import (
    EditProposed,
    EditsApplied,
    EditsChecked,
    WorkspaceCreated,
    parse_event,
)
from governance.domain.request import EditRequest
from governance.errors import IntegrityError
from governance.ledger.entry import Entry, checked_entry
from governance.ledger.hashed_once import HashedOnce
from governance.ledger.store import ObjectStore
from governance.policy.evaluate import judge_request, refused, required_approvals
from governance.policy.model import Policy
from governance.service.authority import Claim
from governance.service.evidence import check_evidence, judged_rules
from governance.service.fields import text
from governance.service.stored import (
    once,
    recorded_request,
    stored_policy,
    stored_suite,
)
from governance.text import safe

_RECENT = 2048
"""Requests kept at hand: an edit is mostly measured soon after it was proposed."""
_LOOKED_AT = (EditProposed.name, EditsApplied.name, EditsChecked.name)


class Needed(NamedTuple):
    """How many approvals counted when a candidate went live.

    Args:
        policy: Digest of the policy in force.
        edits: Ids of the edits that were new.
        counted: How many.
    """

    policy: str
    edits: tuple[str, ...]
    counted: int


class Help(Protocol):
    """Takes the part of an audit that needs no state."""

    def claim(self, claim: Claim) -> None:
        """Have a signature verified."""

    def enough(self, needed: Needed) -> None:
        """Have it checked that approvals were as many as the requests ask for."""


def check_proposal(policy: Policy, request: EditRequest, event: EditProposed) -> None:
    """Check that an edit is for its request's model, and judge the request again.

    What collides with live edits is left out: it decides nothing once one goes live.

    Args:
        policy: The policy in force at its entry.
        request: The request.
        event: What was proposed, and what the policy made of it.

    Raises:
        IntegrityError: It is for another model, the policy refuses it, or it finds
            something else than the entry says.
    """
    if event.model != request.model:
        raise IntegrityError(
            f"{event.edit}: its request is for model {safe(request.model, 80)}, found "
            f"{safe(event.model, 80)}"
        )
    found = judge_request(policy, request)
    said = [
        row
        for row in event.findings
        if not str(row.get("rule")).startswith("conflicts")
    ]
    expected = [
        {"rule": item.rule, "outcome": item.outcome.value, "message": item.message}
        for item in found
    ]
    if refused(policy, found):
        raise IntegrityError(f"{event.edit}: the policy in force refuses its request")
    if said != expected:
        raise IntegrityError(
            f"{event.edit}: the policy in force does not find what the entry says"
        )


def check_judgement(
    store: ObjectStore,
    digests: Mapping[str, str],
    request: Callable[[str], EditRequest],
    parent: str,
    event: EditsChecked,
) -> None:
    """Judge evidence again, by the policy it was judged by.

    Args:
        store: The objects.
        digests: The measured edits' request digests by id.
        request: Returns an edit's request.
        parent: What the candidate was solved on top of.
        event: What was measured, and what came of it.

    Raises:
        GovernanceError: It is not what the entry says, or not there.
    """
    stored_suite(store, event.suite)
    # Requests are named by their digests, so these name all that is judged.
    found = once(
        store,
        ("judged", event.evidence, event.policy, tuple(digests.items())),
        lambda: _judged(store, {name: request(name) for name in digests}, event),
    )
    candidate, suite, live, edits, outcome, rules = found
    if (live, edits) != (parent, digests):
        raise IntegrityError(
            f"the evidence {event.evidence[:12]} is of other edits, or compares with "
            "another snapshot than the candidate was solved on"
        )
    if (candidate, suite, outcome) != (event.candidate, event.suite, event.outcome):
        raise IntegrityError(
            f"the evidence {event.evidence[:12]} is not what the entry says: expected "
            f"{event.outcome} on {event.candidate[:12]}, found {outcome}"
        )
    if rules != list(event.rules):
        raise IntegrityError(
            f"the evidence {event.evidence[:12]} does not give the figures the entry says"
        )


def _judged(
    store: ObjectStore, requests: Mapping[str, EditRequest], event: EditsChecked
) -> tuple[object, object, object, object, str, list[Document]]:
    """Return what an entry's evidence is of, and how it is judged.

    That is candidate, suite, live snapshot and edits; outcome and rules.
    """
    evidence = check_evidence(store, event.evidence)
    policy = stored_policy(store, event.policy)
    outcome, rules = judged_rules(policy, requests, evidence)
    return (
        evidence.get("candidate"),
        evidence.get("suite"),
        evidence.get("live"),
        evidence.get("edits"),
        outcome,
        rules,
    )


class _InForce:
    """Follows which policy is in force; whether it should be, the first process asks."""

    def __init__(self) -> None:
        self.policy = ""
        self._proposed: dict[str, str] = {}

    def look(self, entry: Entry) -> None:
        """Take note of an entry that names a policy, or puts one in force."""
        if entry.event not in (
            WorkspaceCreated.name,
            ChangeProposed.name,
            ChangeActivated.name,
        ):
            return
        event = parse_event(entry.event, entry.data)
        if isinstance(event, WorkspaceCreated):
            self.policy = text(event.policy, "digest")
        elif isinstance(event, ChangeProposed) and event.kind == "policy":
            self._proposed[event.change] = text(event.subject, "digest")
        elif isinstance(event, ChangeActivated):
            self.policy = self._proposed.get(event.change, self.policy)


class Apart:
    """Looks at entries one after the other, from the first.

    Args:
        objects: Folder of the object store.
    """

    def __init__(self, objects: Path) -> None:
        self._store = HashedOnce(objects)
        self._proposed: dict[str, tuple[str, bytes]] = {}
        self._parents: dict[str, str] = {}
        self._in_force = _InForce()
        self._recent: OrderedDict[str, EditRequest] = OrderedDict()

    def look(self, payload: bytes) -> Entry:
        """Check an entry's form, and the request or the evidence in it.

        Args:
            payload: Bytes as they were hashed.

        Raises:
            GovernanceError: Something is not as it should be.
        """
        entry = checked_entry(payload)
        if entry.event not in _LOOKED_AT:
            self._in_force.look(entry)
            return entry
        event = parse_event(entry.event, entry.data)
        if isinstance(event, EditProposed):
            self._keep(event.edit, event.digest, event.request)
            policy = stored_policy(self._store, self._in_force.policy)
            check_proposal(policy, self._recent[event.edit], event)
            self._proposed[event.edit] = event.digest, canonical_bytes(event.request)
        elif isinstance(event, EditsApplied):
            self._parents[event.candidate] = event.parent
        elif isinstance(event, EditsChecked):
            parent = self._parents.get(event.candidate, "")
            digests = {name: self._of(name)[0] for name in event.edits}
            check_judgement(self._store, digests, self._request, parent, event)
        return entry

    def enough(self, needed: Needed) -> bool:
        """Say whether approvals were as many as the requests ask for.

        Args:
            needed: What counted, for edits whose proposals were looked at.

        Raises:
            IntegrityError: The policy is none.
        """
        requests = [self._request(name) for name in needed.edits]
        policy = stored_policy(self._store, needed.policy)
        return required_approvals(policy, requests) <= needed.counted

    def _of(self, edit: str) -> tuple[str, bytes]:
        if edit not in self._proposed:
            raise IntegrityError(f"edit {edit!r} was cited before it was proposed")
        return self._proposed[edit]

    def _request(self, edit: str) -> EditRequest:
        """Return an edit's request: the newest are kept, all others made again."""
        if edit not in self._recent:
            digest, document = self._of(edit)
            self._keep(edit, digest, json.loads(document))
        return self._recent[edit]

    def _keep(self, edit: str, digest: str, document: Document) -> None:
        request = recorded_request(self._store, edit, digest, document)
        self._recent[edit] = request
        self._recent.move_to_end(edit)
        if len(self._recent) > _RECENT:
            self._recent.popitem(last=False)
